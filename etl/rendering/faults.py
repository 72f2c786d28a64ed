"""Faults of cells become rejections of their items, or errors where no item is to blame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.codes import CODES
from etl.errors import Problem
from etl.findings import join_findings, no_notes, no_rejections, note, reject
from etl.frames import ITEM_KEY, KEY
from etl.rendering.cells import Fault, length_limit
from etl.rendering.charsets import outside, shown
from etl.rendering.escapes import Writing

MAX_SHOWN = 40


#: Gives the items behind some rows of a context: row and item.key; None where there are none.
Owners = Callable[[pl.Series], pl.DataFrame | None]


@dataclass
class Findings:
    """Everything that a rendering says about items, and what stops it."""

    items: pl.DataFrame
    rejections: list[pl.DataFrame] = field(default_factory=list)
    notes: list[pl.DataFrame] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def reject(
        self,
        rows: pl.DataFrame,
        code: str,
        *,
        message: pl.Expr | str,
        fix: str,
        where: str,
        failure_type: str | None = None,
    ) -> None:
        """Reject the items of some rows (item.key; more columns for the message).

        A code that is not in the table is the template's own and brings its failure type.
        """
        if rows.height:
            failure = failure_type or CODES[code].failure_type
            self.rejections.append(
                reject(
                    self._with_ids(rows), code, message=message, fix=fix, where=where,
                    failure_type=failure,
                )
            )  # fmt: skip

    def note(self, rows: pl.DataFrame, code: str, detail: pl.Expr | str) -> None:
        """Remark on the items of some rows."""
        if rows.height:
            self.notes.append(note(self._with_ids(rows), code, detail))

    def faults(self, faults: list[Fault], writing: Writing, *, owners: Owners) -> None:
        """Turn the faults of one context into rejections.

        Needs: owners, the items of some rows of the context; None where rows belong to no item
        (files and constants), so that the command must stop.
        """
        for fault in faults:
            said = _message(fault, writing)
            fix = _FIXES[fault.code]
            owned = owners(fault.rows)
            if owned is None:
                what = _for_one(said, fault.texts[0])
                self.problems.append(Problem("FILE-3", what, fault.cell.where, fix))
                continue
            rows = pl.DataFrame({"row": fault.rows, "text": fault.texts}).join(
                owned.with_columns(pl.col("row").cast(fault.rows.dtype)), on="row",
                how="inner", validate="m:m", maintain_order="left",
            )  # fmt: skip
            self.reject(rows, fault.code, message=said, fix=fix, where=fault.cell.where)

    def remarks(self, remarks: list[Fault], writing: Writing, *, owners: Owners) -> None:
        """Turn what was changed into notes; texts of files and constants belong to no item."""
        for remark in remarks:
            rows = pl.DataFrame({"row": remark.rows, "text": remark.texts})
            owned = owners(remark.rows)
            if owned is None:
                rows = rows.with_columns(pl.lit(None, KEY).alias(ITEM_KEY))
            else:
                owned = owned.with_columns(pl.col("row").cast(remark.rows.dtype))
                rows = rows.join(
                    owned, on="row", how="inner", validate="m:m", maintain_order="left"
                )
            self.note(rows, remark.code, _detail(remark, writing))

    @property
    def stops_writing(self) -> bool:
        """Say whether something was found that makes bytes useless."""
        return bool(self.rejections or self.problems)

    def all_rejections(self) -> pl.DataFrame:
        return join_findings([no_rejections(), *self.rejections]).unique(maintain_order=True)

    def all_notes(self) -> pl.DataFrame:
        return join_findings([no_notes(), *self.notes]).unique(maintain_order=True)

    def _with_ids(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(
            self.items.select(ITEM_KEY, "item.id"),
            on=ITEM_KEY, how="left", validate="m:1", maintain_order="left",
        )  # fmt: skip


def _excerpt() -> pl.Expr:
    """Show a text, shortened."""
    text = pl.col("text")
    return (
        pl.when(text.str.len_chars() > MAX_SHOWN)
        .then(text.str.head(MAX_SHOWN) + "…")
        .otherwise(text)
    )


def _for_one(message: pl.Expr | str, text: str) -> str:
    """Say a message for one text."""
    if isinstance(message, str):
        return message
    return str(pl.DataFrame({"text": [text]}).select(message).item())


def _said(before: str, after: str) -> pl.Expr:
    return pl.concat_str([pl.lit(before + '"'), _excerpt(), pl.lit('"' + after)])


def _message(fault: Fault, writing: Writing) -> pl.Expr | str:
    cell, column = fault.cell, fault.cell.column
    name = f"column {cell.shown}"
    limit = length_limit(cell)
    makers: Mapping[str, pl.Expr | str] = {
        "CELL-2": f"{name} is empty, but the format requires it",
        "CELL-3": pl.concat_str(
            [
                pl.lit(f"{name} has "),
                pl.col("text").str.len_chars().cast(pl.String),
                pl.lit(f' characters, but the format allows {limit}: "'),
                _excerpt(),
                pl.lit('"'),
            ]
        ),
        "CELL-4": _said(f"{name} needs at least {column.min} characters: ", ""),
        "CELL-5": _said(f"{name} must lie {_between(fault)}, not be ", ""),
        "CELL-7": _said(f"{name} holds characters other than {column.allow}: ", ""),
        "CELL-8": _said(f"{name} must be written as {column.pattern}, not ", ""),
        "CELL-9": _said(f"{name} takes digits only, not ", ""),
        "CELL-10": _said(f"{name} holds what separates columns: ", ""),
        "CELL-11": _said(f"{name} begins like a spreadsheet formula: ", ""),
        "CELL-15": _said(f"{name}: a spreadsheet keeps 15 digits of a number, too few for ", ""),
        "CELL-14": _said(f"{name} would print ", ", which leaves decimals of the amount out"),
    }
    if fault.code == "CELL-6":
        return _outside_message(name, writing.encoding)
    return makers[fault.code]


def _between(fault: Fault) -> str:
    low, high = fault.cell.column.min, fault.cell.column.max
    if low is None or high is None:
        return f"at or above {low}" if high is None else f"at or below {high}"
    return f"from {low} to {high}"


def _outside_message(name: str, encoding: str) -> pl.Expr:
    """Name the first character that the encoding lacks, with its number."""
    found = pl.col("text").str.extract(f"({outside(encoding)})", 1)
    return found.map_elements(
        lambda char: f"{name}: {shown(char)} is not in {encoding}", return_dtype=pl.String
    )


_FIXES: Mapping[str, str] = {
    "CELL-2": "fill it in Pleo, or give it a value in the mapping",
    "CELL-3": "shorten it in Pleo or in the mapping, or let the template cut it",
    "CELL-4": "lengthen it in Pleo or in the mapping",
    "CELL-5": "check the amount in Pleo; the format cannot hold it",
    "CELL-6": "write it with other letters, or let the template replace the character",
    "CELL-7": "write it with these characters, or set instead: on the column to replace the others",
    "CELL-8": "correct the value in Pleo, in the mapping or in its tables",
    "CELL-9": "correct the value in Pleo, in the mapping or in its tables",
    "CELL-10": "take the character out in the mapping, or let the template replace it",
    "CELL-11": "begin the text in another way, or set formulas: quote in the template",
    "CELL-15": "check the amount in Pleo; the format cannot hold it",
    "CELL-14": "check the amount in Pleo; the format cannot hold it",
}


def _detail(remark: Fault, writing: Writing) -> pl.Expr | str:
    cell = remark.cell
    name = f"column {cell.shown}"
    if remark.code == "TEXT-CUT":
        return pl.concat_str(
            [
                pl.lit(f"{name} cut from "),
                pl.col("text").str.len_chars().cast(pl.String),
                pl.lit(f" to {length_limit(cell)} characters"),
            ]
        )
    if remark.code == "TEXT-QUOTED":
        return f"{name}: an apostrophe put before a text that begins like a formula"
    return f"{name}: characters replaced that the format or {writing.encoding} cannot hold"
