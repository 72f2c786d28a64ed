"""The commands of the live flow without a command line: what etl/cli does with an open desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from etl.batches.states import Kind, State
from etl.live import answers, approving, finishing, releasing, reviewing, staging
from etl.live.desk import Desk

BY, OTHER, NOBODY = "anna", "bert", "unattended"
#: Hears who approves which content of which batch.
Hear = Callable[[str, str, str], None]


def nobody(_batch: str, _content: str, _by: str) -> None:
    """Hear nothing."""


def run(desk: Desk) -> Any:
    """Finish what was begun, then stage the next job."""
    finished = finishing.finish(desk)
    return _worst(finished, staging.stage_next(desk))


def approve(desk: Desk, *, heard: Hear = nobody) -> Any:
    """Approve what is staged as somebody else, as `review --approve --by`."""
    finishing.finish(desk)
    batch = desk.unsettled()
    is_staged = batch is not None and batch.state is State.STAGED and bool(batch.revision)
    if batch is not None and is_staged and not batch.facts.get("refusal"):
        heard(batch.id, str(batch.content), OTHER)
        approving.approve(desk, batch, by=OTHER, content=batch.content)


def release(desk: Desk, *, heard: Hear = nobody) -> Any:
    """Release what is staged, as `release --yes`."""
    finished = finishing.finish(desk)
    batch = desk.unsettled()
    if batch is None or batch.state is State.QUARANTINED or not batch.revision:
        return _worst(finished, None)
    if batch.state is State.STAGED and not batch.facts.get("refusal"):
        heard(batch.id, str(batch.content), BY)
        batch = approving.approve(desk, batch, by=BY, content=batch.content)
    return releasing.release(desk, batch, by=BY)


def run_release(desk: Desk, *, heard: Hear = nobody) -> Any:
    """Stage and release unattended."""
    finished = finishing.finish(desk)
    staged = staging.stage_next(desk, unattended=True)
    if staged.batch is None or not staged.batch.is_unsettled:
        return _worst(finished, staged)
    heard(staged.batch.id, str(staged.batch.content), NOBODY)
    return releasing.release(desk, staged.batch, by=BY, unattended=True)


def status(desk: Desk) -> Any:
    """Only look."""
    desk.ledger.batches(desk.company_id)


def reject(desk: Desk, *, place: int) -> Any:
    """Reject an item of the staged batch."""
    finishing.finish(desk)
    batch = desk.unsettled()
    if batch is None or not batch.revision:
        return None
    entries = desk.ledger.listed(batch)
    decision = {"do": reviewing.REJECT, "reason": "not ours"}
    return reviewing.answer(desk, batch, by=BY, decisions={entries[place % len(entries)]: decision})


def answer_repeats(desk: Desk, *, answers: Mapping[str, str]) -> Any:
    """Say of items that were booked before what the person knows of them."""
    finishing.finish(desk)
    batch = desk.unsettled()
    if batch is None or batch.state is not State.STAGED or not batch.facts.get("blocking"):
        return None
    staged = [event for event in desk.ledger.events(desk.company_id, batch.id)
              if event.kind is Kind.STAGED][-1]  # fmt: skip
    asked = staged.body["blocking_items"]
    said = {
        entry: {"do": answers.get(entry, "already_booked"), "reason": ""}
        for entry in asked.get("JOB-9", ())
    }
    notes = {code: "looked at" for code in asked if code != "JOB-9"}
    return reviewing.answer(desk, batch, by=BY, decisions=said, notes=notes)


def discard(desk: Desk) -> Any:
    """Give up the staged batch."""
    finishing.finish(desk)
    return answers.discard(desk, by=BY)


def settle(desk: Desk, *, is_imported: bool) -> Any:
    """Say whether the quarantined batch was imported."""
    finishing.finish(desk)
    return answers.settle(desk, imported=is_imported, by=BY)


def withdraw(desk: Desk, *, batch: str) -> Any:
    """Take a released batch back."""
    finishing.finish(desk)
    return answers.withdraw(desk, batch, by=BY)


def imported(desk: Desk, *, batch: str, refused: Sequence[str]) -> Any:
    """Say that the ERP has a batch, but for some items."""
    finishing.finish(desk)
    return answers.mark_imported(desk, batch, by=BY, refused=refused)


def reverse(desk: Desk, *, batch: str) -> Any:
    """Book a batch the other way round."""
    finishing.finish(desk)
    done = answers.reverse(desk, batch, by=BY)
    return answers.reverse(desk, batch, by=OTHER) if done.word == "waiting" else done


def adopt(desk: Desk, *, job: str) -> Any:
    """Take a job over that was started elsewhere."""
    finishing.finish(desk)
    return answers.adopt(desk, job)


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "run": run, "release": release, "run-release": run_release, "status": status,
    "reject": reject, "answer": answer_repeats, "discard": discard, "settle": settle,
    "withdraw": withdraw, "approve": approve, "imported": imported, "reverse": reverse,
    "adopt": adopt,
}  # fmt: skip


def _worst(finished: Any, outcome: Any) -> Any:
    """Give the outcome with the highest exit code; what was finished counts too."""
    outcomes = [*(finished or ()), *([outcome] if outcome is not None else [])]
    return max(outcomes, key=exit_code, default=None)


def exit_code(outcome: Any) -> int:
    """Give the exit code of an outcome."""
    return int(getattr(outcome, "exit_code", 0))


def tell(outcome: Any) -> str:
    """Give what an outcome says, for the log of a story."""
    return str(getattr(outcome, "says", outcome or ""))
