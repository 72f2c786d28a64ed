"""Where a record stands: once per file, voucher, posting, attachment or element of a list.

file ──< vouchers ──< postings          a cell is made where its names first are known and
  │         └──< attachments            carried down; a record stands where its deepest
  └──< accounts, vendors, …             cell stands
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from etl.expressions.scope import Lookup, Scope
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
    Type,
    dimension_column,
)
from etl.rendering.document import Parameter, TemplateDocument


class Context(StrEnum):
    """A place for a record; the value is the name of its list in layouts."""

    CONSTANT = "constant"
    FILE = "file"
    VOUCHER = "vouchers"
    POSTING = "postings"
    ATTACHMENT = "attachments"
    ACCOUNT = "accounts"
    VENDOR = "vendors"
    CURRENCY = "currencies"
    DIMENSION = "dimensions"
    OBJECT = "objects"


LIST_CONTEXTS = (
    Context.ACCOUNT,
    Context.VENDOR,
    Context.CURRENCY,
    Context.DIMENSION,
    Context.OBJECT,
)

#: The frames of a layout in which a record of a context can be read (see layout_names).
CARRIED_BY: Mapping[Context, tuple[str, ...]] = {
    Context.CONSTANT: ("file",),
    Context.FILE: ("file",),
    Context.VOUCHER: ("vouchers", "postings", "attachments"),
    Context.POSTING: ("postings",),
    Context.ATTACHMENT: ("attachments",),
    **{context: (context.value,) for context in LIST_CONTEXTS},
    Context.OBJECT: ("objects", "posting.objects"),
}

#: The contexts that lie above another one, nearest last.
_ABOVE: Mapping[Context, tuple[Context, ...]] = {
    Context.CONSTANT: (),
    Context.FILE: (Context.CONSTANT,),
    Context.VOUCHER: (Context.CONSTANT, Context.FILE),
    Context.POSTING: (Context.CONSTANT, Context.FILE, Context.VOUCHER),
    Context.ATTACHMENT: (Context.CONSTANT, Context.FILE, Context.VOUCHER),
    **dict.fromkeys(LIST_CONTEXTS, (Context.CONSTANT, Context.FILE)),
}

_LIST_NAMES: Mapping[str, Context] = {
    column.name: context for context in LIST_CONTEXTS for column in LISTS[context.value]
}
_GROUPS: Mapping[str, Context] = {
    "file": Context.FILE,
    "item": Context.VOUCHER,
    "voucher": Context.VOUCHER,
    "line": Context.POSTING,
    "posting": Context.POSTING,
    "target": Context.POSTING,
    "attachment": Context.ATTACHMENT,
}

#: What `let` values and columns may name besides parameters and targets.
CONSTANTS: tuple[Column, ...] = (*BATCH, *JOB, *COMPANY, *ENGINE)
_PARAMETER_TYPES: Mapping[str, Type] = {
    "integer": Type.INTEGER,
    "amount": Type.AMOUNT,
    "decimal": Type.DECIMAL,
    "date": Type.DATE,
    "flag": Type.BOOLEAN,
}


#: What every mapping can give; account names come with the accounts.
_TARGETS = ("tax_code", "text", "account_name")


def context_of_name(name: str) -> Context:
    """Give the context that a name belongs to."""
    if name in _LIST_NAMES:
        return _LIST_NAMES[name]
    return _GROUPS[name.split(".", 1)[0]]


def deepest(contexts: Iterable[Context]) -> tuple[Context, Context | None]:
    """Give the deepest of some contexts, and one that does not lie above it (or None)."""
    found = set(contexts) or {Context.CONSTANT}
    deep = max(found, key=lambda context: (len(_ABOVE[context]), context.value))
    strangers = sorted(found - {deep} - set(_ABOVE[deep]))
    return deep, (strangers[0] if strangers else None)


def parameter_type(parameter: Parameter) -> Type:
    """Give the type of a parameter in expressions."""
    return _PARAMETER_TYPES.get(parameter.type, Type.TEXT)


def dimensions_of(document: TemplateDocument) -> tuple[str, ...]:
    """Give the dimensions that a template reads, as its `needs` declare them."""
    return tuple(
        name.removeprefix("dimension.") for name in document.needs if name.startswith("dimension.")
    )


def targets_of(document: TemplateDocument) -> dict[str, bool]:
    """Give what a template needs of the mapping, as the mapping calls it, and whether it must be.

    A name that is no target of every mapping is the template's own: `target.<name>`.
    """
    return {
        _target(name): word == "required"
        for name, word in document.needs.items()
        if name != "vendor" and not name.startswith("table.")
    }


def own_targets(document: TemplateDocument) -> tuple[str, ...]:
    """Give the names of the template's own targets; expressions call them target.<name>."""
    return tuple(
        name.removeprefix("target.") for name in targets_of(document) if name.startswith("target.")
    )


def _target(name: str) -> str:
    is_known = name in _TARGETS or name.startswith(("dimension.", "target."))
    return name if is_known else f"target.{name}"


def all_columns(document: TemplateDocument) -> tuple[Column, ...]:
    """Give every name that differs from row to row somewhere in a template."""
    return (
        *ITEM,
        *LINE,
        *VOUCHER,
        *POSTING,
        *(dimension_column(name) for name in dimensions_of(document)),
        *(
            Column(f"target.{name}", Type.TEXT, f"target {name} of the mapping")
            for name in own_targets(document)
        ),
        *FILE,
        *ATTACHMENT,
        *(column for columns in LISTS.values() for column in columns),
    )


def scope_of(
    document: TemplateDocument,
    *,
    constants: Mapping[str, object],
    lookups: Mapping[str, Lookup],
) -> Scope:
    """Make the scope of a template; a constant without a value is null."""
    types = {column.name: column.type for column in CONSTANTS}
    types |= {
        f"parameters.{name}": parameter_type(parameter)
        for name, parameter in document.parameters.items()
    }
    tables = {
        name.removeprefix("table."): Lookup({})
        for name in document.needs
        if name.startswith("table.")
    }
    return Scope(
        columns={column.name: column.type for column in all_columns(document)},
        constants={name: (kind, constants.get(name)) for name, kind in types.items()},
        lookups={**tables, **{name: table for name, table in lookups.items() if name in tables}},
    )
