"""What a template's author should know: nothing here stops the template, everything costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

import polars as pl

from etl.errors import Problem
from etl.frames import ITEM, ITEM_WIRE, VOUCHER, schema
from etl.rendering.carried import columns_by_name
from etl.rendering.choosing import assign_forms
from etl.rendering.contexts import own_targets
from etl.rendering.document import CARRIED, FileSpec
from etl.rendering.parameters import BUILT_IN
from etl.rendering.plans import Plan, make_plan
from etl.rendering.templates import Template

#: Vouchers as the posting rules make them: kind, roles of the contra side.
_KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "journal": {
        "entry": ("wallet", "out_of_pocket", "reimbursement", "transfer", "employee"),
    },
    "accounts_payable": {
        "invoice": ("payable",),
        "credit_note": ("payable",),
        "payment": ("wallet",),
    },
}
#: What tells the proof the amount of a row: one of these sets of meanings.
_AMOUNTS = ({"signed"}, {"debit", "credit"}, {"amount", "side"})
#: The names that hold what Pleo wants carried; texts can hold it through the mapping.
_HOLDS = {
    "reconciliation_id": ("item.reconciliation_id", "voucher.reference"),
    "reconciled_entries": ("item.reconciled_entries",),
    "attendees": ("item.attendees",),
}
_ANY_TEXT = ("posting.text", "voucher.text", "item.note")


def lint_template(template: Template) -> list[Problem]:
    """Give every remark on a template that was loaded, with its place and what it costs.

    Needs: a template that load_template accepted.
    """
    bound = template if template.values else _with_stand_ins(template)
    plan = make_plan(bound)
    return [
        *_carrying(template, plan),
        *_missing_forms(bound),
        *_unproved(template),
        *_unused(template, plan),
        *_guards(template),
        *_guide(template),
    ]


def _with_stand_ins(template: Template) -> Template:
    """Give a template whose parameters all have a value, to be able to compile it."""
    declared = template.document.parameters
    values = {name: parameter.default for name, parameter in declared.items()}
    first = {
        name: parameter.values[0]
        for name, parameter in declared.items()
        if parameter.values and parameter.default is None
    }
    typed: dict[str, object] = {
        name: first.get(name, value)
        for name, value in values.items()
        if declared[name].type in ("text", "digits", "enum")
    }
    return replace(template, values=typed)


def _carrying(template: Template, plan: Plan) -> Iterator[Problem]:
    columns = columns_by_name(template)
    reads = {
        id(cell.column): cell.reads
        for file in plan.files
        for record in file.records.values()
        for cell in record.cells
    }
    for what in CARRIED:
        stated = template.document.carries.get(what)  # type: ignore[call-overload]
        where = str(template.source.place("carries", what))
        if stated is None:
            yield Problem(
                "TPL-40",
                f"the template does not say what carries {what}, which Pleo asks every import to "
                "hold",
                where,
                f"add carries: {{{what}: COLUMN}}, or {{not: REASON}}",
            )
        elif isinstance(stated, str):
            column = columns[stated]
            names = reads.get(id(column), frozenset())
            if not names & {*_HOLDS[what], *_ANY_TEXT}:
                yield Problem(
                    "TPL-40",
                    f'the column "{stated}" is said to carry {what}, but does not read it',
                    where,
                    f"read {_HOLDS[what][0]} in its value",
                )
            is_key = what != "attendees"  # nobody looks an entry up by those who were present
            if is_key and column.overflow == "cut":
                yield Problem(
                    "TPL-40",
                    f'the column "{stated}" carries {what} and may be cut, so that entries '
                    "cannot be found again",
                    where,
                    "let it refuse what is too long",
                )


def _missing_forms(template: Template) -> Iterator[Problem]:
    """Try every kind of voucher that the posting rules can make."""
    cases = [
        (method, kind, role, side)
        for method in template.document.supports.methods
        for kind, roles in _KINDS[method].items()
        for role, side in product(roles, ("debit", "credit"))
    ]
    keys = pl.Series([*range(len(cases))], dtype=pl.UInt32)
    vouchers = pl.DataFrame(
        {
            "voucher.kind": [kind for _method, kind, _role, _side in cases],
            "voucher.contra_role": [role for _method, _kind, role, _side in cases],
            "voucher.contra_side": [side for _method, _kind, _role, side in cases],
        }
    )
    vouchers = _filled(vouchers, schema(VOUCHER)).with_columns(
        keys.alias("voucher.key"), keys.alias("item.key")
    )
    items = pl.DataFrame({"item.method": [method for method, *_rest in cases]})
    items = _filled(items, schema(ITEM_WIRE, ITEM)).with_columns(keys.alias("item.key"))
    formed, _rejections = assign_forms(vouchers, items, template)
    lost = vouchers.join(formed, on="voucher.key", how="anti", maintain_order="left")
    for (kind, role), rows in lost.group_by(
        "voucher.kind", "voucher.contra_role", maintain_order=True
    ):
        sides = " or ".join(rows["voucher.contra_side"].to_list())
        yield Problem(
            "TPL-42",
            f"no form takes a voucher of kind {kind} with {role} on the {sides} side, unless "
            "its condition asks for more; such items are rejected",
            str(template.source.place("rows")),
            "add a form, or say in README.md why the format has none",
        )


def _filled(frame: pl.DataFrame, wanted: dict[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in wanted.items()
    )


def _unproved(template: Template) -> Iterator[Problem]:
    document = template.document
    is_pair = any(row.shape == "pair" for row in document.rows)
    for key, spec in document.files.items():
        if spec.companion:
            continue
        meant = {column.means for _record, _place, column in spec.columns_that_mean()}
        where = str(template.source.place("files", key))
        has_sides = {"debit_account", "credit_account"} <= meant
        missing = [] if "date" in meant else ["date"]
        if not has_sides and "account" not in meant:
            missing.append("account")
        if not has_sides and is_pair and "contra_account" not in meant:
            missing.append("contra_account")
        if not any(words <= meant for words in _AMOUNTS) and not (has_sides and "amount" in meant):
            missing.append("signed, debit and credit, or amount and side")
        for words in missing:
            yield Problem(
                "TPL-41",
                f"no column means {words}, so the proof cannot see a change there",
                where,
                "add means: to the column that holds it",
            )
        if spec.kind in ("text", "xml") and spec.read_back is None:
            yield Problem(
                "TPL-41",
                "the file says not how to read it back, so nothing of it is proved",
                where,
                "add read_back with a pattern or paths for the same meanings",
            )


def _unused(template: Template, plan: Plan) -> Iterator[Problem]:
    document = template.document
    words = " ".join(_texts(template))
    for name in document.parameters:
        if name not in BUILT_IN and not re.search(rf"\bparameters\.{name}\b", words):
            yield _never(
                "parameters", name, template=template, cost="a company is asked for it in vain"
            )
    for name in document.let:
        if not re.search(rf"(?<![.\w]){name}(?![\w])", words.replace(f"{name}:", "")):
            yield _never("let", name, template=template, cost="it only misleads")
    for name in document.needs:
        if name.startswith("dimension.") and f"posting.{name}" not in words:
            lists = ("dimension.name", "object.code")
            if not any(word in words for word in lists):
                yield _never(
                    "needs", name, template=template, cost="the mapping is asked for it in vain"
                )
    for name in own_targets(document):
        if f"target.{name}" not in words:
            need = name if name in document.needs else f"target.{name}"
            yield _never(
                "needs", need, template=template, cost="the mapping is asked for it in vain"
            )
    for file in plan.files:
        if file.layout is None:
            continue
        used = {name.split(".", 1)[0] for names in file.layout.uses.values() for name in names}
        for record in file.records:
            if record not in used:
                place = template.source.place("files", file.key, "records", record)
                yield Problem(
                    "TPL-43",
                    f'the record "{record}" is never used by the layout; its values are lost',
                    str(place),
                    "print it in the layout, or remove it",
                )


def _texts(template: Template) -> Iterator[str]:
    """Give every text of the template and its layouts."""
    waiting: list[object] = [template.source.data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str):
            yield value
    for text, _name in template.layouts.values():
        yield text


def _never(group: str, name: str, *, template: Template, cost: str) -> Problem:
    return Problem(
        "TPL-43",
        f'"{name}" of {group} is never read; {cost}',
        str(template.source.place(group, name)),
        "read it, or remove it",
    )


def _guards(template: Template) -> Iterator[Problem]:
    for key, spec in template.document.files.items():
        if spec.kind in ("csv", "xlsx") and spec.formulas is None and _has_free_text(spec):
            yield Problem(
                "TPL-44",
                "the file says nothing of formulas, so an item whose text begins with = + - or @ "
                "is rejected",
                str(template.source.place("files", key)),
                "say formulas: refuse, quote, or {off: REASON}",
            )


def _has_free_text(spec: FileSpec) -> bool:
    return any(
        column.type == "text" and column.value is not None and "{{" in column.value
        for columns in spec.all_records.values()
        for column in columns
    )


def _guide(template: Template) -> Iterator[Problem]:
    if not (template.source.path.parent / "README.md").is_file():
        yield Problem(
            "TPL-45",
            "the template has no README.md, so a bookkeeper does not learn how to import the file",
            str(template.source.place("id")),
            "write down assumptions, the manual and its version, and how to import",
        )
