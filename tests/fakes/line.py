"""A line that needs no template and no mapping: milliseconds for a batch, for tests of the flow.

It keeps what the protocol relies on: a recipe that is stored and decides the bytes, one voucher
per item, verdicts, blocking notes, a sealed manifest, and the same bytes from the same input.

An item whose note begins with `ask` carries a blocking note. An item with a line that has no
account is failed. The file: voucher, item, account, debit, credit, currency, text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from etl import files
from etl.batches.manifest import MANIFEST, Made, Manifest, Total
from etl.batches.recipe import Recipe, hash_document
from etl.batches.verdicts import Counts
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.live.line import BatchFacts, Contents, Decisions, ItemOutcome, Remarks, Reversed
from etl.live.stored import StoredFile

RECIPE = "recipe.json"
BLOCKING = "ASKED"
HEADER = "voucher,item,account,debit,credit,currency,text\n"


@dataclass(frozen=True)
class QuickRevision:
    """What a Revision is to the protocol."""

    content: str
    recipe: str
    input: str
    counts: Counts
    totals: Sequence[Total]
    items: tuple[ItemOutcome, ...]
    last_vouchers: Mapping[str, int]
    blocking: tuple[tuple[str, tuple[str, ...]], ...]
    files: Sequence[Made]
    manifest: bytes = field(repr=False)
    remarks: Remarks = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return self.counts.rendered == 0

    @property
    def hashes(self) -> dict[str, str]:
        """Give name and hash of every file that `write` writes."""
        made = (*self.files, Made(MANIFEST, self.manifest))
        return {file.name: files.sha256(file.content) for file in made}

    def write(self, folder: Path) -> None:
        """Write the files, the manifest last, as a real revision does."""
        files.make_private_folder(folder)
        for file in (*self.files, Made(MANIFEST, self.manifest)):
            files.write_atomic(folder / file.name, file.content)

    def write_view(self, path: Path) -> str:
        """Store a view that nobody can look at."""
        files.write_private(path, b"no view")
        return files.sha256(b"no view")


@dataclass
class _Booking:
    """What is gathered while items are booked one after the other."""

    voucher: int
    text: str
    rows: list[str] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[ItemOutcome] = field(default_factory=list)
    total: dict[str, Decimal] = field(default_factory=dict)
    skipped: int = 0


class QuickLine:
    """The line of a company whose settings are a dictionary: `text`, `vendors`, `version`."""

    per_fiscal_year = False

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.settings: dict[str, Any] = {"text": "T", "vendors": False, **(settings or {})}

    def store_recipe(self, folder: Path) -> None:
        files.make_private_folder(folder)
        files.write_private(folder / RECIPE, json.dumps(self.settings, sort_keys=True).encode())

    def supports_vendor_bookkeeping(self, recipe: Path) -> bool:
        return bool(_read_recipe(recipe)["vendors"])

    def render(
        self,
        recipe: Path,
        *,
        items: Sequence[bytes],
        files: Sequence[StoredFile],
        contents: Contents,
        facts: BatchFacts,
        decisions: Decisions,
    ) -> QuickRevision:
        settings = _read_recipe(recipe)
        first = facts.first_vouchers[""]
        booking = _Booking(first, settings["text"])
        asked = []
        for item in sorted((read_json(raw) for raw in items), key=_identity):
            if str(item.get("note") or "").startswith("ask"):
                asked.append(_identity(item))
            _book(booking, item, decisions, number=facts.number)
        open_notes = [entry for entry in asked if entry not in decisions.failed
                      and entry not in decisions.rejected]  # fmt: skip
        is_open = open_notes and BLOCKING not in decisions.answered
        blocking = ((BLOCKING, tuple(open_notes)),) if is_open else ()
        return _finish(booking, settings, facts, first=first, blocking=blocking, items=items)

    def reverse(
        self, recipe: Path, *, items: Sequence[bytes], facts: BatchFacts, of: Reversed
    ) -> QuickRevision:
        settings = _read_recipe(recipe)
        first = facts.first_vouchers[""]
        booking = _Booking(first, f"reversal of {of.number}")
        for item in sorted((read_json(raw) for raw in items), key=_identity):
            if _identity(item) in of.fingerprints:
                _book(booking, item, Decisions(), number=facts.number, is_mirrored=True)
        return _finish(
            booking, settings, facts, first=first, blocking=(), items=items, reverses=of.id
        )


def _identity(item: Mapping[str, Any]) -> str:
    return str(item["accountingEntryId"])


def _read_recipe(recipe: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = read_json((recipe / RECIPE).read_bytes())
    except OSError:
        what, fix = "the stored recipe is missing", "discard the batch and run again"
        raise UserMustFix(Problem("LINE-1", what, recipe.name, fix)) from None
    return settings


def _legs(item: Mapping[str, Any]) -> list[tuple[str, Decimal]] | None:
    legs = []
    for line in item["accountingEntryLines"]:
        if line["account"] is None:
            return None
        amount = Decimal(line["lineAmount"]["inWalletCurrency"]["value"]).scaleb(-2)
        legs.append((str(line["account"]["code"]), amount))
    return legs


def _book(
    booking: _Booking,
    item: Mapping[str, Any],
    decisions: Decisions,
    *,
    number: int,
    is_mirrored: bool = False,
) -> None:
    entry, legs = _identity(item), _legs(item)
    currency = item["amount"]["inWalletCurrency"]["currency"]
    fingerprint = None if legs is None else hash_document([entry, currency, str(legs)])
    if entry in decisions.skipped:
        booking.skipped += 1
        booking.listed.append({"id": entry, "verdict": "skipped", "external_id": None,
                               "vouchers": [], "rows": []})  # fmt: skip
        booking.outcomes.append(ItemOutcome(entry, "skipped", None, None, None, (), fingerprint))
        return
    failure = _failure(entry, legs, decisions)
    if failure is not None:
        kind, reason = failure
        booking.listed.append({"id": entry, "verdict": "failed", "failure_type": kind,
                               "failure_reason": reason, "vouchers": [], "rows": [],
                               "where": "item"})  # fmt: skip
        booking.outcomes.append(ItemOutcome(entry, "failed", None, kind, reason, (), fingerprint))
        return
    if entry in decisions.already_booked:
        external = decisions.already_booked[entry]
        vouchers: tuple[int, ...] = ()
    else:
        external, vouchers = f"{number}/{booking.voucher}", (booking.voucher,)
        _print(booking, entry, legs or [], currency=currency, is_mirrored=is_mirrored)
    booking.listed.append({"id": entry, "verdict": "exported", "external_id": external,
                           "vouchers": [str(v) for v in vouchers], "rows": []})  # fmt: skip
    booking.outcomes.append(
        ItemOutcome(entry, "exported", external, None, None, vouchers, fingerprint)
    )


def _failure(
    entry: str, legs: list[tuple[str, Decimal]] | None, decisions: Decisions
) -> tuple[str, str] | None:
    if entry in decisions.rejected:
        return "validation_failure", decisions.rejected[entry]
    if entry in decisions.failed:
        refused = decisions.failed[entry]
        return refused.failure_type, f"{refused.message} – {refused.fix}"
    if legs is None:
        return "missing_configuration", "the line has no account – choose a category in Pleo"
    return None


def _print(
    booking: _Booking,
    entry: str,
    legs: list[tuple[str, Decimal]],
    *,
    currency: str,
    is_mirrored: bool,
) -> None:
    total = sum((amount for _account, amount in legs), Decimal(0))
    for account, signed in [*legs, ("1360", -total)]:
        amount = -signed if is_mirrored else signed
        debit, credit = (amount, "") if amount >= 0 else ("", -amount)
        booking.rows.append(f"{booking.voucher},{entry},{account},{debit},{credit},{currency},"
                            f"{booking.text}\n")  # fmt: skip
    booking.total[currency] = booking.total.get(currency, Decimal(0)) + total
    booking.voucher += 1


def _finish(
    booking: _Booking,
    settings: Mapping[str, Any],
    facts: BatchFacts,
    *,
    first: int,
    blocking: tuple[tuple[str, tuple[str, ...]], ...],
    items: Sequence[bytes],
    reverses: str | None = None,
) -> QuickRevision:
    vouchers = booking.voucher - first
    is_rendered = bool(vouchers)
    totals = [Total(currency, str(amount), str(amount))
              for currency, amount in sorted(booking.total.items())]  # fmt: skip
    content = (HEADER + "".join(booking.rows)).encode()
    made = [Made(f"journal_{facts.number}.csv", content, len(booking.rows), totals)]
    made = made if is_rendered else []
    failed = sum(outcome.verdict == "failed" for outcome in booking.outcomes)
    count = len(booking.outcomes)
    counts = Counts(
        items=count, rendered=vouchers, rejected=failed, skipped=booking.skipped,
        already_booked=count - vouchers - failed - booking.skipped, nothing_to_book=0,
        vouchers=vouchers, postings=len(booking.rows),
    )  # fmt: skip
    sha256 = files.sha256(content)
    named = hash_document([[sha256 if is_rendered else "", facts.number], booking.listed])
    recipe = Recipe({"settings": hash_document(dict(settings))})
    fed = hash_document(sorted(files.sha256(item) for item in items))
    last = {"": booking.voucher - 1} if is_rendered else {}
    created = facts.job_created.isoformat() if facts.job_created else None
    manifest = Manifest(
        batch={"id": facts.id, "number": facts.number, "company": settings.get("company", ""),
               "job": facts.job_id, "created": created}
        | ({} if reverses is None else {"reverses": reverses}),
        template={"id": "quick", "version": 1, "sha256": recipe.sha256},
        mapping={"name": "quick.yaml", "sha256": recipe.sha256}, parameters={},
        recipe=recipe,
        numbers={"first_voucher": first if is_rendered else None,
                 "last_voucher": last.get("")},
        input={"sha256": fed, "items": count, "lines": count}, content=named, counts=counts,
        totals=totals, controls={}, notes=[], files=made,
        items=pl.Series("items", [json.dumps(one, sort_keys=True) for one in booking.listed],
                        dtype=pl.String),
        attachments=pl.Series("attachments", [], dtype=pl.String),
        read_back={"ok": True, "rows": len(booking.rows)},
    ).write([])  # fmt: skip
    return QuickRevision(
        named,
        recipe.sha256,
        fed,
        counts,
        totals,
        tuple(booking.outcomes),
        last,
        blocking,
        made,
        manifest,
    )
