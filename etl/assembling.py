"""Put a conversion together: verdicts, totals, hashes, the manifest, and the reports for people.

frames, rendered files ─> verdicts, totals, hashes ─> manifest head ─┬─> review.html
                                                                     ├─> explain.parquet
                                                                     └─> manifest.json
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import polars as pl

from etl import __version__
from etl.batches.controls import batch_totals, control_totals, make_sides
from etl.batches.evidence import (
    EVIDENCE,
    CellFact,
    Facts,
    FileFact,
    Frames,
    RecordFact,
    RuleFact,
    write_evidence,
)
from etl.batches.explanation import show
from etl.batches.manifest import Made, Manifest, Total, summarise_notes
from etl.batches.output import Owner
from etl.batches.recipe import Recipe as RecipeParts
from etl.batches.recipe import content_hash, make_recipe, members_of
from etl.batches.rejected import REJECTIONS_FILE, write_rejections
from etl.batches.verdicts import (
    ATTACHED,
    EXPORTED,
    FAILED,
    SKIPPED,
    Counts,
    as_lines,
    decide_verdicts,
    list_attachments,
    list_items,
)
from etl.conversion import (
    RUNNING_ON,
    Booked,
    CarriedFile,
    Conversion,
    Origin,
    Recipe,
    constants_of,
    instant,
)
from etl.files import sha256
from etl.findings import without
from etl.frames import ITEM_KEY, KEY, POSTING_KEY
from etl.rendering import Rendered, RenderedFile
from etl.rendering.charsets import TABLE_FILE
from etl.rendering.contexts import Context
from etl.rendering.document import XlsxOptions
from etl.rendering.escapes import writing_of
from etl.rendering.formats import NUMBERS
from etl.rendering.plans import FilePlan, Plan, plan_of
from etl.rendering.proof import Proof
from etl.rendering.proof_money import as_read
from etl.review import render_report
from etl.showing import show_batch, trace_shown

REVIEW = "review.html"
#: Libraries that decide bytes: another version of one is another recipe.
_LIBRARIES = ("jinja2", "msgspec", "polars", "xlsxwriter")


def assemble(
    booked: Booked, rendered: Rendered, *, recipe: Recipe, origin: Origin, proof: Proof
) -> Conversion:
    """Make the manifest and the reports of a proved conversion.

    Needs: numbered vouchers; rendered files, and the proof that they were read back.
    """
    places = _places(rendered.files)
    verdicts = verdicts_of(booked, rendered)
    counts = _count(booked, verdicts)
    manifest = _manifest(
        booked, rendered, recipe=recipe, origin=origin, verdicts=verdicts, counts=counts,
        places=places, proof=proof,
    )  # fmt: skip
    frames = Frames(
        booked.items,
        booked.lines,
        booked.vouchers,
        booked.postings,
        places,
        proof.postings,
        proof.texts,
        booked.refused,
    )
    facts = collect_facts(recipe, rendered, origin=origin)
    evidence = write_evidence(
        frames,
        facts,
        files={
            file.name: file.content
            for file in rendered.files
            if file.kind != "xlsx" and not file.packed
        },
    )
    view = show_batch(
        booked,
        rendered,
        recipe=recipe,
        origin=origin,
        manifest=manifest.head(),
        traces=trace_shown(frames, facts, files=rendered.files),
        begun=_begun(booked, places),
    )
    page = render_report(view).encode()
    reports = [Made(REVIEW, page), Made(EVIDENCE, evidence)]
    if booked.rejections.height:
        reports.append(Made(REJECTIONS_FILE, write_rejections(booked.rejections)))
    return Conversion(
        files=manifest.files,
        reports=reports,
        manifest=manifest.write(reports),
        head=manifest.head(),
        view=view,
        counts=counts,
        rejections=booked.rejections,
        owner=Owner(recipe.mapping.company.id, recipe.template.id, recipe.batch_number),
        receipts=_carried(booked, rendered) if origin.has_receipts else (),
    )


def verdicts_of(booked: Booked, rendered: Rendered) -> pl.DataFrame:
    """Give the verdict of every listed item: item.key and VERDICTS."""
    return decide_verdicts(
        booked.everyone,
        rejections=booked.rejections,
        external_ids=without(rendered.external_ids, booked.rejections),
        settled=booked.settled,
    )


def _carried(booked: Booked, rendered: Rendered) -> tuple[CarriedFile, ...]:
    """Give the receipts that lie beside the files; those inside of a zip are in it already."""
    key = [ITEM_KEY, "attachment.number"]
    beside = (
        rendered.receipts.filter(pl.col("path").is_not_null())
        .join(booked.attachments.select(*key, "attachment.sha256"), on=key, validate="1:1")
        .join(booked.items.select(ITEM_KEY, "item.id"), on=ITEM_KEY, validate="m:1")
        .sort("path")
    )
    columns = ("path", "item.id", "attachment.number", "attachment.sha256")
    return tuple(CarriedFile(*row) for row in beside.select(columns).iter_rows())


def _attached(
    booked: Booked, rendered: Rendered, *, recipe: Recipe, origin: Origin
) -> pl.DataFrame:
    """Give the attachments that the manifest lists; where each lies is known of fetched ones."""
    delivered: pl.DataFrame | None = None
    if origin.has_receipts:
        delivered = rendered.receipts
    elif recipe.template.document.attachments:
        delivered = rendered.receipts.drop("path")
    return list_attachments(booked.attachments, booked.items, delivered=delivered)


def _manifest(
    booked: Booked,
    rendered: Rendered,
    *,
    recipe: Recipe,
    origin: Origin,
    verdicts: pl.DataFrame,
    counts: Counts,
    places: pl.DataFrame,
    proof: Proof,
) -> Manifest:
    template, mapping = recipe.template, recipe.mapping
    attached = _attached(booked, rendered, recipe=recipe, origin=origin)
    sides = make_sides(as_read(booked.postings, proof.postings), booked.vouchers)
    return Manifest(
        batch={
            "id": origin.batch_id, "number": recipe.batch_number, "job": origin.job_id,
            "company": mapping.company.id, "created": instant(origin.created),
        } | ({} if origin.reverses is None else {"reverses": origin.reverses}),
        template={
            "id": template.id, "version": template.document.version, "sha256": template.sha256,
        },
        mapping={"name": mapping.name, "sha256": mapping.fingerprint[mapping.name]},
        parameters=recipe.parameters,
        recipe=recipe_parts(recipe, origin),
        numbers=_numbers(booked, recipe),
        input={"sha256": origin.input_sha256, "items": origin.items, "lines": origin.lines},
        content=content_hash(
            [members_of(file.name, file.content) for file in rendered.files],
            verdicts=verdicts.drop(ITEM_KEY),
            attachments=attached.select(list(ATTACHED)),
        ),
        counts=counts,
        totals=batch_totals(sides),
        controls=control_totals(sides, booked.items),
        notes=summarise_notes(booked.notes),
        files=[_made(file) for file in rendered.files],
        items=list_items(
            verdicts,
            items=booked.everyone,
            vouchers=booked.vouchers.select(ITEM_KEY, "voucher.id"),
            rows=_begun(booked, places),
        ),
        attachments=as_lines(attached),
        read_back={"ok": True, "rows": proof.rows},
    )  # fmt: skip


def _numbers(booked: Booked, recipe: Recipe) -> dict[str, Any]:
    """Say which voucher numbers were used; by fiscal year where each begins at its own."""
    last = booked.vouchers["voucher.number"].max() if booked.vouchers.height else None
    numbers: dict[str, Any] = {"first_voucher": recipe.first_voucher, "last_voucher": last}
    if isinstance(recipe.first_numbers, Mapping):
        used = last_vouchers(booked, recipe)
        first = {year: recipe.first_numbers.get(year, 1) for year in used}
        numbers |= {"first_vouchers": first, "last_vouchers": used}
    return numbers


def last_vouchers(booked: Booked, recipe: Recipe) -> dict[str, int]:
    """Give the last voucher number of every fiscal year, or under RUNNING_ON; none if unused."""
    scope = pl.col("voucher.fiscal_year.label") if recipe.is_per_fiscal_year else pl.lit(RUNNING_ON)
    used = booked.vouchers.group_by(scope.alias("scope")).agg(pl.col("voucher.number").max())
    # A constant scope gives one group even where there is no voucher.
    return dict(used.drop_nulls().sort("scope").iter_rows())


def recipe_parts(recipe: Recipe, origin: Origin | None = None) -> RecipeParts:
    """Give what decides the bytes; without an origin what is the same for every batch."""
    settings: dict[str, Any] = {
        "parameters": recipe.parameters,
        "posting rules": recipe.rules.sha256,
        "replacements": sha256(TABLE_FILE.read_bytes()),
    }
    if origin is not None:
        settings["numbers"] = [recipe.batch_number, recipe.first_numbers]
        settings["clock"] = instant(origin.created)
        if origin.decided:
            settings["decisions"] = origin.decided
    return make_recipe(
        template=recipe.template.fingerprint,
        mapping=recipe.mapping.fingerprint,
        settings=settings,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Give the versions that decide bytes: of pleo-etl and of libraries."""
    return {"pleo-etl": __version__} | {name: version(name) for name in _LIBRARIES}


