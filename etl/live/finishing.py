"""What every writing command does first: whatever was begun is finished or undone.

no batch, or one that Pleo has not heard of    nothing to do, and nothing is asked of Pleo
begun and approved                             driven on, as far as it goes
a new revision of a started job                waits for its approval; past the margin: refused
quarantined                                    its note is put back; a person must settle it
an answer of a person that was stopped         carried out to its end
ended longer ago than `retention` says         what is stored of it is removed
"""

from __future__ import annotations

from etl.batches.ledger import sweep_parts
from etl.batches.states import State
from etl.live.answering import in_words
from etl.live.desk import Desk
from etl.live.ending import hold_back
from etl.live.folders import sweep
from etl.live.outcomes import Finished
from etl.live.releasing import drive, outcome_of, wait_for_approval
from etl.live.retention import forget
from etl.live.reversing import finish_reversals
from etl.live.reviewing import follow
from etl.live.staging import is_begun
from etl.live.withdrawing import finish_withdrawals


def finish(desk: Desk) -> list[Finished]:
    """Finish or undo what an earlier command began; gives what became of it.

    Raises: as Pleo answers; the batch stays where it is then.
    """
    answered = [*finish_withdrawals(desk), *finish_reversals(desk)]
    finished = [Finished(**in_words(desk, batch)) for batch in answered]
    sweep(desk.folders.outbox, below=False)
    sweep_parts(desk.workspace.settings.ledger, root=desk.workspace.root)
    forget(desk)
    batch = desk.unsettled()
    if batch is not None:
        sweep(desk.folders.stored(batch.id))
        sweep(desk.folders.released(batch))
        batch = follow(desk, batch)
    if batch is None or not is_begun(batch):
        return finished
    if batch.state is State.QUARANTINED:
        batch = hold_back(desk, batch)
    elif batch.state is State.STAGED and batch.refuse_intended_at is None and batch.is_started:
        batch = wait_for_approval(desk, batch)
    else:
        batch = drive(desk, batch)
    return [*finished, Finished(**outcome_of(desk, batch))]
