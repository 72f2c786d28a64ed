"""The commands of the live flow without a command line: what etl/cli does with an open desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from etl.live import answers, finishing, releasing, staging
from etl.live.desk import Desk

BY = "anna"


def run(desk: Desk) -> Any:
    """Finish what was begun, then stage the next job."""
    finished = finishing.finish(desk)
    return _worst(finished, staging.stage_next(desk))


def release(desk: Desk) -> Any:
    """Release what is staged, as `release --yes`."""
    finished = finishing.finish(desk)
    batch = desk.unsettled()
    if batch is None:
        return _worst(finished, None)
    batch = releasing.approve(desk, batch, by=BY, content=batch.content)
    return releasing.release(desk, batch, by=BY)


def run_release(desk: Desk) -> Any:
    """Stage and release unattended."""
    finished = finishing.finish(desk)
    staged = staging.stage_next(desk, unattended=True)
    if staged.batch is None or not staged.batch.is_unsettled:
        return _worst(finished, staged)
    batch = releasing.approve(desk, staged.batch, by=BY, content=staged.batch.content)
    return releasing.release(desk, batch, by=BY, unattended=True)


def status(desk: Desk) -> Any:
    """Only look."""
    desk.ledger.batches(desk.company_id)


def reject(desk: Desk, *, place: int) -> Any:
    """Reject an item of the staged batch."""
    finishing.finish(desk)
    batch = desk.unsettled()
    return None if batch is None else answers.reject(desk, batch, place=place)


def discard(desk: Desk) -> Any:
    """Give up the staged batch."""
    finishing.finish(desk)
    batch = desk.unsettled()
    return None if batch is None else answers.discard(desk, batch, by=BY)


def settle(desk: Desk, *, is_imported: bool) -> Any:
    """Say whether the quarantined batch was imported."""
    finishing.finish(desk)
    batch = desk.unsettled()
    return None if batch is None else answers.settle(desk, batch, imported=is_imported, by=BY)


def withdraw(desk: Desk, *, batch: str) -> Any:
    """Take a released batch back."""
    finishing.finish(desk)
    return answers.withdraw(desk, desk.ledger.find(desk.company_id, batch), by=BY)


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "run": run, "release": release, "run-release": run_release, "status": status,
    "reject": reject, "discard": discard, "settle": settle, "withdraw": withdraw,
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
