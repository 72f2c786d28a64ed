"""`simulate`: what a mapping would have changed in what was released, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.live import Live, make_live, three_items


@pytest.fixture
def live(tmp_path: Path) -> Live:
    live = make_live(tmp_path)
    mapping = (live.root / "acme.yaml").read_text(encoding="utf-8")
    other = mapping.replace('"{{ item.contra_account.code }}"', '"1361"')
    (live.root / "other.yaml").write_text(other, encoding="utf-8")
    strict = mapping.replace('    - {use: "{{ line.account.code }}"}\n', "")
    strict = strict.replace("accounts.csv", "fewer.csv")
    (live.root / "strict.yaml").write_text(strict, encoding="utf-8")
    (live.root / "fewer.csv").write_text("pleo,erp\n9999,9999\n", encoding="utf-8")
    release(live)
    return live


def release(live: Live) -> None:
    live.job()
    assert live.run("run").exit_code == 1
    assert live.run("release", "--yes").exit_code == 1


def everything(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix not in (".db-wal", ".db-shm")
    }


def test_the_mapping_in_use_changes_nothing(live: Live) -> None:
    found = live.json("simulate", "-m", str(live.root / "acme.yaml"))
    (company,) = found["companies"]
    (batch,) = company["batches"]
    assert (batch["difference"]["same"], company["accounts"]) == (True, [])


def test_another_account_is_shown_to_the_cent_and_to_the_cell(live: Live) -> None:
    found = live.json("simulate", "-m", str(live.root / "other.yaml"))
    (company,) = found["companies"]
    assert company["accounts"] == [
        {"account": "1360", "currency": "EUR", "moved": "149.00"},
        {"account": "1361", "currency": "EUR", "moved": "-149.00"},
    ]
    (batch,) = company["batches"]
    cells = {(one["column"], one["before"], one["after"]) for one in batch["difference"]["cells"]}
    assert cells == {("Contra", "1360", "1361")}


def test_items_that_would_be_rejected_now_are_exit_code_1(live: Live) -> None:
    result = live.run("simulate", "-m", str(live.root / "strict.yaml"))
    assert result.exit_code == 1
    assert "in the files -> kept out of the files" in result.stdout


def test_nothing_is_kept_and_nothing_is_sent(live: Live) -> None:
    before, requests = everything(live.root), len(live.requests())
    assert live.run("simulate", "-m", str(live.root / "other.yaml")).exit_code == 0
    assert everything(live.root) == before
    assert len(live.requests()) == requests


def test_the_last_batches_are_taken_newest_first(live: Live) -> None:
    live.pleo.advance(60)
    live.add("acme", renamed())
    release(live)
    words = ("simulate", "-m", str(live.root / "other.yaml"), "--last")
    for last, numbers in (("1", [2]), ("5", [2, 1])):
        (company_told,) = live.json(*words, last)["companies"]
        assert [batch["number"] for batch in company_told["batches"]] == numbers


def renamed() -> list[dict[str, object]]:
    """Give the three items again, as three others."""
    return [
        dict(one) | {"accountingEntryId": f"{at:08d}-0000-4000-8000-000000000000"}
        for at, one in enumerate(three_items(), start=1)
    ]


def test_a_mapping_that_is_wrong_is_said_once(live: Live) -> None:
    (live.root / "other.yaml").write_text("company: {}\n", encoding="utf-8")
    result = live.run("simulate", "-m", str(live.root / "other.yaml"))
    assert result.exit_code == 2
    assert result.stderr.count('error[DOC-2]: "company.name" is missing') == 1


def test_items_that_are_not_stored_any_more_are_said(live: Live) -> None:
    (stored,) = (live.root / ".pleo-etl" / "batches" / "acme").iterdir()
    shutil.rmtree(stored)
    found = live.json("simulate", "-m", str(live.root / "other.yaml"))
    (error,) = found["errors"]
    assert (found["exit_code"], error["code"]) == (2, "SIM-2")
    assert error["what"].startswith("the items of batch 1")
    assert error["what"].endswith("are not stored any more")
    assert error["fix"] == "only batches within the workspace's `retention` can be tried"
    result = live.run("simulate", "-m", str(live.root / "other.yaml"))
    assert result.stdout == ""  # nothing was compared, so nothing is counted


def test_before_the_first_release_there_is_nothing_to_try(tmp_path: Path) -> None:
    live = make_live(tmp_path)
    live.job()
    live.run("run")
    result = live.run("simulate", "-m", str(live.root / "acme.yaml"))
    assert result.exit_code == 2
    assert "error[SIM-1]" in result.stderr
