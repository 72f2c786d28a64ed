"""The figures of a control sheet, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One control: its name, whether it holds, and the figures in words."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Debit and credit of the batch, or of a file, in one currency."""

    currency: str
    debit: Decimal
    credit: Decimal

    @property
    def is_balanced(self) -> bool:
        return self.debit == self.credit


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What happens on one account: `share` is its balance against the largest, 0 to 1000."""

    account: str
    name: str
    currency: str
    debit: Decimal
    credit: Decimal
    rows: int
    share: int
    book_balance: Decimal | None  # in the company's currency, where every row has it

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class WalletMovement:
    """What moves on one wallet account, in the currency of the wallet and as it is booked."""

    account: str
    name: str
    currency: str
    money_in: Decimal
    money_out: Decimal
    booked: Decimal
    booked_currency: str
    items: int

    @property
    def movement(self) -> Decimal:
        return self.money_in - self.money_out


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """Base, tax and gross under one tax code; notional tax is no part of the gross."""

    code: str
    currency: str
    base: Decimal
    tax: Decimal
    notional: Decimal
    gross: Decimal
    lines: int

    @property
    def adds_up(self) -> bool:
        return self.base + self.tax == self.gross


@dataclass(frozen=True, slots=True)
class GroupTotal:
    """Items of one type, vendor or period: how many, and their gross, once each."""

    label: str
    currency: str
    items: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What is posted on one day, or in one month, in the main currency."""

    label: str
    amount: Decimal
    share: int


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule of the mapping that gave accounts: for which role, and to how many items."""

    role: str
    rule: str
    place: str
    items: int


@dataclass(frozen=True, slots=True)
class Control:
    """The control sheet."""

    checks: tuple[Check, ...]
    totals: tuple[CurrencyTotal, ...]
    wallets: tuple[WalletMovement, ...]
    accounts: tuple[AccountTotal, ...]
    book_currency: str  # the company's, where accounts hold others and their book_balance is known
    has_tax_inside: bool  # accounts hold tax that the program splits off
    tax_codes: tuple[TaxTotal, ...]
    types: tuple[GroupTotal, ...]
    vendors: tuple[GroupTotal, ...]
    vendors_left_out: int
    periods: tuple[GroupTotal, ...]
    days: tuple[DayTotal, ...]
    days_unit: Literal["day", "month"]
    days_currency: str
