"""What may happen to a batch in which state: every pair of state and kind, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etl.batches.ledger import Batch, Ledger, NewBatch
from etl.batches.ledger.failures import BodyWrong
from etl.batches.states import TRANSITIONS, UNSETTLED, Kind, State
from etl.errors import UserMustFix
from tests.fakes.ledgers import (
    COMPANY,
    FOLDER,
    body_of,
    open_in,
    quarantined,
    verdict,
    walk,
    walk_until,
)  # fmt: skip

#: Column by column: st-aged, ap-proved, s-tarte-d, pu-blished, re-ported, cl-osed, qu-arantined,
#: vo-ided. What it is then; "." is refused. Each batch stands at the end of its state: what
#: comes before the next state was done (its intent is stored, all verdicts are acknowledged).
GRID = """
                  st ap sd pu re cl qu vo
reserved          .  .  .  .  .  .  .  .
staged            st st st .  .  .  .  .
answered          st .  .  .  .  .  .  .
reviewed          st .  .  .  .  .  .  .
approved          ap .  .  .  .  .  .  .
start_intended    .  ap .  .  .  .  .  .
started           .  sd .  .  .  .  .  .
publish_intended  .  .  sd .  .  .  .  .
published         .  .  pu .  .  .  .  .
report_intended   .  .  .  pu .  .  .  .
acknowledged      .  .  .  pu .  .  .  .
reported          .  .  .  re .  .  .  .
final_intended    .  .  .  .  re .  .  .
closed            .  .  .  .  cl .  .  .
refuse_intended   .  .  sd .  .  .  .  .
voided            vo vo vo .  .  .  .  .
quarantined       .  .  .  qu qu .  .  .
settled           .  .  .  .  .  .  cl .
withdrawn         .  .  .  .  .  cl .  .
imported          .  .  .  .  .  cl .  .
reversed          .  .  .  .  .  .  .  .
"""
SHORT = dict(zip(("st", "ap", "sd", "pu", "re", "cl", "qu", "vo"), State, strict=True))
#: The last event of the way in each state.
LAST = {
    State.STAGED: Kind.STAGED,
    State.APPROVED: Kind.START_INTENDED,
    State.STARTED: Kind.PUBLISH_INTENDED,
    State.PUBLISHED: Kind.ACKNOWLEDGED,
    State.REPORTED: Kind.FINAL_INTENDED,
    State.CLOSED: Kind.CLOSED,
}


def grid() -> list[tuple[State, Kind, State | None]]:
    rows = [line.split() for line in GRID.strip().splitlines()]
    head, *lines = rows
    assert {line[0] for line in lines} == set(Kind)
    return [
        (SHORT[column], Kind(line[0]), SHORT.get(cell))
        for line in lines
        for column, cell in zip(head, line[1:], strict=True)
    ]


def batch_in(ledger: Ledger, state: State) -> Batch:
    if state is State.QUARANTINED:
        return quarantined(ledger)
    if state is State.VOIDED:
        return walk(ledger, Kind.VOIDED, batch=walk_until(ledger, Kind.STAGED))
    return walk_until(ledger, LAST[state])


@pytest.mark.parametrize(("state", "kind", "after"), grid(), ids=str)
def test_every_pair_of_state_and_kind(
    tmp_path: Path, state: State, kind: Kind, after: State | None
) -> None:
    with open_in(tmp_path) as ledger:
        batch = batch_in(ledger, state)
        assert batch.state is state
        events = ledger.events(COMPANY)
        more: dict[str, Any] = {"revision": batch.revision + 1} if kind is Kind.STAGED else {}
        body = body_of(kind, **more)
        if after is None:
            with pytest.raises(UserMustFix, match="LED-8") as refusal:
                ledger.append(batch, kind, body)
            assert f"batch 1 is {state}" in str(refusal.value)
            assert ledger.events(COMPANY) == events
            assert ledger.find(COMPANY, "1") == batch
        else:
            now = ledger.append(batch, kind, body)
            assert now.state is after
            assert now.seq == batch.seq + 1
            assert ledger.find(COMPANY, batch.id) == now
            assert [event.kind for event in ledger.events(COMPANY)][-1] is kind
        assert ledger.verify() == []


def test_every_kind_has_a_transition_and_unsettled_are_all_but_the_ends() -> None:
    assert set(TRANSITIONS) == set(Kind)
    assert set(State) - UNSETTLED == {State.CLOSED, State.VOIDED}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RESERVED])
def test_a_batch_begins_with_reserved(tmp_path: Path, kind: Kind) -> None:
    with open_in(tmp_path) as ledger:
        with pytest.raises(BodyWrong, match="cannot be stored"):
            ledger.append(NewBatch(COMPANY), kind, body_of(kind))
        assert ledger.batches(COMPANY) == []


def refused(ledger: Ledger, batch: Batch, kind: Kind, **more: Any) -> str:
    with pytest.raises(UserMustFix, match="LED-8") as refusal:
        ledger.append(batch, kind, body_of(kind, **more))
    assert ledger.find(COMPANY, batch.id) == batch
    return refusal.value.problems[0].what.rsplit(", ", 1)[1]


def test_what_must_come_before(tmp_path: Path) -> None:
    """Along the way, each step in turn is refused until the one before it was done."""
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.RESERVED)
        assert refused(ledger, batch, Kind.APPROVED) == "as nothing was rendered yet"
        assert refused(ledger, batch, Kind.STAGED, revision=2) == "as its next revision is 1"
        batch = walk(ledger, Kind.STAGED, batch=batch)
        assert refused(ledger, batch, Kind.APPROVED, content="d" * 64) == (
            "as its content is another now (revision 1)"
        )
        assert refused(ledger, batch, Kind.APPROVED, revision=2) == (
            "as its content is another now (revision 1)"
        )
        assert refused(ledger, batch, Kind.START_INTENDED) == "as it is not approved"
        batch = walk(ledger, Kind.APPROVED, batch=batch)
        assert refused(ledger, batch, Kind.STARTED) == "as the intent to start was not stored"
        assert refused(ledger, batch, Kind.PUBLISH_INTENDED) == "as its job is not started"
        assert refused(ledger, batch, Kind.REFUSE_INTENDED) == "as its job is not started"
        batch = walk(ledger, Kind.START_INTENDED, Kind.STARTED, batch=batch)
        assert refused(ledger, batch, Kind.PUBLISHED) == "as the intent to publish was not stored"
        assert refused(ledger, batch, Kind.REPORT_INTENDED) == "as it is not published"
        assert refused(ledger, batch, Kind.REPORTED) == "as it is not published"
        batch = walk(ledger, Kind.PUBLISH_INTENDED, batch=batch)
        assert refused(ledger, batch, Kind.PUBLISHED, folder="other") == f"as it was to be {FOLDER}"
        batch = walk(ledger, Kind.PUBLISHED, batch=batch)
        assert refused(ledger, batch, Kind.CLOSED) == "as its items are not reported"
        batch = walk(ledger, Kind.REPORT_INTENDED, batch=batch)
        assert refused(ledger, batch, Kind.REPORTED) == (
            "as 2 of its verdicts are not acknowledged"
        )
        batch = ledger.append(batch, Kind.ACKNOWLEDGED, {"entries": ["b"]})
        assert refused(ledger, batch, Kind.REPORTED) == (
            "as 1 of its verdicts are not acknowledged"
        )


def test_a_started_batch_staged_again_goes_on_as_started(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STARTED)
        batch = walk(ledger, Kind.STAGED, batch=batch, staged={"revision": 2, "content": "d" * 64})
        assert (batch.state, batch.revision, batch.is_started) == (State.STAGED, 2, True)
        assert batch.approvals == ()
        assert ledger.verdicts(batch.id) == []
        assert refused(ledger, batch, Kind.START_INTENDED) == "as its job was started already"
        changed = {"content": "d" * 64, "revision": 2}
        batch = walk(ledger, Kind.APPROVED, Kind.PUBLISH_INTENDED, Kind.PUBLISHED, batch=batch,
                     approved=changed)  # fmt: skip
        assert batch.state is State.PUBLISHED


def test_a_started_batch_staged_again_can_still_be_refused(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STARTED)
        batch = walk(ledger, Kind.STAGED, batch=batch, staged={"revision": 2})
        batch = walk(ledger, Kind.REFUSE_INTENDED, Kind.VOIDED, batch=batch)
        assert batch.state is State.VOIDED


def test_nothing_is_published_once_the_job_is_being_refused(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk(ledger, Kind.REFUSE_INTENDED, batch=walk_until(ledger, Kind.STARTED))
        assert batch.refuse_intended_at is not None
        assert refused(ledger, batch, Kind.PUBLISH_INTENDED) == "as its job is being refused"


def test_a_refused_job_is_started_and_refused_without_an_approval(tmp_path: Path) -> None:
    refusal = {"refusal": {"reason": "no support", "type": "invalid_configuration"},
               "content": None}  # fmt: skip
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STAGED, staged=refusal)
        assert refused(ledger, batch, Kind.APPROVED) == (
            "as its content is another now (revision 1)"
        )
        batch = walk(ledger, Kind.START_INTENDED, Kind.STARTED, batch=batch)
        assert refused(ledger, batch, Kind.PUBLISH_INTENDED) == "as it is not approved"
        batch = walk(ledger, Kind.REFUSE_INTENDED, Kind.VOIDED, batch=batch)
        assert batch.state is State.VOIDED


def test_a_refusal_is_never_approved_even_with_content(tmp_path: Path) -> None:
    refusal = {"refusal": {"reason": "no support", "type": "invalid_configuration"}}
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STAGED, staged=refusal)
        assert refused(ledger, batch, Kind.APPROVED) == "as the whole job is refused"


def test_a_batch_that_renders_nothing_is_reported_from_started(tmp_path: Path) -> None:
    empty = {"staged": {"counts": {"items": 2, "rendered": 0}, "last_vouchers": {}},
             "approved": {"verdicts": [verdict("a", "failed")]}}  # fmt: skip
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STARTED, **empty)
        assert refused(ledger, batch, Kind.PUBLISH_INTENDED) == "as it has nothing to publish"
        one = {"entries": ["a"]}
        batch = walk(ledger, Kind.REPORT_INTENDED, batch=batch, report_intended=one)
        assert refused(ledger, batch, Kind.STAGED, revision=2) == "as Pleo was told of it already"
        batch = walk(ledger, Kind.ACKNOWLEDGED, Kind.REPORTED, Kind.CLOSED, batch=batch,
                     acknowledged=one)  # fmt: skip
        assert batch.state is State.CLOSED


def test_a_batch_of_no_job_is_neither_started_nor_reported(tmp_path: Path) -> None:
    mirror = {"reserved": {"job": None, "entries": []}, "approved": {"verdicts": []}}
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.APPROVED, **mirror)
        assert refused(ledger, batch, Kind.START_INTENDED) == "as it belongs to no job"
        batch = walk(ledger, Kind.PUBLISH_INTENDED, Kind.PUBLISHED, batch=batch)
        assert refused(ledger, batch, Kind.REPORTED) == "as it belongs to no job"
        assert walk(ledger, Kind.CLOSED, batch=batch).state is State.CLOSED


def test_a_closed_batch_is_answered_once(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk(ledger, Kind.IMPORTED, batch=walk_until(ledger, Kind.CLOSED))
        assert refused(ledger, batch, Kind.IMPORTED) == "as it was imported already"
        assert refused(ledger, batch, Kind.WITHDRAWN) == "as it was imported"
    with open_in(tmp_path / "other") as ledger:
        batch = walk(ledger, Kind.WITHDRAWN, batch=walk_until(ledger, Kind.CLOSED))
        for kind in (Kind.WITHDRAWN, Kind.IMPORTED, Kind.REVERSED):
            assert refused(ledger, batch, kind) == "as it was withdrawn"


def test_several_persons_approve_the_same_content(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.STAGED)
        two = body_of(Kind.APPROVED, needed=2)
        first = {name: value for name, value in two.items() if name != "verdicts"}
        with pytest.raises(BodyWrong, match="cannot be stored"):
            ledger.append(batch, Kind.APPROVED, two)
        batch = ledger.append(batch, Kind.APPROVED, first)
        batch = ledger.append(batch, Kind.APPROVED, {**first, "by": " ANN"})
        assert batch.state is State.STAGED
        assert ledger.verdicts(batch.id) == []
        with pytest.raises(BodyWrong, match="cannot be stored"):
            ledger.append(batch, Kind.APPROVED, {**first, "by": "Bo"})
        batch = ledger.append(batch, Kind.APPROVED, {**two, "by": "Bo"})
        assert batch.state is State.APPROVED
        assert [one.by for one in batch.approvals] == ["Ann", " ANN", "Bo"]
