"""A damaged ledger is refused with a code, or is right; it never answers wrongly (C-06)."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.batches.ledger import Event, Ledger, opening, sealing
from etl.batches.states import Kind
from etl.errors import EtlError
from tests.fakes.ledgers import COMPANY, FILE, open_in, quarantined, verdict, walk, walk_until

#: More of them in a heavy run: PLEO_ETL_FLIPS=20000.
FLIPS = int(os.environ.get("PLEO_ETL_FLIPS", "150"))
SEED = int(os.environ.get("PLEO_ETL_SEED", "20260309"))
WAL = Path(f"{FILE}-wal")


def batch_of(number: int, *, items: int) -> dict[str, dict[str, Any]]:
    entries = [f"{number:02}{item:06x}-0000-4000-8000-000000000000" for item in range(items)]
    return {
        "reserved": {"number": number, "first_vouchers": {"": number * 100}, "entries": entries},
        "staged": {"last_vouchers": {"": number * 100 + 99}},
        "approved": {"verdicts": [verdict(entry) for entry in entries]},
        "report_intended": {"entries": entries},
        "acknowledged": {"entries": entries},
    }


def story(ledger: Ledger) -> None:
    """Closed, withdrawn, voided and settled batches, and one that is published."""
    walk(ledger, Kind.IMPORTED, batch=walk_until(ledger, Kind.CLOSED, **batch_of(1, items=12)))
    walk(ledger, Kind.WITHDRAWN, batch=walk_until(ledger, Kind.CLOSED, **batch_of(2, items=5)))
    walk(ledger, Kind.VOIDED, batch=walk_until(ledger, Kind.APPROVED, **batch_of(3, items=4)))
    batch = quarantined(ledger, **batch_of(3, items=4))
    ledger.append(batch, Kind.SETTLED, {"imported": True, "by": "Ann"})
    walk_until(ledger, Kind.REPORT_INTENDED, **batch_of(4, items=6))


def answers(ledger: Ledger) -> dict[str, Any]:
    """Ask everything that a command ever asks."""
    batches = ledger.batches(COMPANY)
    entries = [entry for batch in batches for entry in ledger.listed(batch)]
    return {
        "id": ledger.id,
        "batches": batches,
        "events": ledger.events(COMPANY),
        "unsettled": ledger.unsettled(COMPANY),
        "verdicts": [ledger.verdicts(batch.id) for batch in batches],
        "claims": ledger.claims(COMPANY, entries),
        "numbers": ledger.next_numbers(COMPANY, per_fiscal_year=False),
        "gaps": ledger.gaps(COMPANY),
        "found": [ledger.find(COMPANY, str(number)) for number in (1, 2, 3, 4)],
    }


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any]]:
    root = tmp_path_factory.mktemp("ledger")
    with open_in(root) as ledger:
        story(ledger)
        right = answers(ledger)
        assert ledger.verify() == []
    return (root / FILE).read_bytes(), right


def ask(root: Path, content: bytes) -> dict[str, Any] | str:
    """Give the answers of a file, or the code with which it is refused."""
    shutil.rmtree(root / FILE.parent, ignore_errors=True)
    (root / FILE.parent).mkdir()
    (root / FILE).write_bytes(content)
    try:
        with open_in(root) as ledger:
            return answers(ledger)
    except EtlError as error:
        return error.problems[0].code


def test_a_file_that_was_cut_off_is_refused(
    tmp_path: Path, original: tuple[bytes, dict[str, Any]]
) -> None:
    content, right = original
    assert ask(tmp_path, content) == right
    step = len(content) / 200
    cuts = [round(step * number) for number in range(200)]
    said = {cut: ask(tmp_path, content[:cut]) for cut in cuts}
    assert {cut: code for cut, code in said.items() if code not in ("LED-2", "LED-3")} == {}


def flips(content: bytes, *, count: int) -> list[tuple[int, int]]:
    """Choose bits all over the file, and each bit of its head."""
    chance = random.Random(SEED)
    head = [(place, bit) for place in range(100) for bit in range(8)]
    chosen = chance.sample(head, min(len(head), count // 4))
    others = [(chance.randrange(len(content)), chance.randrange(8)) for _ in range(count)]
    return chosen + others


def wrong_after_flips(
    root: Path, original: tuple[bytes, dict[str, Any]], *, count: int
) -> tuple[list[tuple[int, int]], int]:
    """Give the flips whose ledger answers wrongly, and how many were refused."""
    content, right = original
    wrong, refused = [], 0
    for place, bit in flips(content, count=count):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        try:
            said = ask(root, bytes(changed))
        except (ValueError, TypeError, KeyError):
            wrong.append((place, bit))
            continue
        refused += isinstance(said, str)
        if not isinstance(said, str) and said != right:
            wrong.append((place, bit))
    return wrong, refused


def test_a_flipped_bit_is_refused_or_changes_nothing(
    tmp_path: Path, original: tuple[bytes, dict[str, Any]]
) -> None:
    wrong, refused = wrong_after_flips(tmp_path, original, count=FLIPS)
    print(f"flips: {FLIPS}, refused: {refused}, seed: {SEED}")
    assert wrong == [], f"seed {SEED}"
    assert refused > FLIPS // 4


def test_without_digests_a_flipped_bit_is_a_wrong_answer(
    tmp_path: Path, original: tuple[bytes, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant that trusts what it reads is caught."""
    monkeypatch.setattr(sealing, "is_sealed", lambda row: True)
    wrong, _ = wrong_after_flips(tmp_path, original, count=60)
    assert wrong