def _made(file: RenderedFile) -> Made:
    # A companion repeats postings of another file: counted in both, the files would not add up.
    sums = file.totals.clear() if file.companion else file.totals
    totals = [Total(currency, *_texts(amounts)) for currency, *amounts in sums.iter_rows()]
    return Made(file.name, file.content, rows=file.rows, totals=totals)


def _texts(amounts: Sequence[Any]) -> list[str]:
    return [f"{amount:f}" for amount in amounts]


def _places(files: Sequence[RenderedFile]) -> pl.DataFrame:
    """Give file and line of every posting; companions repeat what stands elsewhere."""
    empty = pl.DataFrame(schema={POSTING_KEY: KEY, "file": pl.String, "row": pl.Int64})
    return pl.concat(
        [
            empty,
            *(
                file.lines.select(
                    pl.col(POSTING_KEY).cast(KEY),
                    pl.lit(file.name).alias("file"),
                    pl.col("line").cast(pl.Int64).alias("row"),
                )
                for file in files
                if not file.companion
            ),
        ]
    )


def _begun(booked: Booked, places: pl.DataFrame) -> pl.DataFrame:
    """Give the lines that postings of an item begin on: item.key, file, row."""
    keys = booked.postings.select(POSTING_KEY, ITEM_KEY)
    rows = keys.join(places, on=POSTING_KEY, validate="1:1")
    return rows.select(ITEM_KEY, "file", "row")


