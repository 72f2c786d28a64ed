"""The ledger: events, and what follows from them. The only place that knows SQL."""

from etl.batches.ledger.ledger import Ledger
from etl.batches.ledger.opening import open_ledger, sweep_parts
from etl.batches.ledger.records import (
    Approval,
    Batch,
    Became,
    Claim,
    Event,
    Gap,
    NewBatch,
    Numbers,
    Verdict,
    new_id,
)  # fmt: skip

__all__ = [
    "Approval", "Batch", "Became", "Claim", "Event", "Gap", "Ledger", "NewBatch", "Numbers",
    "Verdict", "new_id", "open_ledger", "sweep_parts",
]  # fmt: skip
