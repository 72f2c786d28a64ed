"""The line: one module that joins the stages, a pure plan and then its effects.

    sources ─> ingest ─> check ─> rules ─> attach ─> map ─> vouchers ─> forms ─> postings ─┐
                                                                                           │
    write <─ manifest, reports <─ read back <─ render <──────────── number <───────────────┤
                                                 └── rejected: drop the items, number again ┘

Every stage leaves out the items that it rejects; what is rejected anywhere is rejected whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from etl.assembling import assemble
from etl.batches.output import write_output
from etl.batches.recipe import hash_input
from etl.conversion import (
    RUNNING_ON,
    Booked,
    Conversion,
    Origin,
    Recipe,
    constants_of,
    name_batch,
    newest_date,
)
from etl.errors import EtlError, Problem, UserMustFix
from etl.examining import check_items, look_further, note_left_out, with_remarks
from etl.expressions import Lookup
from etl.files import shown_path
from etl.findings import join_findings
from etl.frames import ITEM_KEY, POSTING
from etl.items import Ingested, attach, ingest
from etl.mapping import (
    LoadedMapping,
    load_mapping,
    map_lines,
)
from etl.mapping.reference import CODE, NAME
from etl.parts import lightened, parts_of, side_by_side
from etl.postings import (
    PostingRules,
    assign_rules,
    check_balance,
    load_posting_rules,
    make_postings,
    make_vouchers,
    number_vouchers,
)
from etl.rendering import Labels, Rendered, Template, assign_forms, load_template, render
from etl.rendering.contexts import own_targets, targets_of
from etl.rendering.parameters import ON_COMMAND_LINE, Door
from etl.rendering.proof import Proof, prove
from etl.rendering.receipts import Contents
from etl.rendering.templates import Shelf
from etl.sources import read_sources

Stage = Callable[[str], None]


def silent(stage: str) -> None:
    """Say nothing about a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: items, template, mapping, and what they decide beside them."""

    sources: Sequence[str]
    template: str
    mapping: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    door: Door = ON_COMMAND_LINE
    as_of: datetime | None = None
    batch_number: int = 1
    first_voucher: int = 1


def load_recipe(
    request: Request,
    *,
    workspace: Path | None = None,
    shelf: Shelf | None = None,
) -> Recipe:
    """Read template and mapping; `shelf` says more than `workspace` about where they lie.

    Raises: UserMustFix with the problems of both at once.
    """
    shelf = shelf or Shelf(workspace)
    problems: list[Problem] = []
    template: Template | None = None
    mapping: LoadedMapping | None = None
    rules: PostingRules | None = None
    try:
        template = load_template(request.template, shelf=shelf)
        template = template.with_parameters(request.parameters, door=request.door)
    except EtlError as error:
        problems.extend(error.problems)
    try:
        mapping = load_mapping(request.mapping, name=shown_path(request.mapping, root=shelf.root))
        own = mapping.posting_rules
        rules = load_posting_rules(own.rows, own.accept, place=mapping.posting_rule_place)
    except EtlError as error:
        problems.extend(error.problems)
    if template is None or mapping is None or rules is None or problems:
        raise UserMustFix(list(dict.fromkeys(problems)))
    return Recipe(
        template,
        mapping,
        rules,
        lookups=_lookups(template, mapping),
        import_guide=_import_guide(template),
        batch_number=request.batch_number,
        first_vouchers={RUNNING_ON: request.first_voucher},
    )


def _lookups(template: Template, mapping: LoadedMapping) -> dict[str, Lookup]:
    """Give the tables of the mapping that the template looks values up in.

    Raises: UserMustFix TPL-19 for a table that is not there, or is no list of pairs.
    """
    lookups, problems = {}, []
    keys = mapping.document.keys
    for need, word in template.document.needs.items():
        name = need.removeprefix("table.")
        table = mapping.tables.get(name)
        if name == need or (table is None and word == "optional"):
            continue
        others = [] if table is None else [c for c in table.columns if c not in table.key]
        if table is None or len(table.key) != 1 or len(others) != 1 or table.dated:
            problems.append(
                Problem(
                    "TPL-19",
                    f'the template {template.id} needs a table "{name}" with one key and one value'
                    " column",
                    str(keys.get(("tables",), keys[("map",)])),
                    f"add the table {name} to the mapping (see the template's README)",
                )
            )
            continue
        lookups[name] = Lookup(table.lookup_values(others[0]), casefold=table.casefold)
    if problems:
        raise UserMustFix(problems)
    return lookups


def import_guide_path(template: Template) -> Path:
    """Give where the README of a template lies, if it has one."""
    return template.source.path.with_name("README.md")


def _import_guide(template: Template) -> str:
    """Give the README of a template, for the steps of its import."""
    path = import_guide_path(template)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


# ── the stages, pure from here on ───────────────────────────────────────────────────────────


def book(ingested: Ingested, recipe: Recipe, *, origin: Origin, stage: Stage = silent) -> Booked:
    """Turn ingested items into postings of the template's forms, or into rejections."""
    company = recipe.mapping.company
    stage("check")
    checked = check_items(ingested, recipe.mapping)
    found = [ingested.rejections, checked.rejections]
    notes = [ingested.notes, checked.notes]
    stage("map")
    assigned = assign_rules(checked.items, checked.lines, recipe.rules)
    items = attach(assigned.items, checked.attachments)
    targets = targets_of(recipe.template.document)
    mapped = map_lines(items, assigned.lines, recipe.mapping, targets=targets)
    notes.append(note_left_out(mapped, recipe.template))
    stage("post")
    single = recipe.is_single_currency
    made = make_vouchers(
        mapped.items,
        mapped.lines,
        recipe.rules,
        company_currency=company.currency,
        single_currency=single,
    )
    constants = constants_of(recipe, origin)
    formed, formless = assign_forms(
        made.vouchers, mapped.items, recipe.template, constants=constants
    )
    posted = make_postings(
        formed,
        made.entries,
        mapped.items,
        mapped.lines,
        forms={row.form.name: row.form for row in recipe.template.document.rows},
        single_currency=single,
        company_currency=company.currency,
        columns=_posting_columns(recipe),
    )
    check_balance(posted.postings)
    later = (assigned, mapped, made, posted)
    further = look_further(
        checked, assigned, attachments=ingested.attachments, recipe=recipe, constants=constants
    )
    rejections = join_findings([*found, formless, *(one.rejections for one in later), further])
    booked = Booked(
        everyone=list_everyone(ingested),
        refused=ingested.items.clear(),
        items=mapped.items,
        lines=mapped.lines,
        vouchers=posted.vouchers,
        postings=posted.postings,
        attachments=checked.attachments,
        nothing_to_book=posted.nothing_to_book,
        rejections=rejections.clear(),
        notes=join_findings([*notes, *(one.notes for one in later)]),
    )
    booked = booked.without_rejected(rejections)
    refused = ingested.items.join(booked.items, on=ITEM_KEY, how="anti", maintain_order="left")
    return replace(booked, refused=refused)


