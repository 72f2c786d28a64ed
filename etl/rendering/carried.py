"""What Pleo wants to see again in the ledger (R70 to R72), and the columns that carry it."""

from __future__ import annotations

from collections.abc import Iterator

from etl.documents import near_match
from etl.errors import Problem
from etl.rendering.document import CARRIED, Column
from etl.rendering.templates import Template


def columns_by_name(template: Template) -> dict[str, Column]:
    """Give columns by `name`, `record.name` and `file.record.name`."""
    found: dict[str, Column] = {}
    for key, spec in template.document.files.items():
        for record, columns in spec.all_records.items():
            for column in columns:
                for plain in column.all_names():
                    if plain:
                        for name in (plain, f"{record}.{plain}", f"{key}.{record}.{plain}"):
                            found.setdefault(name, column)
    return found


def carried_problems(template: Template) -> Iterator[Problem]:
    """Refuse a column that is not there, or too narrow for what it should carry."""
    columns = columns_by_name(template)
    for what, name in template.document.carries.items():
        if not isinstance(name, str):
            continue
        where = str(template.source.place("carries", what))
        column = columns.get(name)
        if column is None:
            near = near_match(name, set(columns))
            hint = f'did you mean "{near}"?' if near else "name a column, or say not: and why"
            yield Problem("TPL-12", f'no column is called "{name}"', where, hint)
            continue
        limits = [int(limit) for limit in (column.max, column.width) if limit is not None]
        if limits and min(limits) < CARRIED[what]:
            yield Problem(
                "TPL-20",
                f'the column "{name}" holds {min(limits)} characters, and {what} needs '
                f"{CARRIED[what]}",
                where,
                "name a wider column, or say not: and the reason",
            )
