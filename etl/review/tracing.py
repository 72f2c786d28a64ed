"""From a value in a file back to the receipt, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from etl.review.cells import TracedRow
from etl.review.drawer import ItemLine
from etl.review.model import Voucher


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt of an item: `form` is image, pdf or other; `problem` says why there is none."""

    number: int
    name: str
    size: int
    form: str
    problem: str

    @property
    def is_here(self) -> bool:
        return bool(self.form)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item is in no file: the message and what cures it."""

    code: str
    message: str
    fix: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An item with every value that it has put into a file."""

    item_id: str
    verdict: str
    item: ItemLine | None
    vouchers: tuple[Voucher, ...]
    rows: tuple[TracedRow, ...]
    receipts: tuple[Receipt, ...]
    refusals: tuple[Refusal, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """The bytes of a receipt, and how it may be shown: None as media type, never but as a file."""

    content: bytes
    name: str
    media_type: str | None
