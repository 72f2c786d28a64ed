"""Reversals and a ledger made again, with a real template and mapping, through the commands."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.items import item
from tests.unit.cli.live import OTHER, Live, make_live


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    root = tmp_path / "books"
    root.mkdir()
    monkeypatch.chdir(root)
    return make_live(root)


def release(live: Live, name: str = "acme") -> None:
    live.job(name)
    assert live.run("run", "--company", name).exit_code in (0, 1)
    result = live.run("release", "--yes", "--company", name)
    assert result.exit_code in (0, 1), result.stderr


def amounts(live: Live, number: int, name: str = "acme") -> dict[str, Decimal]:
    """Give the amount of each reference in the file of a batch."""
    (path,) = (live.root / "outbox" / name).glob(f"{number:04d}-*/plain_*.csv")
    rows = [line.split(";") for line in path.read_text("cp1252").splitlines()[1:]]
    return {row[8]: Decimal(row[4]) for row in rows}


def manifest(live: Live, number: int) -> dict[str, Any]:
    (path,) = (live.root / "outbox" / "acme").glob(f"{number:04d}-*/manifest.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def history(live: Live) -> list[tuple[int, str]]:
    (company,) = live.json("history", "--company", "acme")["companies"]
    return [(one["number"], one["stands"]) for one in company["batches"]]


def test_a_reversal_takes_back_what_is_in_the_books_and_no_more(live: Live) -> None:
    release(live)
    live.run("imported", "--yes", "--refused", "4113002")
    assert live.run("reverse", "--yes").exit_code == 0
    assert amounts(live, 1) == {'"4113001"': Decimal("119.00"), '"4113002"': Decimal("30.00")}
    assert amounts(live, 2) == {'"4113001"': Decimal("-119.00")}
    assert manifest(live, 2)["batch"]["reverses"] == manifest(live, 1)["batch"]["id"]
    (folder,) = (live.root / "outbox" / "acme").glob("0002-*")
    assert live.run("verify", str(folder)).exit_code == 0
    assert live.run("ledger", "verify", "--online").exit_code == 0
    release(live)  # all of it may come again
    assert amounts(live, 3) == amounts(live, 1)


def test_the_ledger_of_two_companies_is_made_again(live: Live) -> None:
    live.add("bravo", [item(n=9, company=OTHER, wallet="7.00 EUR")])
    release(live)
    release(live, "bravo")
    live.run("withdraw", "--yes", "--company", "acme")
    release(live)
    before = history(live)
    assert before == [(1, "withdrawn"), (2, "released")]
    (live.root / ".pleo-etl" / "ledger.db").unlink()
    assert live.run("run", "--company", "bravo").exit_code == 2
    result = live.run("ledger", "rebuild", "--yes")
    assert result.exit_code == 0, result.stderr
    assert history(live) == before
    for name in ("acme", "bravo"):
        assert live.run("ledger", "verify", "--online", "--company", name).exit_code == 0
        live.job(name)
        assert live.run("run", "--company", name).exit_code in (0, 1)
        # The same postings as then: known by the items and the recipe that are still here.
        staged = live.run("release", "--yes", "--company", name)
        assert "error[REL-3]" in staged.stderr
        assert "whether items that came before are booked already" in " ".join(
            staged.stderr.split()
        )
