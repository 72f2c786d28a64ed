"""Reference lists: what the ERP knows, as CSV files that it exports.

    accounts.csv          labels, attributes (chart.<role>.<column>), known and active accounts
    tax_codes.csv         known and active tax codes
    dimension_values.csv  known values, active and valid on the posting date
    vendors.csv           vendor resolution
    periods.csv           open and closed periods

Columns are those of the master data files that keep Pleo in step, so one export serves both.
A required column that is missing stops the run; unknown columns are ignored with a warning,
but those of accounts.csv are attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.mapping.cells import MAX_PROBLEMS, ROW_COLUMN, Cells, read_bytes, read_csv
from etl.mapping.tables import FROM_COLUMN, TO_COLUMN, casefolded, with_validity

COMPANY_KEY = "company_key"
ACTIVE = "~active"
CODE = "~code"
NAME = "~name"
_TRUE = ["true", "1", "yes"]
_FALSE = ["false", "0", "no"]
_STATUSES = ["active", "blocked", "expired", "deleted"]
_PERIOD_STATUSES = ["open", "closed"]
#: Period numbers have two digits: a period is year * 100 + number.
MAX_PERIOD = 99


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one list."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    attributes: bool = False
    check: Callable[[Cells], Iterator[Problem]] | None = None

    def known(self) -> set[str]:
        return {COMPANY_KEY, *self.required, *self.optional}


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of one company.

    frame: with ROW_COLUMN, CODE, NAME and ACTIVE where they fit; accounts once per number.
    repeated: account numbers of active rows after the first of the number, by ROW_COLUMN.
    name: as places in messages name it, from here on
    written: beginning with the folder as the mapping names it, the same from everywhere
    """

    name: str
    written: str
    columns: tuple[str, ...]
    frame: pl.DataFrame
    sha256: str
    repeated: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """The lists that are there; a list that is not there is not checked against."""

    accounts: Listing | None = None
    tax_codes: Listing | None = None
    dimension_values: Listing | None = None
    vendors: Listing | None = None
    periods: Listing | None = None
    warnings: tuple[Problem, ...] = field(default=())

    def listings(self) -> dict[str, Listing]:
        """Give the lists that are there, by file name."""
        found = {name: getattr(self, name.removesuffix(".csv")) for name in LAYOUTS}
        return {name: listing for name, listing in found.items() if listing is not None}


def _bad_booleans(cells: Cells) -> Iterator[Problem]:
    known = pl.col("active").str.to_lowercase().is_in([*_TRUE, *_FALSE])
    yield from _wrong(cells, "active", ~known, "write true or false")


def _bad_statuses(cells: Cells) -> Iterator[Problem]:
    known = pl.col("status").str.to_lowercase().is_in(_STATUSES)
    yield from _wrong(cells, "status", ~known, f"write one of {', '.join(_STATUSES)}")
    yield from with_validity(cells.frame, cells)[1]


def _bad_periods(cells: Cells) -> Iterator[Problem]:
    known = pl.col("status").str.to_lowercase().is_in(_PERIOD_STATUSES)
    yield from _wrong(cells, "status", ~known, "write open or closed")
    yield from _wrong(
        cells, "year", ~pl.col("year").str.contains("^[0-9]{4}$"), "write four digits"
    )
    number = pl.col("number").str.to_integer(strict=False)
    fits = pl.col("number").str.contains("^[0-9]{1,2}$") & (number >= 1) & (number <= MAX_PERIOD)
    yield from _wrong(cells, "number", ~fits, f"write a number from 1 to {MAX_PERIOD}")
    for column in ("start", "end"):
        day = pl.col(column).str.to_date("%Y-%m-%d", strict=False)
        is_date = pl.col(column).str.contains("^[0-9]{4}-[0-9]{2}-[0-9]{2}$") & day.is_not_null()
        yield from _wrong(cells, column, ~is_date, "write it as 2026-09-30")
    rows = cells.frame.select(ROW_COLUMN, _day("start"), _day("end")).drop_nulls().sort("start")
    before = rows.with_columns(
        pl.col("end").shift(1).alias("~until"), pl.col(ROW_COLUMN).shift(1).alias("~first")
    )
    for row, first in (
        before.filter(pl.col("~until") >= pl.col("start")).select(ROW_COLUMN, "~first").rows()
    ):
        yield Problem(
            "MAP-8", f"the period overlaps with the one in line {first}",
            cells.where(row), "end the earlier period before the later one begins",
        )  # fmt: skip
    for (row,) in rows.filter(pl.col("start") > pl.col("end")).select(ROW_COLUMN).rows():
        yield Problem("MAP-8", "start is later than end", cells.where(row), "swap the two")