def test_zeroed_and_repeated_pages_are_refused(
    tmp_path: Path, original: tuple[bytes, dict[str, Any]]
) -> None:
    """What a disk does that lost a write, or wrote it to the wrong place."""
    content, right = original
    size = 4096
    pages = range(len(content) // size)
    for page in pages:
        for instead in (b"\0" * size, content[:size], content[-size:]):
            changed = content[: page * size] + instead + content[(page + 1) * size :]
            said = ask(tmp_path, changed)
            assert isinstance(said, str) or said == right, page


def with_log(root: Path) -> tuple[bytes, bytes, list[Event]]:
    """Give file and log as a killed process leaves them: what is newest is in the log alone."""
    with open_in(root) as ledger:
        story(ledger)
        return (root / FILE).read_bytes(), (root / WAL).read_bytes(), ledger.events(COMPANY)


LOGS: dict[str, Callable[[bytes], bytes | None]] = {
    "whole": lambda log: log,
    "missing": lambda log: None,
    "empty": lambda log: b"",
    "cut off in its head": lambda log: log[:20],
    "cut off": lambda log: log[: len(log) // 2],
    "cut off at the end": lambda log: log[:-1],
    "a bit flipped early": lambda log: log[:50] + bytes([log[50] ^ 1]) + log[51:],
    "a bit flipped late": lambda log: log[:-50] + bytes([log[-50] ^ 1]) + log[-49:],
}


@pytest.mark.parametrize("damage", LOGS)
def test_a_damaged_log_gives_the_ledger_of_some_moment_before(tmp_path: Path, damage: str) -> None:
    """SQLite takes the log up to its first broken frame; nothing is half there."""
    content, log, events = with_log(tmp_path / "killed")
    root = tmp_path / "found"
    (root / FILE.parent).mkdir(parents=True)
    (root / FILE).write_bytes(content)
    left = LOGS[damage](log)
    if left is not None:
        (root / WAL).write_bytes(left)
    with open_in(root) as ledger:
        found = ledger.events(COMPANY)
        assert found == events[: len(found)]
        assert ledger.verify() == []
        assert damage != "whole" or found == events


def test_a_ledger_is_whole_after_a_kill_at_any_size_of_its_log(tmp_path: Path) -> None:
    """A power cut keeps any beginning of the log."""
    content, log, events = with_log(tmp_path / "killed")
    root, seen = tmp_path / "found", set()
    for part in range(41):
        shutil.rmtree(root, ignore_errors=True)
        (root / FILE.parent).mkdir(parents=True)
        (root / FILE).write_bytes(content)
        (root / WAL).write_bytes(log[: len(log) * part // 40])
        with open_in(root) as ledger:
            found = ledger.events(COMPANY)
            assert found == events[: len(found)]
            assert ledger.verify() == []
            seen.add(len(found))
    assert {0, len(events)} <= seen
    assert len(seen) > 10


def test_the_check_of_pages_is_needed(
    tmp_path: Path, original: tuple[bytes, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant that opens without looking takes a damaged index for the truth."""
    monkeypatch.setattr(opening, "_check_whole", lambda *_, **__: None)
    wrong, _ = wrong_after_flips(tmp_path, original, count=400)
    assert wrong
