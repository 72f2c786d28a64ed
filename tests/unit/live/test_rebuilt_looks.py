"""After `ledger rebuild`: any old batch as it was, or, where nothing else is left, its page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from etl.errors import EtlError
from etl.live import viewing
from etl.live.rebuilding import rebuild
from etl.live.session import ReviewSession
from etl.workspace import load_workspace
from tests.fakes.local_page import BY, Reviewed, Visitor, make_reviewed
from tests.fakes.transport import SandboxClockOf, SandboxTransport


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    """Release the second revision of a batch: another account, and one of two items held back."""
    made = make_reviewed(tmp_path / "work", monkeypatch)
    session, live = made.session, made.live
    (live.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    session.fetch(by=BY)
    first, _second = [item["id"] for item in seen(session).items if item["verdict"] == "exported"]
    session.reject(first, reason="private", by=BY, content=session.state().content)
    outcome = session.release(by=BY, content=session.state().content)
    assert (outcome.word, session.revisions(made.batch)) == ("closed", [1, 2, 3])
    return made


def seen(session: ReviewSession, *, revision: int | None = None) -> viewing.Viewed:
    viewing._KEPT = viewing._Views()
    (line, *_) = session.history()
    found = session.view(line.batch_id, revision=revision)
    assert found is not None
    return found


def rebuilt(reviewed: Reviewed, *, is_private_left: bool) -> ReviewSession:
    root = reviewed.live.root
    if is_private_left:
        for path in (root / ".pleo-etl").glob("ledger.db*"):
            path.unlink()
    else:
        shutil.rmtree(root / ".pleo-etl")
    rebuild(
        load_workspace(root / "pleo-etl.yaml"), clock=SandboxClockOf(reviewed.live.pleo),
        transport=SandboxTransport(reviewed.live.pleo),
    )  # fmt: skip
    return reviewed.another()


def said(act: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(EtlError) as raised:
        act(*given, **more)
    return str(raised.value)


def test_every_revision_is_shown_as_it_was(reviewed: Reviewed) -> None:
    session, batch = reviewed.session, reviewed.batch
    before = [seen(session, revision=number).view for number in (1, 2, 3)]
    vouchers = [one.postings for one in _vouchers(seen(session))]
    changed = session.difference(batch, 1, 3).found
    again = rebuilt(reviewed, is_private_left=True)
    assert again.revisions(batch) == [1, 2, 3]
    assert [seen(again, revision=number).view for number in (1, 2, 3)] == before
    assert [one.postings for one in _vouchers(seen(again))] == vouchers
    assert [view.counts.rendered for view in before] == [2, 2, 1]
    assert seen(again).folder == reviewed.released()[0]
    assert again.difference(batch, 1, 3).found == changed
    assert len(changed.items) == 1
    (line,) = again.history()
    assert (line.revision, line.word, line.content) == (3, "released", before[2].identity.content)


def _vouchers(viewed: viewing.Viewed) -> Any:
    assert viewed.drawer is not None
    return viewed.drawer.vouchers(viewed.drawer.find())


def test_its_files_can_be_taken_back(reviewed: Reviewed) -> None:
    again = rebuilt(reviewed, is_private_left=True)
    assert again.withdraw(reviewed.batch, by=BY).word == "withdrawn"
    assert seen(again).folder.parent.name == "withdrawn"
    assert seen(again).view.counts.rendered == 1


def test_it_is_reversed_with_the_rules_it_was_released_with(reviewed: Reviewed) -> None:
    again = rebuilt(reviewed, is_private_left=True)
    assert again.reverse(reviewed.batch, by=BY).word == "reversed"
    assert {row.account for one in _vouchers(seen(again)) for row in one.postings} >= {"4999"}


def test_of_a_revision_that_was_put_away_only_its_number_is_known(reviewed: Reviewed) -> None:
    stored = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    shutil.rmtree(stored / "r1")
    again = rebuilt(reviewed, is_private_left=True)
    assert again.revisions(reviewed.batch) == [2, 3]
    with again.shelf() as shelf:
        assert shelf is not None
        assert shelf.ledger.verify() == []
    assert "REL-1" in said(again.view, reviewed.batch, revision=1)
    assert seen(again).revision == 3


def test_a_stored_view_of_other_content_is_not_taken_for_it(reviewed: Reviewed) -> None:
    stored = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    (stored / "view-3.msgpack").write_bytes((stored / "view-1.msgpack").read_bytes())
    again = rebuilt(reviewed, is_private_left=True)
    assert again.history()[0].revision == 3
    # Nobody knows any more what was held back, so that it cannot be made again either.
    words = said(seen, again)
    assert "LINE-2" in words
    assert "its page lies beside its files, as it was released" in words


def test_without_the_private_folder_its_page_is_what_there_is(reviewed: Reviewed) -> None:
    (folder,) = reviewed.released()
    page = (folder / "review.html").read_bytes()
    again, batch = rebuilt(reviewed, is_private_left=False), reviewed.batch
    words = said(again.view, batch)
    assert "what batch 1" in words
    assert "was made of is not stored here any more" in words
    assert "its page lies beside its files, as it was released" in words
    assert "run again" not in words
    assert again.revisions(batch) == [1]
    assert again.page_as_it_was(batch, 1) == page
    assert again.compared(batch, batch).found.is_same
    assert "reverse its vouchers by hand" in said(again.reverse, batch, by=BY)
    reviewed.session = again
    with reviewed.page() as served, Visitor(served) as visitor:
        visitor.enter()
        shown = visitor.get(f"batch/{batch}").text
        assert "Batch 1: its files are ready to be imported, once" in shown
        assert "1 item of 3 in the files, 2 rejected." in shown
        assert f"as-it-was/{batch}/1" in shown
        assert "That page is what there is: what batch 1" in shown
        assert 'data-dialog="reissue"' in shown  # what can be said of it can be said
        assert visitor.get(f"as-it-was/{batch}/1").content == page
    assert again.withdraw(batch, by=BY).word == "withdrawn"
    assert again.page_as_it_was(batch, 1) == page
