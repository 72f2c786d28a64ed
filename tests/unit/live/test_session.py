"""U-02: an act is bound to what was looked at, and done once, whatever is clicked how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.batches.lock import company_lock
from etl.errors import EtlError, HeldElsewhere, UserMustFix
from etl.live.session import ReviewSession
from etl.review.situation import Act
from tests.fakes.local_page import BY, Reviewed, make_reviewed


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    return make_reviewed(tmp_path / "work", monkeypatch)


def exported(session: ReviewSession) -> list[str]:
    """Give the items that are in the files now."""
    seen = session.view()
    assert seen is not None
    return [item["id"] for item in seen.items if item["verdict"] == "exported"]


def content_of(session: ReviewSession) -> str:
    return session.state().content


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(EtlError) as raised:
        act()
    return raised.value.problems[0].code


# ── looking ──


def test_looking_takes_no_lock_and_changes_nothing(reviewed: Reviewed) -> None:
    session, before = reviewed.session, reviewed.kinds()
    root = reviewed.live.root
    with company_lock(root, "acme", clock=session.clock, what="another program"):
        assert session.state().number == 1
        seen = session.view()
        assert seen is not None
        assert seen.view.counts.rendered == 2
        assert session.trace(seen, exported(session)[0]) is not None
        assert len(session.history()) == 1
    assert reviewed.kinds() == before


def test_the_minutes_are_counted_by_pleos_clock(reviewed: Reviewed) -> None:
    assert reviewed.session.state().minutes_left == 60
    reviewed.live.pleo.advance(51 * 60)
    stands = reviewed.session.state()
    assert (stands.minutes_left, stands.is_urgent) == (9, True)


def test_without_pleo_everything_but_the_minutes_can_be_seen(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLEO_API_KEY_ACME")
    stands = reviewed.another().state()
    assert stands.minutes_left is None
    assert stands.time_words.startswith("the minutes left are not known: ")
    assert reviewed.another().view() is not None


def test_a_lapsed_export_says_what_to_do(reviewed: Reviewed) -> None:
    reviewed.live.pleo.advance(3601)
    stands = reviewed.session.state()
    assert stands.is_lapsed
    assert "what you reviewed is remembered" in stands.next_step
    assert stands.allowed == {Act.FETCH}


def test_what_was_looked_at_before_a_lapse_is_remembered(reviewed: Reviewed) -> None:
    session = reviewed.session
    session.approve(by=BY, content=content_of(session))
    reviewed.live.pleo.advance(3601)
    reviewed.live.job()
    session.fetch(by=BY)
    stands = session.state()
    assert (stands.state, stands.is_lapsed) == ("staged", False)
    assert stands.reviewed_before == 2


def test_an_old_revision_is_seen_as_it_was(reviewed: Reviewed) -> None:
    session = reviewed.session
    session.reject(exported(session)[0], reason="private", by=BY, content=content_of(session))
    old, new = session.view(revision=1), session.view()
    assert old is not None
    assert new is not None
    assert (old.view.counts.rendered, new.view.counts.rendered) == (2, 1)
    assert old.folder.name == "r1"
    assert session.revisions(reviewed.batch) == [1, 2]
    difference = session.difference(reviewed.batch, 1, 2)
    assert [one.after for one in difference.found.items] == ["failed"]


def test_a_stored_item_that_was_changed_is_not_shown(reviewed: Reviewed) -> None:
    folder = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    path = folder / "items.ndjson"
    path.write_bytes(path.read_bytes().replace(b"11900", b"91100"))
    assert code_of(reviewed.another().view) == "LINE-2"


def views_of(reviewed: Reviewed) -> list[Path]:
    folder = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    return sorted(folder.glob("view-*"))


def test_the_view_is_stored_with_the_revision_and_is_the_one_that_is_made_again(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.live import viewing

    made: list[int] = []
    real = viewing._make

    def make(*given: Any, **more: Any) -> Any:
        made.append(1)
        return real(*given, **more)

    monkeypatch.setattr(viewing, "_make", make)

    def seen() -> tuple[object, object, object]:
        monkeypatch.setattr(viewing, "_KEPT", viewing._Views())
        found = reviewed.another().view()
        assert found is not None
        assert found.drawer is not None
        return found.view, found.drawer.vouchers(found.drawer.find()), found.drawer.find("119.00")

    stored = seen()
    assert made == []
    (path,) = views_of(reviewed)
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    assert seen() == stored
    assert made == [1]


def test_a_stored_view_that_was_changed_is_not_shown(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.live import viewing

    (path,) = views_of(reviewed)
    content = path.read_bytes()
    other = content.replace(b" are in ", b" was in ")
    assert other != content
    path.write_bytes(other)
    monkeypatch.setattr(viewing, "_KEPT", viewing._Views())
    found = reviewed.another().view()
    assert found is not None
    assert "are in" in found.view.headline


def test_a_stored_view_that_was_laid_out_otherwise_is_made_again(reviewed: Reviewed) -> None:
    from etl.files import sha256
    from etl.live.stored_views import read_view

    (path,) = views_of(reviewed)
    for content in (b"", b"\x80", path.read_bytes().replace(b"headline", b"headlong")):
        path.write_bytes(content)
        assert read_view(path, sha256(content)) is None
    path.unlink()
    assert read_view(path, sha256(b"")) is None


def test_what_waits_is_shown_only_where_it_could_be_released(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.live import recipes, viewing

    def look() -> object:
        monkeypatch.setattr(viewing, "_KEPT", viewing._Views())
        return reviewed.another().view(reviewed.batch)

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "versions", lambda: {"pleo-etl": "99"})
        assert code_of(look) == "LINE-1"
    (path,) = views_of(reviewed)[0].parent.glob("recipe-1/**/accounts.csv")
    before = path.read_bytes()
    path.write_bytes(before.replace(b"4650", b"4651"))
    assert code_of(look) == "LINE-2"
    path.write_bytes(before)
    reviewed.session.release(by=BY, content=content_of(reviewed.session))
    path.write_bytes(b"")  # what is over is shown as it was, whatever became of its rules
    monkeypatch.setattr(recipes, "versions", lambda: {"pleo-etl": "99"})
    assert look() is not None


def test_what_is_shown_is_what_the_ledger_holds(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another content than the ledger's is never shown, whatever made it."""
    from etl.live import viewing

    real = viewing._make

    def other(*args: object, **more: object) -> object:
        from dataclasses import replace

        return replace(real(*args, **more), content="0" * 64)  # type: ignore[arg-type]

    monkeypatch.setattr(viewing, "_make", other)
    monkeypatch.setattr(viewing, "_KEPT", viewing._Views())
    (path,) = views_of(reviewed)
    path.unlink()
    assert code_of(reviewed.another().view) == "LINE-2"


