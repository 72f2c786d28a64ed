"""The names that rules may use: items, lines, vouchers, the company, targets and the chart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from etl.expressions import Lookup, Scope
from etl.frames import COMPANY, ITEM, JOB, LINE, VOUCHER, Type, tag_column
from etl.mapping.document import Company, MappingDocument
from etl.mapping.reference import Reference
from etl.mapping.rules import target_of
from etl.mapping.tables import Table

#: What is known of a voucher before there are vouchers.
VOUCHER_NAMES = frozenset(
    {
        "voucher.date", "voucher.original_date", "voucher.document_date", "voucher.due_date",
        "voucher.reference", "voucher.currency", "voucher.vendor.code", "voucher.vendor.name",
        "voucher.vendor.tax_id", "voucher.period", "voucher.period.year", "voucher.period.number",
        "voucher.period.start", "voucher.period.end", "voucher.fiscal_year.start",
        "voucher.fiscal_year.end", "voucher.fiscal_year.label",
    }
)  # fmt: skip
#: Voucher names that are an item's column under another name.
ALIASES: Mapping[str, str] = {
    "voucher.reference": "item.reconciliation_id",
    "voucher.currency": "item.currency",
}
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def scope_of(
    definition: MappingDocument, tables: Mapping[str, Table], reference: Reference
) -> Scope:
    """Give the names that rules of a mapping may use, with their types."""
    columns = {column.name: column.type for column in (*ITEM, *LINE, *JOB)}
    columns |= {column.name: column.type for column in VOUCHER if column.name in VOUCHER_NAMES}
    columns |= {tag_column(group).name: Type.TEXT for group in tag_groups(definition)}
    targets = mapped_targets(definition)
    columns |= dict.fromkeys(targets, Type.TEXT)
    roles = [name.removeprefix("account.") for name in targets if name.startswith("account.")]
    columns |= {f"account_name.{role}": Type.TEXT for role in roles}
    for attribute in chart_attributes(reference):
        columns |= {f"chart.{role}.{attribute}": Type.TEXT for role in roles}
    return Scope(columns, company_constants(definition.company), _lookups(definition, tables))


def company_constants(company: Company) -> dict[str, tuple[Type, object]]:
    """Give the company's facts as names."""
    return {
        column.name: (column.type, getattr(company, column.name.removeprefix("company.")))
        for column in COMPANY
    }


def tag_groups(definition: MappingDocument) -> list[str]:
    """Give the declared tag groups, in the form that lines are compared with."""
    return [unicodedata.normalize("NFC", group) for group in definition.tags]


def mapped_targets(definition: MappingDocument) -> list[str]:
    """Give every target that the mapping gives a value, in the order of the document."""
    written = list(definition.map)
    for texts in definition.map.values():
        for text in texts:
            if isinstance(text.take, dict):
                written.extend(text.take)
    names = [target for name in written if (target := target_of(name)) is not None]
    names.extend(f"dimension.{name}" for name in definition.tags.values())
    return list(dict.fromkeys(names))


def chart_attributes(reference: Reference) -> list[str]:
    """Give the columns of accounts.csv that can be named in an expression."""
    if reference.accounts is None:
        return []
    return [column for column in reference.accounts.columns if _ATTRIBUTE.fullmatch(column)]


def _lookups(definition: MappingDocument, tables: Mapping[str, Table]) -> dict[str, Lookup]:
    """Give tables with one key as lookups: `table` if it has one other column, `table.column`."""
    if not any("lookup" in text for text in _expressions(definition)):
        return {}
    found: dict[str, Lookup] = {}
    for table in tables.values():
        if len(table.key) > 1 or table.dated:
            continue
        others = [column for column in table.columns if column not in table.key]
        for column in others:
            lookup = Lookup(table.lookup_values(column), casefold=table.casefold)
            found[f"{table.name}.{column}"] = lookup
            if len(others) == 1:
                found[table.name] = lookup
    return found


def _expressions(definition: MappingDocument) -> list[str]:
    texts = [text for rules in definition.map.values() for text in rules]
    return [part for text in texts for part in (text.when, text.use, *(text.key or ())) if part]