LAYOUTS: Mapping[str, Layout] = {
    "accounts.csv": Layout(
        required=("account_external_id", "account_name", "active"),
        optional=("account_number", "tax_code", "account_type"),
        filled=("account_external_id", "account_name", "active"),
        unique=(("account_external_id",),),
        attributes=True,
        check=_bad_booleans,
    ),
    "tax_codes.csv": Layout(
        required=("tax_code", "name", "rate_percent", "type", "active"),
        optional=("ingoing_tax_account", "outgoing_tax_account"),
        filled=("tax_code", "active"),
        unique=(("tax_code",),),
        check=_bad_booleans,
    ),
    "dimension_values.csv": Layout(
        required=("dimension_code", "value_code", "value_name", "status"),
        optional=("valid_from", "valid_to"),
        filled=("dimension_code", "value_code", "status"),
        unique=(("dimension_code", "value_code"),),
        check=_bad_statuses,
    ),
    "vendors.csv": Layout(
        required=("vendor_external_id", "name", "active"),
        optional=(
            "vendor_code", "country", "default_currency", "tax_registration_number",
            "registration_number", "pleo_vendor_id", "vendor_account",
        ),
        filled=("vendor_external_id", "name", "active"),
        unique=(("vendor_external_id",), ("vendor_code",)),
        check=_bad_booleans,
    ),
    "periods.csv": Layout(
        required=("year", "number", "start", "end", "status"),
        filled=("year", "number", "start", "end", "status"),
        unique=(("year", "number"),),
        check=_bad_periods,
    ),
}  # fmt: skip

#: Compared without regard to case.
_CASELESS = {"dimension_code", "value_code"}


def load_reference(
    folder: Path, *, shown: str, written: str, company_key: str | None, named_at: str
) -> Reference:
    """Read the lists of a folder.

    Needs: shown, the folder as it is named from here; written, as the mapping names it.

    Raises: UserMustFix DOC-4, MAP-1 to MAP-5, MAP-8, MAP-9, MAP-14, MAP-15, all at once.
    """
    if not folder.is_dir():
        raise UserMustFix(
            Problem("DOC-4", f"there is no folder {shown}", named_at, "check the name")
        )
    problems: list[Problem] = []
    warnings: list[Problem] = []
    found: dict[str, Listing] = {}
    for name, layout in LAYOUTS.items():
        if not (folder / name).exists():
            continue
        try:
            content = read_bytes(folder / name, f"{shown}/{name}", named_at)
            cells = read_csv(content, name=f"{shown}/{name}")
            cells = _of_company(cells, company_key)
            problems.extend(_problems(cells, layout))
        except UserMustFix as error:
            problems.extend(error.problems)
            continue
        warnings.extend(_unknown_columns(cells, layout))
        if not problems:
            frame = _FRAMES[name](cells)
            repeated = _repeated_numbers(cells)
            found[name] = Listing(
                cells.name, (PurePosixPath(written) / name).as_posix(), cells.header, frame,
                cells.sha256, repeated,
            )  # fmt: skip
    if not found and not problems:
        names = ", ".join(LAYOUTS)
        raise UserMustFix(
            Problem("DOC-4", f"{shown} holds none of {names}", named_at, "check the name")
        )
    if problems:
        raise UserMustFix(problems[:MAX_PROBLEMS])
    lists = {name.removesuffix(".csv"): listing for name, listing in found.items()}
    return Reference(warnings=tuple(warnings), **lists)


def _of_company(cells: Cells, key: str | None) -> Cells:
    """Keep the rows of the company, where the list serves several."""
    if COMPANY_KEY not in cells.header:
        return cells
    keys = cells.frame[COMPANY_KEY].drop_nulls().unique(maintain_order=True).to_list()
    if key is None and len(keys) <= 1:
        return cells
    if key is None or key not in keys:
        what = f'no row of company "{key}"' if key else f"rows of {len(keys)} companies"
        raise UserMustFix(
            Problem(
                "MAP-15", f"the list holds {what}", f"{cells.name}:1",
                f"state company: {{key: …}} in the mapping, one of: {', '.join(keys[:20])}",
            )
        )  # fmt: skip
    frame = cells.frame.filter(pl.col(COMPANY_KEY) == key)
    return Cells(cells.name, cells.header, frame, cells.sha256)


def _problems(cells: Cells, layout: Layout) -> Iterator[Problem]:
    missing = [column for column in layout.required if column not in cells.header]
    for column in missing:
        yield Problem(
            "MAP-3", f'the list has no column "{column}"', f"{cells.name}:1",
            f"columns needed: {', '.join(layout.required)}",
        )  # fmt: skip
    if missing:
        return
    for column in layout.filled:
        yield from _wrong(cells, column, pl.col(column).is_null(), "fill the cell")
    for columns in layout.unique:
        if all(column in cells.header for column in columns):
            yield from _repeated(cells, columns)
    if layout.check:
        yield from layout.check(cells)