# ── what changed since it was looked at ──


def test_a_change_is_told_against_what_the_person_knows(reviewed: Reviewed) -> None:
    session, batch = reviewed.session, reviewed.batch
    assert session.changed(batch, by=BY) is None
    first, second = exported(session)
    session.seen([first], by="B. Lind", content=content_of(session))
    session.reject(first, reason="private", by=BY, content=content_of(session))
    session.seen([second], by=BY, content=content_of(session))
    session.reject(second, reason="private", by=BY, content=content_of(session))
    found = session.changed(batch, by=f" {BY.upper()}")
    assert found is not None
    assert (found.before, found.after, found.by, found.does) == (2, 3, BY, "looked at")
    assert [one.item_id for one in found.compared.found.items] == [second]
    for name, before, by in (("B. Lind", 1, "B. Lind"), ("C. Sato", 2, BY)):
        found = session.changed(batch, by=name)
        assert found is not None
        assert (found.before, found.by) == (before, by)


def test_what_is_again_as_it_was_looked_at_is_no_change(reviewed: Reviewed) -> None:
    session = reviewed.session
    item = exported(session)[0]
    session.seen([item], by="B. Lind", content=content_of(session))
    session.reject(item, reason="private", by=BY, content=content_of(session))
    session.undo(item, by=BY, content=content_of(session))
    assert session.state().revision == 3
    assert session.changed(reviewed.batch, by="B. Lind") is None
    found = session.changed(reviewed.batch, by=BY)  # who knows what was held back in between
    assert found is not None
    assert found.before == 2