def _count(booked: Booked, verdicts: pl.DataFrame) -> Counts:
    rejected = verdicts.filter(pl.col("verdict") == FAILED).height
    rendered = booked.postings[ITEM_KEY].n_unique()
    nothing = booked.items.join(booked.postings, on=ITEM_KEY, how="anti").height
    return Counts(
        items=verdicts.height,
        rendered=rendered,
        rejected=rejected,
        already_booked=booked.settled.filter(pl.col("verdict") == EXPORTED).height,
        nothing_to_book=nothing,
        skipped=booked.settled.filter(pl.col("verdict") == SKIPPED).height,
        vouchers=booked.vouchers.height,
        postings=booked.postings.height,
    )


def collect_facts(recipe: Recipe, rendered: Rendered, *, origin: Origin) -> Facts:
    """Collect what explanations need and what is the same for every row."""
    mapping = recipe.mapping
    constants = {name: show(value) for name, value in constants_of(recipe, origin).items()}
    constants |= {f"parameters.{name}": text for name, text in recipe.parameters.items()}
    plan = plan_of(recipe.template)
    return Facts(
        rules=[RuleFact(r.target, r.text, str(r.place), r.table) for r in mapping.rules],
        candidates={t.name: [r.number for r in t.candidates()] for t in mapping.targets},
        cells=list(_cells(plan)),
        postings={rule.id: rule.place for rule in recipe.rules},
        files={file.name: file.file for file in rendered.files if not file.companion},
        written={file.key: _written(file) for file in plan.files},
        packed=[file.name for file in rendered.files if file.packed],
        constants=constants,
    )


def _cells(plan: Plan) -> Iterator[CellFact]:
    """Give the columns that are printed per voucher or posting, in the order of the template."""
    for file in plan.files:
        for record in file.records.values():
            if record.context not in (Context.VOUCHER, Context.POSTING):
                continue
            for cell in record.cells:
                if cell.column.value is None:
                    continue
                yield CellFact(
                    file=file.key,
                    record=record.name,
                    number=cell.number,
                    name=cell.name or f"{record.name} {cell.number + 1}",
                    expression=cell.column.value,
                    place=cell.where,
                    reads=sorted(cell.reads),
                    means=cell.column.means,
                    is_number=cell.column.type in NUMBERS,
                    at=cell.column.at,
                    width=cell.column.width,
                )


def _written(file: FilePlan) -> FileFact:
    """Say how lines of a file are taken apart, and what stands in them."""
    writing = writing_of(file.spec, file.encoding)
    xlsx, fixed = file.spec.xlsx or XlsxOptions(), file.spec.fixed
    return FileFact(
        kind=writing.kind,
        encoding=writing.encoding,
        delimiter=writing.delimiter,
        is_quoted=writing.csv.quoting != "none" and writing.escape == "csv",
        has_names=writing.csv.header == "names" and file.layout is None,
        counts_bytes=fixed is not None and fixed.bytes,
        sheet=xlsx.sheet if writing.kind == "xlsx" else None,
        records={
            record.name: RecordFact(record.context.value, record.names)
            for record in file.records.values()
            if record.context in (Context.VOUCHER, Context.POSTING)
        },
    )
