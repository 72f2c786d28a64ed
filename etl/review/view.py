"""Make the view model of a review: pure, from the manifest, the frames and the files of a batch."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from etl.frames import ITEM_KEY
from etl.review.aside import refused_and_waiting, set_aside
from etl.review.causes import by_cure, causes, note_groups
from etl.review.cells import TracedRow
from etl.review.columns import complete
from etl.review.control import control_sheet
from etl.review.file_views import file_views
from etl.review.given import NOTHING_EARLIER, BatchFrames, Earlier, FileFormat, RuleText
from etl.review.model import (
    Cause,
    Control,
    Counts,
    FileRows,
    FileView,
    Identity,
    LookedThrough,
    NoteGroup,
    ReviewView,
    State,
)
from etl.review.remarks import READS, find_remarks, sightings
from etl.review.row_traces import with_traces
from etl.review.rules_used import rules_used
from etl.review.totals import account_names
from etl.review.vouchers import MAX_FILE_ROWS, Chosen, choose, voucher_list
from etl.sentences import counted

MAX_STEPS = 30


def make_view(
    manifest: Mapping[str, Any],
    frames: BatchFrames,
    *,
    files: Mapping[str, bytes],
    rules: Sequence[RuleText] = (),
    steps: Sequence[str] = (),
    formats: Mapping[str, FileFormat] | None = None,
    rows: pl.DataFrame | None = None,
    company: str = "",
    company_currency: str = "",
    earlier: Earlier = NOTHING_EARLIER,
    asked: Collection[str] = (),
    traces: Mapping[str, Sequence[tuple[str, TracedRow]]] | None = None,
    reverses: int | None = None,
    cures: Mapping[str, str] | None = None,
) -> ReviewView:
    """Make the view model of a batch.

    Needs: the manifest (design.md section 7), the frames as the last stage left them, the bytes
    of each output file by name, the mapping rules that `rule.<target>` numbers point to, the
    import steps of the template, how each file is to be read, the lines that postings begin on
    (item.key, file, row; else the manifest's), name and currency of the company; what earlier
    batches say of the items, the codes that a person must answer here, by file the traced lines,
    each with its item's id, the batch that a reversal takes back, who can cure checks by code.
    Gives: the same view for the same input; no clock, no order of dictionaries.
    """
    frames = _with_remarks(complete(frames), earlier, is_reversal=reverses is not None)
    refused, waiting = refused_and_waiting(frames, asked)
    counts = _counts(manifest, waiting=waiting.count if waiting else 0)
    names = account_names(frames)
    home = company_currency
    control = control_sheet(manifest, frames, counts=counts, names=names, company_currency=home)
    chosen = choose(frames)
    read = file_views(manifest, files, formats=formats or {})
    shown = with_traces(read, traces or {}, items=frames.items, anchors=chosen.anchors)
    notes = _notes(frames, chosen, asked=asked, earlier=earlier)
    stopped = causes(refused, frames.items, before=earlier.held, cures=cures or {})
    placed = _placed(manifest, rows, shown, frames=frames, chosen=chosen)
    state = _state(control, counts, has_notes=bool(notes))
    return ReviewView(
        identity=_identity(manifest, company, reverses=reverses),
        state=state,
        headline=_headline(state, counts, control=control, reverses=reverses),
        sentences=_sentences(counts, control, notes=notes, stopped=stopped, reverses=reverses),
        counts=counts,
        control=control,
        notes=notes,
        causes=stopped,
        cures=by_cure(stopped),
        vouchers=voucher_list(chosen, frames, rules=rules, names=names, item_rows=placed),
        files=shown,
        proof_holds=bool(manifest.get("read_back", {}).get("ok")),
        proof_rows=int(manifest.get("read_back", {}).get("rows", 0)),
        import_steps=tuple(steps[:MAX_STEPS]),
        aside=set_aside(frames, before=earlier.held),
        waiting=waiting,
        looked_through=_looked_through(earlier),
        rules_used=rules_used(frames, rules),
    )


def _notes(
    frames: BatchFrames, chosen: Chosen, *, asked: Collection[str], earlier: Earlier
) -> tuple[NoteGroup, ...]:
    """Group the notes, each with what was answered to it before."""
    before = {one.code: one.words for one in earlier.answers}
    return note_groups(
        frames.notes, frames.items, anchors=chosen.anchors, asked=asked, before=before
    )


def import_steps(readme: str) -> tuple[str, ...]:
    """Take the numbered steps from the section of a template's README that tells how to import.

    The section is the first whose heading speaks of importing; without numbered steps in it, its
    paragraphs are the steps.
    """
    sections = re.split(r"^#{1,6}[ \t]+(.*)$", readme, flags=re.MULTILINE)
    pairs = zip(sections[1::2], sections[2::2], strict=True)
    body = next((text for title, text in pairs if "import" in title.casefold()), "")
    numbered = re.findall(
        r"^[0-9]+[.)][ \t]+(.*(?:\n[ \t]+\S.*)*)", body, flags=re.MULTILINE
    ) or re.findall(r"(?:^|\n\n)(\S(?:.|\n(?!\n))*)", body.strip())
    return tuple(re.sub(r"\s+", " ", re.sub(r"[`*]", "", step)).strip() for step in numbered)


def _looked_through(earlier: Earlier) -> LookedThrough | None:
    if not earlier.looked_through and not earlier.unreadable:
        return None
    return LookedThrough(earlier.looked_through, earlier.unreadable)


def _with_remarks(frames: BatchFrames, earlier: Earlier, *, is_reversal: bool) -> BatchFrames:
    """Add the review's own remarks, unless the notes already hold them."""
    if is_reversal:  # what it takes back was looked at when it was booked
        return frames
    in_batch = frames.items.select(READS).join(
        frames.vouchers.select(ITEM_KEY).unique(), on=ITEM_KEY, how="semi", maintain_order="left"
    )
    seen = sightings(earlier, frames.items, vouchers=frames.vouchers)
    added = pl.concat([find_remarks(in_batch), seen]).join(
        frames.notes.select(ITEM_KEY, "code"), on=[ITEM_KEY, "code"], how="anti"
    )
    return replace(frames, notes=pl.concat([frames.notes.select(added.columns), added]))


def _counts(manifest: Mapping[str, Any], *, waiting: int) -> Counts:
    """Give the counts of the manifest, where what waits for a person is counted as rejected."""
    counts = manifest.get("counts", {})

    def count(name: str) -> int:
        return int(counts.get(name, 0))

    return Counts(
        listed=count("items"),
        rendered=count("rendered"),
        rejected=count("rejected") - waiting,
        already_booked=count("already_booked"),
        nothing_to_book=count("nothing_to_book"),
        skipped=count("skipped"),
        vouchers=count("vouchers"),
        postings=count("postings"),
        waiting=waiting,
    )


# ── the verdict in words ────────────────────────────────────────────────────────────────────


def _state(control: Control, counts: Counts, *, has_notes: bool) -> State:
    if not all(check.holds for check in control.checks):
        return "stop"
    return "look" if counts.rejected or counts.waiting or has_notes else "good"


def _headline(state: State, counts: Counts, *, control: Control, reverses: int | None) -> str:
    said = _found(state, counts, control=control)
    if reverses is None:
        return said
    return f"Reversal of batch {reverses}: {said[:1].lower()}{said[1:]}"


def _found(state: State, counts: Counts, *, control: Control) -> str:
    if state == "stop":
        failed = sum(1 for check in control.checks if not check.holds)
        return f"Do not import this: {counted(failed, 'check')} failed"
    if counts.waiting and not counts.rendered:
        return f"{_of_all(counts.waiting, counts)} {_verb(counts.waiting, 'wait')} for your answer"
    if not counts.rendered:
        return "Nothing to import"
    waiting = ""
    if counts.waiting:
        waiting = f", {counts.waiting} {_verb(counts.waiting, 'wait')} for your answer"
    return f"{_of_all(counts.rendered, counts)} {_is(counts.rendered)} in the file{waiting}"


def _of_all(count: int, counts: Counts) -> str:
    """Name some of the listed items, or all of them."""
    if count < counts.listed:
        return f"{count} of {counts.listed} items"
    return f"All {count} items" if count > 1 else "The item"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _verb(count: int, plural: str) -> str:
    return f"{plural}s" if count == 1 else plural


def _sentences(
    counts: Counts,
    control: Control,
    *,
    notes: Sequence[NoteGroup],
    stopped: Sequence[Cause],
    reverses: int | None,
) -> tuple[str, ...]:
    holding = sum(1 for check in control.checks if check.holds)
    found = [f"{holding} of {len(control.checks)} checks hold"]
    if reverses is not None:
        found.insert(0, f"It takes back what batch {reverses} booked; Pleo is told nothing of it")
    if counts.waiting:
        were, they = ("was", "it is") if counts.waiting == 1 else ("were", "they are")
        found.append(
            f"{counted(counts.waiting, 'item')} {were} booked before: say whether {they} booked"
            " already, or to be booked again"
        )
    if counts.rejected:
        verb = "was" if counts.rejected == 1 else "were"
        by = counted(len(stopped), "cause")
        found.append(f"{counted(counts.rejected, 'item')} {verb} rejected, for {by}")
    blocking = sum(1 for group in notes if group.is_blocking)
    if blocking:
        found.append(f"{counted(blocking, 'question')} must be answered")
    if others := len(notes) - blocking:
        remark = "more remark" if blocking else "remark"
        found.append(f"{counted(others, remark)} to look at")
    return tuple(found)


# ── identity and places ─────────────────────────────────────────────────────────────────────


def _identity(manifest: Mapping[str, Any], company: str, *, reverses: int | None) -> Identity:
    batch = manifest.get("batch", {})
    template = manifest.get("template", {})
    mapping = manifest.get("mapping", {})
    recipe = manifest.get("recipe", {})
    numbers = manifest.get("numbers", {})
    parameters = manifest.get("parameters", {})
    hashes = [
        ("content", manifest.get("content")),
        ("input", manifest.get("input", {}).get("sha256")),
        ("recipe", recipe.get("sha256")),
        *sorted((f"recipe: {name}", value) for name, value in recipe.get("parts", {}).items()),
    ]
    return Identity(
        batch_id=str(batch.get("id") or ""),
        batch_number=str(batch.get("number") or ""),
        company=company or str(batch.get("company") or ""),
        job=str(batch.get("job") or ""),
        created=str(batch.get("created") or ""),
        template=f"{template.get('id', '')} {template.get('version', '')}".strip(),
        mapping=str(mapping.get("name") or ""),
        content=str(manifest.get("content") or ""),
        parameters=tuple(
            (str(name), "not given" if parameters[name] is None else str(parameters[name]))
            for name in sorted(parameters)
        ),
        first_voucher=str(numbers.get("first_voucher") or ""),
        last_voucher=str(numbers.get("last_voucher") or ""),
        hashes=tuple((name, str(value)) for name, value in hashes if value),
        lines=int(manifest.get("input", {}).get("lines", 0)),
        reverses=reverses,
    )


def _placed(
    manifest: Mapping[str, Any],
    rows: pl.DataFrame | None,
    shown: Sequence[FileView],
    *,
    frames: BatchFrames,
    chosen: Chosen,
) -> dict[int, tuple[FileRows, ...]]:
    """Give the file lines of the items whose vouchers are shown in full."""
    wanted = frames.items.select(ITEM_KEY, "item.id").join(
        chosen.full.select(ITEM_KEY).unique(), on=ITEM_KEY, how="semi"
    )
    begun = _rows_of_manifest(manifest, wanted) if rows is None else rows
    return _item_rows(begun, shown, wanted=wanted)


def _rows_of_manifest(manifest: Mapping[str, Any], wanted: pl.DataFrame) -> pl.DataFrame:
    """Give the lines that the manifest names for the wanted items: item.key, file, row."""
    keys = dict(wanted.select("item.id", ITEM_KEY).rows())
    found = [
        (keys[entry["id"]], part["file"], row)
        for entry in manifest.get("items", ())
        if entry["id"] in keys
        for part in entry.get("rows", ())
        for row in part["rows"]
    ]
    schema = {ITEM_KEY: pl.UInt32, "file": pl.String, "row": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _item_rows(
    rows: pl.DataFrame, shown: Sequence[FileView], *, wanted: pl.DataFrame
) -> dict[int, tuple[FileRows, ...]]:
    """Give the file lines of the wanted items, with the anchor of those that the page shows."""
    anchors = {(file.name, row.number): row.anchor for file in shown for row in file.rows}
    by_file = (
        rows.join(wanted.select(ITEM_KEY), on=ITEM_KEY, how="semi")
        .sort(ITEM_KEY, "file", "row")
        .group_by(ITEM_KEY, "file", maintain_order=True)
        .agg(pl.col("row").head(MAX_FILE_ROWS))
    )
    found: dict[int, tuple[FileRows, ...]] = {}
    for key, file, numbers in by_file.iter_rows():
        part = FileRows(file, tuple((row, anchors.get((file, row))) for row in numbers))
        found[key] = (*found.get(key, ()), part)
    return found