def _wrong(cells: Cells, column: str, condition: pl.Expr, fix: str) -> Iterator[Problem]:
    for row, value in cells.frame.filter(condition).select(ROW_COLUMN, column).rows():
        what = f'column "{column}" holds "{value}"' if value else f'column "{column}" is empty'
        yield Problem("MAP-14", what, cells.where(row), fix)


def _repeated(cells: Cells, columns: tuple[str, ...]) -> Iterator[Problem]:
    names = [f"~{column}" for column in columns]
    rows = (
        cells.frame.with_columns(
            (casefolded(cells.frame[column]) if column in _CASELESS else cells.frame[column])
            .alias(name)
            for column, name in zip(columns, names, strict=True)
        )
        .drop_nulls(names)
        .sort(*names, ROW_COLUMN)
        .with_columns(pl.col(ROW_COLUMN).shift(1).over(names).alias("~first"))
        .drop_nulls("~first")
        .sort(ROW_COLUMN)
    )  # fmt: skip
    for row in rows.iter_rows(named=True):
        shown = " / ".join(row[column] for column in columns)
        named = " and ".join(columns)
        yield Problem(
            "MAP-5", f'{named} "{shown}" stands twice, first in line {row["~first"]}',
            cells.where(row[ROW_COLUMN]), "keep one of the two rows",
        )  # fmt: skip


def _unknown_columns(cells: Cells, layout: Layout) -> Iterator[Problem]:
    if layout.attributes:
        return
    for column in cells.header:
        is_extra = column.startswith("extra_") and "dimension_code" in layout.required
        if column not in layout.known() and not is_extra:
            yield Problem(
                "MAP-46", f'column "{column}" is not known and is ignored', f"{cells.name}:1",
                f"known columns: {', '.join(sorted(layout.known()))}",
            )  # fmt: skip


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False)


def _is_active() -> pl.Expr:
    return pl.col("active").str.to_lowercase().is_in(_TRUE)


def _accounts(cells: Cells) -> pl.DataFrame:
    """Give one row per account number; of several the active one that comes first counts."""
    external = pl.col("account_external_id")
    has_number = "account_number" in cells.header
    code = pl.coalesce("account_number", external) if has_number else external
    return (
        cells.frame.with_columns(
            code.alias(CODE), pl.col("account_name").alias(NAME), _is_active().alias(ACTIVE)
        )
        .sort(~pl.col(ACTIVE), ROW_COLUMN)
        .unique(CODE, keep="first", maintain_order=True)
    )


def _repeated_numbers(cells: Cells) -> tuple[tuple[int, str], ...]:
    if "account_number" not in cells.header:
        return ()
    active = cells.frame.filter(_is_active()).drop_nulls("account_number")
    later = active.filter(~pl.col("account_number").is_first_distinct())
    return tuple(later.select(ROW_COLUMN, "account_number").iter_rows())


def _tax_codes(cells: Cells) -> pl.DataFrame:
    return cells.frame.select(
        ROW_COLUMN,
        pl.col("tax_code").alias(CODE),
        pl.col("name").alias(NAME),
        _is_active().alias(ACTIVE),
    )


def _dimension_values(cells: Cells) -> pl.DataFrame:
    dated = with_validity(cells.frame, cells)[0]
    return dated.select(
        ROW_COLUMN,
        casefolded(dated["dimension_code"]).alias("~dimension"),
        pl.col("value_code").alias(CODE),
        pl.col("value_name").alias(NAME),
        (pl.col("status").str.to_lowercase() == "active").alias(ACTIVE),
        FROM_COLUMN,
        TO_COLUMN,
    )


def _vendors(cells: Cells) -> pl.DataFrame:
    def text(column: str) -> pl.Expr:
        known = column in cells.header
        return pl.col(column) if known else pl.lit(None, dtype=pl.String)

    return cells.frame.select(
        ROW_COLUMN,
        pl.coalesce(text("vendor_code"), "vendor_external_id").alias(CODE),
        pl.col("name").alias(NAME),
        _is_active().alias(ACTIVE),
        text("vendor_code").alias("~vendor_code"),
        pl.col("vendor_external_id").alias("~external_id"),
        text("vendor_account").alias("~account"),
        text("tax_registration_number").alias("~tax_id"),
    )


def _periods(cells: Cells) -> pl.DataFrame:
    return cells.frame.select(
        ROW_COLUMN,
        pl.col("year").cast(pl.Int64).alias("year"),
        pl.col("number").cast(pl.Int64).alias("number"),
        _day("start"),
        _day("end"),
        (pl.col("status").str.to_lowercase() == "open").alias(ACTIVE),
    ).sort("start")


_FRAMES: Mapping[str, Callable[[Cells], pl.DataFrame]] = {
    "accounts.csv": _accounts,
    "tax_codes.csv": _tax_codes,
    "dimension_values.csv": _dimension_values,
    "vendors.csv": _vendors,
    "periods.csv": _periods,
}
