"""Money policy: exact decimals of two places, made from text, never through float.

Pleo sends hundredths of the currency as a JSON number (rule R78). An amount is
``Decimal(38, 2)``; sums and comparisons are exact and there is no tolerance.
"""

from __future__ import annotations

import polars as pl

AMOUNT_PLACES = 2
RATE_PLACES = 6
AMOUNT = pl.Decimal(38, AMOUNT_PLACES)
RATE = pl.Decimal(38, RATE_PLACES)

#: Largest absolute value of a single amount in hundredths: 10^13 units of currency.
MAX_HUNDREDTHS = 10**15


def hundredths_to_amount(hundredths: pl.Expr) -> pl.Expr:
    """Turn a whole number of hundredths into an amount.

    Needs: integers, at most MAX_HUNDREDTHS in absolute value.
    Units: 89696 becomes 896.96.
    """
    return hundredths.cast(AMOUNT) / pl.lit(100, pl.Int32)


def amount_to_hundredths(amount: pl.Expr) -> pl.Expr:
    """Turn an amount into a whole number of hundredths (Int128, exact)."""
    return (amount * pl.lit(100, pl.Int32)).cast(pl.Int128)


def rate_between(amount: pl.Expr, book: pl.Expr) -> pl.Expr:
    """Give units of the amount's currency per unit of the book currency, for information only.

    Units: six decimals, rounded half away from zero. Null where either side is null or zero.
    """
    top = amount_to_hundredths(amount).abs() * pl.lit(10**RATE_PLACES).cast(pl.Int128)
    bottom = amount_to_hundredths(book).abs()
    safe = pl.when((bottom > 0) & (top > 0)).then(bottom)
    millionths = (2 * top + safe) // (2 * safe)
    return millionths.cast(RATE) / pl.lit(10**RATE_PLACES, pl.Int32)
