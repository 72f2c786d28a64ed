"""What asks nothing of Pleo needs neither a credential nor the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.live import Live, make_staged


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Give a workspace whose batch is staged, or was released (`release` it first)."""
    monkeypatch.chdir(tmp_path)
    return make_staged(tmp_path)


def cut_off(live: Live) -> None:
    """Take the credential away; Pleo would answer nothing but failures besides."""
    live.pleo.faults.add("error=503:1-")
    del live.environment["PLEO_API_KEY_ACME"]


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("imported", "--refused", "4113002"), "imported"),
        (("withdraw",), "withdrawn"),
        (("reverse",), "reversed"),
    ],
)
def test_what_is_said_of_a_released_batch(live: Live, words: tuple[str, ...], outcome: str) -> None:
    live.run("release", "--yes")
    cut_off(live)
    asked = len(live.pleo.seen)
    (said,) = live.json(*words, "--yes")["companies"]
    assert (said["exit_code"], said["outcome"]) == (0, outcome)
    assert len(live.pleo.seen) == asked


def test_whether_a_quarantined_batch_was_imported(live: Live) -> None:
    (job,) = live.pleo.jobs.values()
    live.pleo.faults.add("error=503@report-items:1-")
    live.run("release", "--yes")
    live.pleo.faults.clear()
    live.pleo.cancel_job(job)
    live.run("release", "--yes")
    cut_off(live)
    (said,) = live.json("settle", "--not-imported", "--yes")["companies"]
    assert (said["exit_code"], said["outcome"]) == (0, "voided")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("discard", "--yes"), 0),
        (("review", "--reject", "4113001", "--reason", "no receipt"), 1),  # rejected: exit 1
        (("review", "--approve"), 0),
    ],
)
def test_what_is_said_of_a_staged_batch(live: Live, words: tuple[str, ...], code: int) -> None:
    cut_off(live)
    assert live.run(*words).exit_code == code


@pytest.mark.parametrize(
    "words",
    [
        ("history",),
        ("history", "1"),
        ("review", "1"),
        ("ledger", "verify"),
        ("verify", "outbox/acme"),
        ("explain", "4113001", "outbox/acme"),
        ("diff", "1", "1"),
    ],
)
def test_what_only_looks(live: Live, words: tuple[str, ...]) -> None:
    live.run("release", "--yes")
    (folder,) = [path for path in Path("outbox/acme").iterdir() if path.is_dir()]
    cut_off(live)
    result = live.run(*[str(folder) if word == "outbox/acme" else word for word in words])
    assert result.exit_code == 0, result.stderr


def test_what_asks_pleo_says_that_there_is_no_credential(live: Live) -> None:
    cut_off(live)
    for words in (("run",), ("release", "--yes"), ("jobs",)):
        document = live.json(*words)
        assert [one["code"] for one in document["errors"]] == ["AUTH-1"], words
