"""How a voucher becomes rows: the part of a template that the posting stage needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["pair", "legs"]
TaxMode = Literal["by_code", "net_and_tax", "separate"]


@dataclass(frozen=True, slots=True)
class Form:
    """A named way in which a voucher becomes rows (design.md section 3, tax by shape and mode).

    `account_is` is the role whose account stands in the account column of a pair; by default the
    side that is not the contra role. `mixed_signs: refuse` rejects a voucher that has lines of
    both signs. `contra: per_line` leaves the contra legs unsummed.
    """

    name: str
    shape: Shape
    tax: TaxMode
    account_is: str | None = None
    mixed_signs: Literal["swap", "refuse"] = "swap"
    contra: Literal["one", "per_line"] = "one"