def _posting_columns(recipe: Recipe) -> list[str]:
    """Give the posting columns that are needed: all but amount sets that no one prints.

    Two of the three sets of amounts are seldom printed, and half of all memory.
    """
    template = recipe.template
    written = str(template.source.data) + "".join(text for text, _ in template.layouts.values())
    seldom = ("posting.book_", "posting.original_", "posting.rate", "posting.dimensions")
    return [
        column.name
        for column in POSTING
        if not column.name.startswith(seldom) or column.name.removeprefix("posting.") in written
    ] + [
        *(f"posting.dimension.{name}" for name in recipe.mapping.dimensions),
        *(f"target.{name}" for name in own_targets(template.document)),
    ]


def list_everyone(ingested: Ingested) -> pl.DataFrame:
    """Give key, id and place of every listed item, also of those that could not be read."""
    readable = ingested.items.select(ITEM_KEY, "item.id", "item.where")
    unreadable = (
        ingested.rejections.join(readable, on=ITEM_KEY, how="anti")
        .select(ITEM_KEY, pl.col("item_id").alias("item.id"), pl.col("where").alias("item.where"))
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )
    everyone = pl.concat([readable, unreadable]).sort(ITEM_KEY)
    assert everyone.height == ingested.listed
    return everyone


def render_stable(
    booked: Booked, recipe: Recipe, *, origin: Origin, receipts: Contents | None = None
) -> tuple[Booked, Rendered]:
    """Number and render until nothing more is rejected: a rejected item leaves no gap."""
    while True:
        numbered = number_vouchers(
            booked.vouchers,
            order=recipe.template.document.order,
            first=recipe.first_numbers,
            per_fiscal_year=recipe.is_per_fiscal_year,
        )
        booked = replace(booked, vouchers=numbered)
        rendered = render(
            recipe.template,
            items=booked.items,
            lines=booked.lines,
            vouchers=booked.vouchers,
            postings=booked.postings,
            attachments=booked.attachments,
            constants=constants_of(recipe, origin),
            lookups=recipe.lookups,
            labels=_labels(recipe.mapping),
            receipts=receipts,
        )
        if rendered.rejections.is_empty():
            notes = join_findings([booked.notes, rendered.notes])
            return replace(booked, notes=notes), rendered
        fewer = booked.refuse(rendered.rejections)
        assert fewer.vouchers.height < booked.vouchers.height
        booked = fewer


