"""`diff` of batches of the workspace: by number, by id, and a revision with the one after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.live import Live, make_staged


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return make_staged(tmp_path)


def test_a_revision_is_compared_with_the_one_after_it(live: Live) -> None:
    (live.root / "accounts.csv").write_text("pleo,erp\n6640,4653\n", encoding="utf-8")
    assert live.run("run").exit_code == 1
    found = live.json("diff", "1@1", "1@2")
    moved = {move["account"]: move["moved"] for move in found["accounts"]}
    assert moved == {"4650": "-149.00", "4653": "149.00"}
    assert {cell["column"] for cell in found["cells"]} == {"Account"}


def test_a_released_batch_is_found_by_number_and_by_id(live: Live) -> None:
    batch = live.json("status")["companies"][0]["batch"]["id"]
    assert live.run("release", "--yes").exit_code == 1
    found = live.json("diff", "1", batch[:6])
    assert found["same"] is True
    assert found["before"]["counts"]["items"] == 3


def test_files_that_are_gone_are_said_to_be(live: Live) -> None:
    result = live.run("diff", "1@7", "1")
    assert result.exit_code == 2
    assert "error[REVIEW-2]: the files of revision 7 of batch 1" in result.stderr


def test_an_item_of_a_batch_is_explained(live: Live) -> None:
    (job,) = live.pleo.jobs.values()
    entry = next(iter(job.items))
    folder = live.root / ".pleo-etl" / "batches"
    (staged,) = folder.rglob("r1")
    assert live.json("explain", entry, "--batch", "1") == live.json("explain", entry, str(staged))
    assert live.run("release", "--yes").exit_code == 1
    (released,) = (live.root / "outbox").rglob("manifest.json")
    found = live.json("explain", entry, "--batch", "1")
    assert found == live.json("explain", entry, str(released.parent))
    assert found["item"]["id"] == entry


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("out", "--batch", "1"), "a folder and --batch exclude each other"),
        (("--company", "acme"), "--company goes with --batch"),
        (("--batch", "seven"), "--batch seven: not the number or id of a batch"),
    ],
)
def test_one_place_is_named_to_explain_an_item_of(
    live: Live, words: tuple[str, ...], says: str
) -> None:
    result = live.run("explain", "4114001", *words)
    assert result.exit_code == 2
    assert says in result.stderr
