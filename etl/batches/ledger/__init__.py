"""The ledger: events, and what follows from them. The only place that knows SQL."""

from etl.batches.ledger.ledger import Ledger
from etl.batches.ledger.opening import open_ledger, sweep_parts
from etl.batches.ledger.records import Batch, Became, Event, NewBatch, Numbers, Verdict

__all__ = [
    "Batch", "Became", "Event", "Ledger", "NewBatch", "Numbers", "Verdict", "open_ledger",
    "sweep_parts",
]  # fmt: skip