def _labels(mapping: LoadedMapping) -> Labels:
    """Give the labels of dimensions, and of their values where a reference list has them."""
    listing = mapping.reference.dimension_values
    if listing is None:
        return Labels(mapping.dimensions)
    names = {
        listed: name for name in mapping.dimensions for listed in mapping.names_of_dimension(name)
    }
    rows = listing.frame.select("~dimension", CODE, NAME).iter_rows()
    objects = {
        (names[dimension], code): label
        for dimension, code, label in rows
        if dimension in names and label is not None
    }
    return Labels(mapping.dimensions, objects)


# ── a conversion, and its effects ───────────────────────────────────────────────────────────


def convert(request: Request, *, stage: Stage = silent) -> Conversion:
    """Turn files of export items into a proved conversion. Nothing is written.

    Raises: UserMustFix where the command, the template, the mapping or an input file as a whole
    is wrong; what is wrong with an item is a rejection.
    """
    stage("template and mapping")
    recipe = load_recipe(request, workspace=Path.cwd())
    stage("read")
    ingested = ingest(read_sources(request.sources))
    input_sha256 = hash_input(
        items=ingested.items,
        lines=ingested.lines,
        attachments=ingested.attachments,
        rejections=ingested.rejections,
    )
    origin = Origin(
        batch_id=name_batch(recipe, input_sha256),
        input_sha256=input_sha256,
        items=ingested.listed,
        lines=ingested.lines.height,
        created=request.as_of or newest_date(ingested, recipe.mapping.company.time_zone),
    )
    booked = book_all(ingested, recipe, origin=origin, stage=stage)
    del ingested  # a million items are large; what is needed of them is in `booked`
    proved = prove_batch(booked, recipe, origin=origin, stage=stage)
    del booked
    stage("report")
    return assemble(
        proved.booked, proved.rendered, recipe=recipe, origin=origin, proof=proved.proof
    )


# ── what live batches share with it ─────────────────────────────────────────────────────────


def book_all(
    ingested: Ingested, recipe: Recipe, *, origin: Origin, stage: Stage = silent
) -> Booked:
    """Book all items, some at a time."""
    return side_by_side(
        [
            lightened(book(part, recipe, origin=origin, stage=stage), recipe)
            for part in parts_of(ingested)
        ]
    )


@dataclass(frozen=True, slots=True)
class Proved:
    """A batch that was rendered, and whose files say what was booked."""

    booked: Booked
    rendered: Rendered
    proof: Proof


def prove_batch(
    booked: Booked,
    recipe: Recipe,
    *,
    origin: Origin,
    receipts: Contents | None = None,
    stage: Stage = silent,
) -> Proved:
    """Render a batch and read its files back.

    Needs: receipts, the bytes of those that were fetched; None where none could be (offline).
    Raises: UserMustFix PROOF-* where a file does not say what was booked.
    """
    stage("render")
    booked, rendered = render_stable(booked, recipe, origin=origin, receipts=receipts)
    booked = with_remarks(booked, recipe)
    stage("read back")
    proof = prove(rendered, booked.postings)
    if not proof.ok:
        raise UserMustFix(proof.problems)
    return Proved(booked, replace(rendered, rendered_from=()), proof)  # large, and proved


def write(conversion: Conversion, folder: Path) -> None:
    """Write a conversion into a folder: all of it, or nothing."""
    write_output(conversion.plan(folder))