def test_what_was_approved_and_then_made_with_other_rules_is_told(reviewed: Reviewed) -> None:
    session = reviewed.session
    session.approve(by=BY, content=content_of(session))
    (reviewed.live.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    session.fetch(by=BY)
    found = session.changed(reviewed.batch, by=BY)
    assert found is not None
    assert (found.before, found.after, found.does) == (1, 2, "approved")
    moved = {one.account: str(one.moved) for one in found.compared.found.accounts}
    assert moved.keys() == {"4650", "4999"}


def test_what_nobody_looked_at_is_compared_with_the_revision_before(reviewed: Reviewed) -> None:
    session = reviewed.session
    (reviewed.live.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    session.fetch(by=BY)
    found = session.changed(reviewed.batch, by=BY)
    assert found is not None
    assert (found.before, found.by, found.does) == (1, "", "")


# ── acts, once ──


def test_a_double_click_approves_once(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    told = [session.approve(by=BY, content=content, request="one").says for _ in range(2)]
    assert told[0] == told[1]
    session.approve(by=BY, content=content, request="two")  # a second browser
    reviewed.another().approve(by=f" {BY.upper()} ", content=content)  # a second program
    assert reviewed.kinds().count("approved") == 1


def test_clicks_at_the_same_moment_release_once(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    said: list[str] = []

    def click(number: int) -> None:
        said.append(session.release(by=BY, content=content, request=str(number % 2)).word)

    threads = [threading.Thread(target=click, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["closed"] * 4
    assert reviewed.kinds().count("approved") == 1
    assert reviewed.kinds().count("published") == 1
    assert reviewed.sent() == ["send-event", "report-items", "send-event"]
    assert len(reviewed.released()) == 1


def test_what_was_released_is_not_released_again(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    session.release(by=BY, content=content)
    again = reviewed.another().release(by="B. Lind", content=content)
    assert again.word == "closed"
    assert reviewed.kinds().count("approved") == 1
    assert len(reviewed.sent()) == 3


def test_a_stale_page_releases_nothing(reviewed: Reviewed) -> None:
    session, stale = reviewed.session, content_of(reviewed.session)
    session.reject(exported(session)[0], reason="private", by=BY, content=stale)
    for act in (
        lambda: session.release(by=BY, content=stale),
        lambda: session.approve(by=BY, content=stale),
        lambda: session.discard(by=BY, content=stale),
        lambda: session.reject(exported(session)[0], reason="x", by=BY, content=stale),
        lambda: session.release(by=BY, content=""),
    ):
        assert code_of(act) == "REL-2"
    assert not {"approved", "voided"} & set(reviewed.kinds())
    assert reviewed.sent() == []


def test_a_reissue_takes_back_what_was_looked_at_and_once(reviewed: Reviewed) -> None:
    session, content, batch = reviewed.session, content_of(reviewed.session), reviewed.batch
    session.release(by=BY, content=content)
    assert Act.REISSUE in session.state(batch).allowed
    assert code_of(lambda: session.reissue(batch, by=BY, content="0" * 64)) == "REL-2"
    assert len(reviewed.released()) == 1
    for request in ("one", "one", "two"):
        assert session.reissue(batch, by=BY, content=content, request=request).word == "withdrawn"
    assert reviewed.kinds().count("withdrawn") == 1
    assert reviewed.released() == []
    assert Act.REISSUE not in session.state(batch).allowed
    reviewed.live.job()
    session.fetch(by=BY)
    assert session.state().number == 2
    assert not session.state().repeats  # its items are free: nothing is asked of them


def test_what_the_erp_has_is_not_reissued(reviewed: Reviewed) -> None:
    session, content, batch = reviewed.session, content_of(reviewed.session), reviewed.batch
    session.release(by=BY, content=content)
    session.imported(batch, by=BY)
    assert Act.REISSUE not in session.state(batch).allowed
    assert code_of(lambda: session.reissue(batch, by=BY, content=content)) == "ANS-2"
    assert len(reviewed.released()) == 1


def test_a_rejection_that_comes_twice_makes_one_revision(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    item = exported(session)[0]
    for request in ("one", "one", "two", ""):
        session.reject(item, reason="private", by=BY, content=content, request=request)
    assert session.state().revision == 2
    assert reviewed.kinds().count("answered") == 1
    assert session.state().said_of(item.upper()) is not None


def test_an_undo_gives_back_what_was_there(reviewed: Reviewed) -> None:
    session, before = reviewed.session, content_of(reviewed.session)
    item = exported(session)[0]
    session.reject(item, reason="private", by=BY, content=before)
    session.undo(item, by=BY, content=content_of(session))
    assert content_of(session) == before
    assert session.state().decisions == ()
    assert len(exported(session)) == 2


def test_a_request_is_good_for_one_act(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    session.approve(by=BY, content=content, request="one")
    assert code_of(lambda: session.release(by=BY, content=content, request="one")) == "REL-2"
    assert reviewed.sent() == []


def test_an_act_that_failed_may_be_sent_again(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    root = reviewed.live.root
    with (
        company_lock(root, "acme", clock=session.clock, what="another program"),
        pytest.raises(HeldElsewhere) as raised,
    ):
        session.release(by=BY, content=content, request="one")
    assert raised.value.problems[0].code == "LOCK-1"
    assert session.release(by=BY, content=content, request="one").word == "closed"


def test_an_edited_file_is_not_released(reviewed: Reviewed) -> None:
    """What lies in the folder is not trusted: what was approved is made once more."""
    session, content = reviewed.session, content_of(reviewed.session)
    seen = session.view()
    assert seen is not None
    name = seen.view.files[0].name
    path = seen.folder / name
    proved = path.read_bytes()
    path.write_bytes(proved.replace(b"119", b"918"))
    session.release(by=BY, content=content)
    (folder,) = reviewed.released()
    assert (folder / name).read_bytes() == proved


def where_two_approve(reviewed: Reviewed) -> ReviewSession:
    path = reviewed.live.root / "pleo-etl.yaml"
    text = path.read_text()
    path.write_text(text.replace("mapping: acme.yaml}", "mapping: acme.yaml, approvals: 2}"))
    return reviewed.another()


def test_two_must_approve_and_one_name_counts_once(reviewed: Reviewed) -> None:
    path = reviewed.live.root / "pleo-etl.yaml"
    path.write_text(
        path.read_text().replace("mapping: acme.yaml}", "mapping: acme.yaml, approvals: 2}")
    )
    session = reviewed.another()
    content = content_of(session)
    assert session.state().needed == 2
    first = session.release(by=BY, content=content)
    assert first.word == "waiting"
    assert "1 of 2 approvals" in first.says
    assert session.release(by=BY.lower(), content=content).word == "waiting"
    assert reviewed.sent() == []
    assert session.release(by="B. Lind", content=content).word == "closed"
    assert [one.by for one in session.state(reviewed.batch).approvals] == [BY, "B. Lind"]


def test_a_page_left_open_goes_by_the_settings_of_the_act(reviewed: Reviewed) -> None:
    session = reviewed.session
    content = content_of(session)
    assert session.state().needed == 1
    where_two_approve(reviewed)
    assert session.state().needed == 2
    assert session.release(by=BY, content=content).word == "waiting"
    assert reviewed.sent() == []


def test_a_new_revision_voids_an_approval(reviewed: Reviewed) -> None:
    path = reviewed.live.root / "pleo-etl.yaml"
    path.write_text(
        path.read_text().replace("mapping: acme.yaml}", "mapping: acme.yaml, approvals: 2}")
    )
    session = reviewed.another()
    session.approve(by=BY, content=content_of(session))
    session.reject(exported(session)[0], reason="private", by=BY, content=content_of(session))
    assert session.state().approvals == ()


def test_nothing_that_waits_nothing_to_release(reviewed: Reviewed) -> None:
    session, content = reviewed.session, content_of(reviewed.session)
    session.discard(by=BY, content=content)
    assert code_of(lambda: session.approve(by=BY, content=content)) == "REL-1"
    assert session.state().allowed == {Act.FETCH}


# ── afterwards ──


def test_the_way_of_a_batch_after_its_release(reviewed: Reviewed) -> None:
    session = reviewed.session
    items = exported(session)
    session.release(by=BY, content=content_of(session))
    batch = reviewed.batch
    allowed = session.state(batch).allowed
    assert {Act.IMPORTED, Act.WITHDRAW, Act.REVERSE} <= allowed
    session.imported(batch, by=BY, refused=[items[0]], request="one")
    session.imported(batch, by=BY, refused=[items[0]], request="one")
    assert reviewed.kinds().count("imported") == 1
    assert session.state(batch).word == "imported"
    assert session.state(batch).allowed & {Act.IMPORTED, Act.WITHDRAW} == set()
    session.reverse(batch, by=BY)
    assert [one.word for one in session.history()] == ["released", "reversed"]
    reversal = session.view(session.history()[0].batch_id)
    assert reversal is not None
    assert reversal.view.counts.rendered == 1  # not what the ERP refused


def test_a_reversal_that_waits_is_approved_by_another_name_on_its_content(
    reviewed: Reviewed,
) -> None:
    session = reviewed.session
    session.release(by=BY, content=content_of(session))
    session.imported(first := reviewed.batch, by=BY)
    session = where_two_approve(reviewed)
    assert session.reverse(first, by=BY).word == "waiting"
    waiting = session.state()
    assert (waiting.reverses, waiting.allowed) == (1, {Act.APPROVE, Act.DISCARD})
    told = [one.relation for one in session.history()]
    assert told == ["reversal of batch 1", "batch 2 is to take it back"]
    with pytest.raises(UserMustFix, match="REL-2"):
        session.approve(by="B. Lind", content="0" * 64)
    assert session.approve(by=BY.lower(), content=waiting.content).word == "waiting"
    assert len(reviewed.released()) == 1
    assert session.approve(by="B. Lind", content=waiting.content).word == "reversed"
    assert len(reviewed.released()) == 2
    assert session.state(first).reverses is None
    told = [one.relation for one in session.history()]
    assert told == ["reversal of batch 1", "reversed by batch 2"]


def test_a_withdrawn_batch_can_still_be_seen(reviewed: Reviewed) -> None:
    session = reviewed.session
    session.release(by=BY, content=content_of(session))
    session.withdraw(reviewed.batch, by=BY)
    seen = session.view(reviewed.batch)
    assert seen is not None
    assert "withdrawn" in seen.folder.as_posix()
    assert session.state(reviewed.batch).word == "withdrawn"


def test_booked_before_is_answered_item_by_item(reviewed: Reviewed) -> None:
    session = reviewed.session
    session.release(by=BY, content=content_of(session))
    reviewed.live.job()
    session.fetch(by=BY)
    stands = session.state()
    assert [one.is_open for one in stands.repeats] == [True, True]
    assert Act.RELEASE not in stands.allowed
    first, second = (one.entry for one in stands.repeats)
    stays, anew = {first: {"do": "already_booked"}}, {second: {"do": "again"}}
    session.answer(stays, {}, by=BY, content=stands.content)
    session.answer(anew, {}, by=BY, content=content_of(session))
    stands = session.state()
    assert not any(one.is_open for one in stands.repeats)
    assert Act.RELEASE in stands.allowed
    assert set(exported(session)) == {first, second}


def test_a_name_of_no_batch_is_an_error(reviewed: Reviewed) -> None:
    with pytest.raises(UserMustFix) as raised:
        reviewed.session.state("nobody")
    assert raised.value.problems[0].code == "LED-6"


def test_an_empty_workspace_waits_for_an_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fakes.local_page import new_session
    from tests.unit.cli.live import make_live

    (tmp_path / "empty").mkdir()
    live = make_live(tmp_path / "empty")
    monkeypatch.chdir(live.root)
    session = new_session(live)
    assert session.state().allowed == {Act.FETCH}
    assert session.view() is None
    assert session.history() == []


def test_what_differs_when_it_is_released_waits_and_is_released_when_approved_anew(
    reviewed: Reviewed,
) -> None:
    session, before = reviewed.session, content_of(reviewed.session)
    company = reviewed.live.companies["acme"]
    entry = next(iter(company.entries))
    company.entries[entry] = {**company.entries[entry], "note": "another note"}
    assert session.release(by=BY, content=before).word == "waiting"
    assert reviewed.released() == []
    assert code_of(lambda: session.release(by=BY, content=before)) == "REL-2"
    assert session.release(by=BY, content=content_of(session)).word == "closed"
    assert len(reviewed.released()) == 1


def test_a_release_that_was_stopped_goes_on_by_the_same_click(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.live import releasing

    session, content = reviewed.session, content_of(reviewed.session)

    def stop(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(releasing.reporting, "report", stop)
        with pytest.raises(KeyboardInterrupt):
            session.release(by=BY, content=content, request="one")
    assert session.state().state == "published"
    assert session.state().allowed == {Act.RELEASE}
    assert session.release(by=BY, content=content, request="one").word == "closed"
    assert reviewed.kinds().count("approved") == 1
    assert len(reviewed.released()) == 1
