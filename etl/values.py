"""What a column is: its name, its value type, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from etl.money import AMOUNT, RATE


class Type(StrEnum):
    """What a value is, in the words of templates and mappings."""

    TEXT = "text"
    INTEGER = "integer"
    AMOUNT = "amount"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    TEXTS = "list of text"
    PERIOD = "period"


#: The Polars type of each value type. A period is year * 100 + number, a datetime is UTC.
DTYPES: Mapping[Type, pl.DataType] = {
    Type.TEXT: pl.String(),
    Type.INTEGER: pl.Int64(),
    Type.AMOUNT: AMOUNT,
    Type.DECIMAL: RATE,
    Type.DATE: pl.Date(),
    Type.DATETIME: pl.Datetime("us", "UTC"),
    Type.BOOLEAN: pl.Boolean(),
    Type.TEXTS: pl.List(pl.String()),
    Type.PERIOD: pl.Int64(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, value type and what it means."""

    name: str
    type: Type
    meaning: str
    dtype_override: pl.DataType | None = None

    @property
    def dtype(self) -> pl.DataType:
        return self.dtype_override or DTYPES[self.type]


def columns(text: str) -> tuple[Column, ...]:
    """Read rows of `name type meaning`; the type is one word (list of text is `texts`)."""
    types = {kind.name.lower(): kind for kind in Type}
    rows = (row.split(None, 2) for row in text.strip().splitlines())
    return tuple(Column(name, types[kind], meaning) for name, kind, meaning in rows)
