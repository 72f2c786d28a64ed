"""Escaping belongs to the kind of file and is applied to every cell, never by remembering it.

csv     "…" with quotes doubled; what is written bare may not hold the delimiter
sie     "…" for texts, \\" for a quote, / for a backslash; bare for digits and dates; "" if empty
iif     quotes taken out (readers disagree on them)
xml     &amp; &lt; &gt; &quot; &apos;
hledger , for a semicolon, one blank for several
none    nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from etl.rendering.charsets import Replacing, replacing
from etl.rendering.document import Column, CsvOptions, Escape, FileSpec, Off
from etl.text import FORMULA

Wrap = Literal["always", "needed", "never"]
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
#: Printable ASCII that some escape must look at.
_SPECIAL: Mapping[str, str] = {
    "csv": '"', "sie": '"\\', "iif": '"', "xml": "&<>\"'", "hledger": "; ", "none": "",
}  # fmt: skip


@dataclass(frozen=True)
class Writing:
    """How the cells of one file are written, besides what each column says."""

    kind: str
    encoding: str
    escape: Escape
    csv: CsvOptions
    replacing: Replacing
    spec: FileSpec

    @property
    def delimiter(self) -> str | None:
        """Give what stands between cells and so may not stand in a bare one."""
        return self.csv.delimiter if self.kind == "csv" else None

    def joiner(self) -> str:
        """Give what stands between the cells of a whole record."""
        return {"csv": self.csv.delimiter, "text": " "}.get(self.kind, "")

    def wrap(self, column: Column) -> Wrap:
        """Say when a cell of a column stands in quotes."""
        if self.escape not in ("csv", "sie") or self.kind == "xlsx":
            return "never"
        if column.quote is not None:
            return "always" if column.quote else "never"
        is_text = column.type == "text"
        if self.escape == "sie":
            return "always" if is_text else "never"
        if self.csv.quoting == "text":
            return "always" if is_text else "never"
        wraps: Mapping[str, Wrap] = {"all": "always", "minimal": "needed", "none": "never"}
        return wraps[self.csv.quoting]

    def guard(self, column: Column) -> Literal["refuse", "quote", "off"]:
        """Say what happens to a text that a spreadsheet would take for a formula."""
        chosen = column.formulas or self.spec.formulas
        if column.type != "text" or isinstance(chosen, Off):
            return "off"
        if chosen is None:
            return "refuse" if self.kind in ("csv", "xlsx") else "off"
        if column.means is not None:
            return "refuse"
        return chosen

    def odd(self, column: Column) -> str:
        """Give a pattern that finds the texts of a column that need a second look.

        All others are printable ASCII that no rule of the file says anything about.
        """
        special = set(_SPECIAL[self.escape]) | {key[0] for key in self.replacing.replacements}
        special |= {self.delimiter} if self.delimiter else set()
        if self.escape == "hledger":
            special.discard(" ")
        plain = "".join(_class(char) for char in map(chr, range(32, 127)) if char not in special)
        patterns = [f"[^{plain}]"]
        if self.escape == "hledger":
            patterns.append("  ")
        if self.guard(column) != "off":
            patterns.append(FORMULA)
        if column.allow is not None:
            patterns.append(not_allowed(column.allow))
        return "|".join(patterns)


def writing_of(spec: FileSpec, encoding: str) -> Writing:
    """Give how a file writes its cells."""
    defaults: Mapping[str, Escape] = {"csv": "csv", "xml": "xml"}
    encoding = "utf-8" if spec.kind == "xlsx" else encoding
    return Writing(
        kind=spec.kind,
        encoding=encoding,
        escape=spec.escape or defaults.get(spec.kind, "none"),
        csv=spec.csv or CsvOptions(),
        replacing=replacing(encoding, spec.replace),
        spec=spec,
    )


def not_allowed(allow: str) -> str:
    """Give a pattern for a character outside a column's `allow` class."""
    body = allow[1:] if allow.startswith("^") else allow
    body = body.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    body = body.replace("&", "\\&").replace("~", "\\~")
    return f"[{body}]" if allow.startswith("^") else f"[^{body}]"


def escape_odd(texts: pl.Series, writing: Writing, *, column: Column) -> pl.Series:
    """Escape texts that may hold something special; wrapping comes later."""
    if writing.escape == "xml":
        return texts.str.replace_many(list(_XML), list(_XML.values()))
    if writing.escape == "csv" and writing.wrap(column) != "never":
        return texts.str.replace_all('"', '""', literal=True)
    if writing.escape == "sie" and writing.wrap(column) == "always":
        return texts.str.replace_all('"', '\\"', literal=True)
    return texts


def tame(texts: pl.Series, escape: Escape) -> pl.Series:
    """Take out what the format cannot express at all; the caller counts what changed."""
    if escape == "sie":
        return texts.str.replace_all("\\", "/", literal=True)
    if escape == "iif":
        return texts.str.replace_all('"', "", literal=True)
    if escape == "hledger":
        return texts.str.replace_all(";", ",", literal=True).str.replace_all(" {2,}", " ")
    return texts


def bare_breaks(writing: Writing, column: Column) -> str | None:
    """Give a pattern for what may not stand in a cell without quotes, if there is any."""
    if writing.wrap(column) != "never" or column.type in ("amount", "integer", "decimal"):
        return None
    if writing.escape == "sie" and column.quote is not True:
        return r'[ "{}]'
    if writing.delimiter is None:
        return None
    quote = '"' if writing.escape == "csv" and writing.csv.quoting != "none" else ""
    return f"[{_class(writing.delimiter)}{quote}]"


def wrap_cells(texts: pl.Series, writing: Writing, *, column: Column, odd: pl.Series) -> pl.Series:
    """Put quotes around the cells that need them.

    Needs: odd, true where a text was escaped (only there can quotes be needed).
    """
    wrap = writing.wrap(column)
    if wrap == "always":
        return pl.select(pl.concat_str([pl.lit('"'), texts, pl.lit('"')])).to_series()
    if wrap == "needed" and odd.any():
        assert writing.delimiter is not None
        needs = odd & texts.str.contains(f'[{_class(writing.delimiter)}"]')
        quoted = pl.concat_str([pl.lit('"'), texts, pl.lit('"')])
        return pl.select(pl.when(needs).then(quoted).otherwise(texts)).to_series()
    if writing.escape == "sie" and column.quote is None and column.type != "text":
        return pl.select(pl.when(texts == "").then(pl.lit('""')).otherwise(texts)).to_series()
    return texts


def _class(char: str) -> str:
    """Write one ASCII character inside a character class."""
    return f"\\x{ord(char):02x}" if not char.isalnum() else char
