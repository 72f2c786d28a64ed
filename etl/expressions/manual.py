"""The manual's tables: names, operators, filters, tests and date tokens, made from the code.

`templates/README.md` holds the result; a test compares, so the manual cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etl.expressions.conditions import CONDITIONS
from etl.expressions.date_tokens import TOKENS
from etl.expressions.filters import FILTERS, Filter
from etl.expressions.parameters import REQUIRED, Parameter
from etl.frames import (
    ATTACHMENT,
    BATCH,
    COMPANY,
    ENGINE,
    FILE,
    ITEM,
    JOB,
    LINE,
    LISTS,
    POSTING,
    VOUCHER,
    Column,
)


@dataclass(frozen=True, slots=True)
class Construct:
    """A line of the manual about an operator. `example` gives `shown`; a test runs every one."""

    form: str
    meaning: str
    example: str
    shown: str


OPERATORS = (
    Construct(
        "`a ~ b`", "texts, one after the other; what is missing prints as nothing",
        "'Pleo ' ~ none ~ 'fee'", "Pleo fee",
    ),
    Construct(
        "`a + b`, `a - b`, `-a`",
        "integers with integers, amounts with amounts; nothing where the result is too large",
        "3 - 5", "-2",
    ),
    Construct("`a * b`", "integers only", "3 * 4", "12"),
    Construct(
        "`==` `!=` `<` `<=` `>` `>=`",
        "values of the same type, one comparison at a time; a written whole number may stand "
        "beside an amount; what is missing equals only what is missing, and is neither less nor "
        "greater",
        "2 <= 3", "true",
    ),
    Construct(
        "`a in [b, c]`, `a not in [b, c]`",
        "a written list, or a name that is a list of text; what is missing is in no list",
        "'fee' in ['fee', 'refund']", "true",
    ),
    Construct(
        "`a and b`, `a or b`, `not a`",
        'conditions; a text alone as condition means "not empty"',
        "not (1 == 2 or 2 > 3)", "true",
    ),
    Construct("`a or b`", "between texts the first that is not empty", "'' or 'Berlin'", "Berlin"),
    Construct(
        "`a if c else b`", "one of two values of the same type; without else nothing",
        "'debit' if 1 > 0 else 'credit'", "debit",
    ),
    Construct(
        "`'2026-03-01' | as_date`", "a date that is written out",
        "'2026-03-01' | as_date < ('2026-03-02' | as_date)", "true",
    ),
    Construct(
        "`name['text']`", "a part of a name that is no plain word, such as a tag group",
        "line.tags['COST CENTER']", "100",
    ),
)  # fmt: skip

_GROUPS: Sequence[tuple[str, Iterable[Column]]] = (
    ("Items", ITEM),
    ("Lines", LINE),
    ("Vouchers", VOUCHER),
    ("Postings", POSTING),
    ("Attachments", ATTACHMENT),
    ("File, batch, job, company, engine", (*FILE, *BATCH, *JOB, *COMPANY, *ENGINE)),
    *((f"List `{name}`", columns) for name, columns in LISTS.items()),
)


def render_manual() -> str:
    """Give all tables as one Markdown text, with headings of the third level."""
    parts = [
        _section("Operators", ("Write", "Means", "Example", "Gives"), (
            (row.form, row.meaning, _code(row.example), _code(row.shown)) for row in OPERATORS
        )),
        _section("Filters", ("Filter", "For", "Gives", "Means", "Example", "Result"), (
            (
                _code(usage(row.name, row.parameters)), _types(row), str(row.gives), row.meaning,
                _code(row.example), _code(row.shown),
            )
            for row in FILTERS.values()
        )),
        _section("Tests", ("Test", "For", "Means", "Example"), (
            (
                _code(f"is {usage(row.name, row.parameters)}"),
                "any" if len(row.takes) > 1 else str(row.takes[0]), row.meaning,
                _code(row.example),
            )
            for row in CONDITIONS.values()
        )),
        _section("Date tokens", ("Token", "Means"), (
            (_code(token), meaning) for token, meaning in TOKENS.items()
        )),
        *(
            _section(title, ("Name", "Type", "Meaning"), (
                (_code(column.name), str(column.type), column.meaning) for column in columns
            ))
            for title, columns in _GROUPS
        ),
    ]  # fmt: skip
    return "\n".join(parts)


def usage(name: str, parameters: Sequence[Parameter]) -> str:
    """Write a filter or test with its arguments; those that may be left out are in brackets."""
    if not parameters:
        return name
    words = ", ".join(
        parameter.name if parameter.default is REQUIRED else f"[{parameter.name}]"
        for parameter in parameters
    )
    return f"{name}({words})"


def _types(row: Filter) -> str:
    return ", ".join(row.takes)


def _code(text: str) -> str:
    return f"`{text}`"


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"### {title}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for cells in rows:
        escaped = (cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| {' | '.join(escaped)} |")
    return "\n".join(lines) + "\n"
