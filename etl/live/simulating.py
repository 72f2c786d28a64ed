"""Try a mapping on what was released: the last batches are rendered again, and nothing is kept.

closed batches ─> stored items, receipts, template, decisions ─┐
                                              the new mapping ─┴─> line ─> a folder to compare
                                                                  with the files as released
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etl.batches.ledger import Batch
from etl.batches.states import State
from etl.comparing import Compared, compare_folders
from etl.errors import EtlError, Problem, UserMustFix
from etl.files import shown_path
from etl.live.finding import find_files
from etl.live.outcomes import name_of
from etl.live.rendering import TrialLine
from etl.live.stored import StoredBatch
from etl.live.viewing import ReadingDesk, render_again
from etl.mapping import load_mapping


@dataclass(frozen=True, slots=True)
class Simulated:
    """A released batch, and what the mapping would have changed in it; or why that is not known."""

    batch: Batch
    compared: Compared | None
    problems: tuple[Problem, ...] = ()

    @property
    def newly_rejected(self) -> int:
        """Count the items that stand in the books and would be rejected now."""
        if self.compared is None:
            return 0
        changes = self.compared.found.items
        return sum(one.before == "exported" and one.after == "failed" for one in changes)


def simulate(
    desk: ReadingDesk, mapping: Path, *, last: int, tell: Callable[[str], None]
) -> list[Simulated]:
    """Render the last released batches again with a mapping, newest first.

    Raises: UserMustFix SIM-1 where nothing was released, and with all that is wrong with the
    mapping.
    """
    batches = released(desk)[-last:]
    if not batches:
        raise UserMustFix(
            Problem(
                "SIM-1",
                "no released batch is stored that a mapping could be tried on",
                f"company {desk.name}",
                "release a batch first; for files of items, use `pleo-etl convert` and"
                " `pleo-etl diff`",
            )
        )
    load_mapping(mapping, name=shown_path(mapping))  # what is wrong with it is said once
    trial = replace(desk, line=TrialLine(desk.workspace, desk.name, mapping))
    done = []
    for batch in reversed(batches):
        tell(f"batch {batch.number}")
        done.append(_simulate(trial, batch))
    return done


def released(desk: ReadingDesk) -> Sequence[Batch]:
    """Give the batches whose files were released and not taken back, oldest first."""
    return [
        batch
        for batch in desk.ledger.batches(desk.company_id, states=[State.CLOSED])
        if "published_folder" in batch.facts
        and not (batch.is_withdrawn or batch.is_reversed or batch.facts.get("reverses"))
    ]


def _simulate(desk: ReadingDesk, batch: Batch) -> Simulated:
    if not StoredBatch(desk.folders.stored(batch.id)).has_input():
        problem = Problem(
            "SIM-2",
            f"the items of {name_of(batch)} are not stored any more",
            desk.folders.shown(desk.folders.stored(batch.id)),
            "only batches within the workspace's `retention` can be tried",
        )
        return Simulated(batch, None, (problem,))
    before = find_files(desk.folders, batch)
    try:
        revision = render_again(desk, batch)
    except EtlError as error:
        return Simulated(batch, None, error.problems)
    with tempfile.TemporaryDirectory(prefix="pleo-etl-") as folder:
        after = Path(folder) / "after"
        revision.write(after)
        return Simulated(batch, compare_folders(before, after))
