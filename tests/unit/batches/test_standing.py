"""Where a batch stands and what happened to it: the words that every face says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl.batches.ledger import Event
from etl.batches.standing import HAPPENED, detail_of, standing_of, when_of
from etl.batches.states import Kind
from tests.fakes.ledgers import COMPANY, body_of, open_in, walk, walk_until


def test_all_that_happens_has_a_word_and_what_is_only_intended_has_none() -> None:
    assert set(Kind) - set(HAPPENED) == {
        Kind.START_INTENDED, Kind.PUBLISH_INTENDED, Kind.REPORT_INTENDED, Kind.FINAL_INTENDED,
        Kind.REFUSE_INTENDED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("until", "then", "word", "sentence"),
    [
        ("reserved", (), "begun", "it was begun, and its items are not all here"),
        ("staged", (), "staged", "it waits for your review"),
        ("staged", ("voided",), "void", "it counts for nothing (discarded)"),
        ("approved", (), "approved", "approved by Ann, and not released yet"),
        ("started", (), "started", "the export is started in Pleo, and no file is out yet"),
        ("published", (), "published",
         "the files are out, and Pleo is not told all yet: do not import them yet"),
        ("published", ("quarantined",), "quarantined", "do not import it: Pleo ended the job"),
        ("closed", (), "released", "its files are ready to be imported, once"),
        ("closed", ("imported",), "imported", "your ERP has its files"),
        ("closed", ("withdrawn",), "withdrawn",
         "its files were taken back, and must not be imported"),
    ],
)  # fmt: skip
def test_where_a_batch_stands(
    tmp_path: Path, until: str, then: tuple[str, ...], word: str, sentence: str
) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind(until))
        stands = standing_of(walk(ledger, *map(Kind, then), batch=batch))
    assert (stands.word, stands.sentence) == (word, sentence)


@pytest.mark.parametrize(
    ("blocking", "approved", "sentence"),
    [
        (["REV-1", "REV-2"], False, "it waits for your answers (REV-1, REV-2)"),
        ([], True, "approved by Ann, and another person must approve it"),
    ],
)
def test_what_a_staged_batch_waits_for(
    tmp_path: Path, blocking: list[str], approved: bool, sentence: str
) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STAGED, staged={"blocking": blocking})
        if approved:
            first = body_of(Kind.APPROVED, needed=2)
            del first["verdicts"]
            batch = ledger.append(batch, Kind.APPROVED, first)
    assert (standing_of(batch).word, standing_of(batch).sentence) == ("staged", sentence)


@pytest.mark.parametrize(
    ("waiting", "blocking", "sentence"),
    [
        (1, ["JOB-9"], "1 item waits for your answer: it was booked before"),
        (2, ["JOB-9"], "2 items wait for your answer: they were booked before"),
        (2, ["JOB-9", "REV-1"], "2 items wait for your answer: they were booked before; more is"
         " to be answered (REV-1)"),
    ],
)  # fmt: skip
def test_items_that_came_before_are_counted_and_not_coded(
    tmp_path: Path, waiting: int, blocking: list[str], sentence: str
) -> None:
    counts = {"items": 4, "rendered": 1, "rejected": 0, "waiting": waiting}
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STAGED, staged={"blocking": blocking, "counts": counts})
    assert standing_of(batch).sentence == sentence


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        (Kind.STAGED, {}, "staged, revision 1, content cccccccccccc"),
        (Kind.STAGED, {"content": None}, "staged, revision 1"),
        (Kind.REVIEWED, {"entries": ["a", "b"]}, "reviewed, 2 items"),
        (Kind.APPROVED, {}, "approved, content cccccccccccc"),
        (Kind.PUBLISHED, {}, "files put into the outbox"),
        (Kind.SETTLED, {"imported": True}, "settled: imported"),
        (Kind.SETTLED, {"imported": False}, "settled: not imported"),
        (Kind.IMPORTED, {"refused": ["9f1f6086-1111", "a"]}, "imported, without 9f1f6086, a"),
        (Kind.VOIDED, {"why": "discarded"}, "void (discarded)"),
        (Kind.ANSWERED,
         {"decisions": {"9f1f6086-1111": {"do": "reject", "reason": "private"}},
          "notes": {"REV-1": "on paper"}},
         'answered: reject 9f1f6086 "private", REV-1 "on paper"'),
        (Kind.ANSWERED,
         {"decisions": {f"{number}": {"do": "already_booked"} for number in range(7)}},
         "answered: already booked 0, already booked 1, already booked 2, already booked 3,"
         " already booked 4 and 2 more"),
    ],
)  # fmt: skip
def test_what_happened_is_told_in_words(kind: Kind, more: dict[str, Any], words: str) -> None:
    at = datetime(2026, 3, 9, 8, 0, 59, tzinfo=UTC)
    event = Event(1, COMPANY, "0" * 12, 1, kind, at, body_of(kind, **more))
    assert HAPPENED[event.kind] + detail_of(event) == words


def test_a_batch_is_dated_by_its_end_and_before_by_its_begin(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.RESERVED)
    assert when_of(batch) == "2026-03-09 08:00"
    closed = replace(batch, facts={**batch.facts, "closed_at": "2026-03-10T09:30:59.5Z"})
    assert when_of(closed) == "2026-03-10 09:30"
