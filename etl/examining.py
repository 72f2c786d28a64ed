"""All problems of an item at once: later stages look at what earlier stages have refused.

check ─ refused ─> posting rules ─ refused ─> mapping ─> forms and currency
                                    └── rejections only: nothing of this is ever rendered ──┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from etl.conversion import Booked, Recipe, rule_texts
from etl.findings import join_findings, no_notes, no_rejections, note, without
from etl.frames import ITEM_KEY, NOTES, empty
from etl.items import Checked, CompanyFacts, Ingested, attach, check
from etl.mapping import LoadedMapping, Mapped, map_lines
from etl.postings import Assigned, assign_rules, make_postings, make_vouchers
from etl.rendering import Template, assign_forms
from etl.rendering.contexts import dimensions_of, targets_of
from etl.review import TYPES_WITH_RECEIPT, find_fallbacks, find_remarks

#: What stages after the mapping say that does not follow from an earlier problem.
_OF_ITS_OWN = ("CELL-1", "CUR-1")


def check_items(ingested: Ingested, mapping: LoadedMapping) -> Checked:
    """Check items as the mapping wants it: its company, its currencies, its receipts."""
    company = mapping.company
    return check(
        ingested,
        CompanyFacts(company.id, company.time_zone, company.currency),
        amounts_in_hundredths=mapping.amounts_in_hundredths,
        types_with_receipt=TYPES_WITH_RECEIPT if mapping.receipts_required else (),
    )


@dataclass(frozen=True, slots=True)
class _Refused:
    items: pl.DataFrame
    lines: pl.DataFrame

    def by_key(self) -> _Refused:
        return _Refused(self.items.sort(ITEM_KEY), self.lines.sort(ITEM_KEY, "line.number"))


def look_further(
    checked: Checked,
    assigned: Assigned,
    *,
    attachments: pl.DataFrame,
    recipe: Recipe,
    constants: dict[str, object],
) -> pl.DataFrame:
    """Find what posting rules, mapping and forms have to say of items that were refused before.

    Needs: the results of the checks and of the posting rules; attachments of all items.
    Gives: further rejections, of items that are rejected already.
    """
    if checked.refused_items.is_empty() and assigned.refused_items.is_empty():
        return no_rejections()
    again = assign_rules(checked.refused_items, checked.refused_lines, recipe.rules)
    refused = _Refused(
        pl.concat([again.items, again.refused_items, assigned.refused_items]),
        pl.concat([again.lines, again.refused_lines, assigned.refused_lines]),
    ).by_key()
    mapped = map_lines(
        attach(refused.items, attachments),
        refused.lines,
        recipe.mapping,
        targets=targets_of(recipe.template.document),
    )
    later = _post(mapped, recipe, constants=constants)
    return join_findings([again.rejections, mapped.rejections, later])


def _post(mapped: Mapped, recipe: Recipe, *, constants: dict[str, object]) -> pl.DataFrame:
    """Ask for form and currency; amounts that contradict each other are told of already."""
    currency = recipe.mapping.company.currency
    made = make_vouchers(
        mapped.items,
        mapped.lines,
        recipe.rules,
        company_currency=currency,
        single_currency=recipe.is_single_currency,
    )
    formed, formless = assign_forms(
        made.vouchers, mapped.items, recipe.template, constants=constants
    )
    posted = make_postings(
        formed,
        made.entries,
        mapped.items,
        mapped.lines,
        forms={row.form.name: row.form for row in recipe.template.document.rows},
        single_currency=recipe.is_single_currency,
        company_currency=currency,
    )
    found = join_findings([formless, without(posted.rejections, formless)])
    return found.filter(pl.col("code").is_in(_OF_ITS_OWN))


def note_left_out(mapped: Mapped, template: Template) -> pl.DataFrame:
    """Say which dimensions the mapping gives and the template has no place for.

    A cost centre that is lost on the way is not seen in the ERP either, so the review names it.
    """
    if any("objects" in text for text, _ in template.layouts.values()):
        return no_notes()  # such a layout writes every dimension there is, by its name
    printed = {f"dimension.{name}" for name in dimensions_of(template.document)}
    lost = [
        name
        for name in mapped.lines.columns
        if name.startswith("dimension.") and name not in printed
    ]
    notes = [no_notes()]
    for name in lost:
        of_items = (
            mapped.lines.filter(pl.col(name).is_not_null())
            .group_by(ITEM_KEY, maintain_order=True)
            .agg(pl.col(name).unique(maintain_order=True).str.join(", "))
            .join(mapped.items.select(ITEM_KEY, "item.id"), on=ITEM_KEY, validate="1:1")
        )
        detail = pl.format(
            "{} of dimension {} is not in the file: the template has no place for it",
            name, pl.lit(name.removeprefix("dimension.")),
        )  # fmt: skip
        notes.append(note(of_items, "DIMENSION-LEFT-OUT", detail))
    return join_findings(notes)


def with_remarks(booked: Booked, recipe: Recipe) -> Booked:
    """Add what the review remarks about the items that stay in the batch, and about the mapping."""
    in_batch = booked.items.join(
        booked.vouchers.select(ITEM_KEY).unique(), on=ITEM_KEY, how="semi", maintain_order="left"
    )
    ignored = pl.DataFrame(
        [
            (warning.code, f"{warning.what} ({warning.where})")
            for warning in recipe.mapping.warnings
        ],
        schema={"code": pl.String(), "detail": pl.String()},
        orient="row",
    )
    about_mapping = pl.concat([empty(NOTES), ignored], how="diagonal")
    fallbacks = find_fallbacks(
        in_batch, booked.lines, postings=booked.postings, rules=rule_texts(recipe)
    )
    found = [booked.notes, find_remarks(in_batch), fallbacks, about_mapping]
    return replace(booked, notes=join_findings(found))
