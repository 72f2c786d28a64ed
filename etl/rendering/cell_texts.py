"""What the cells of text and XML files say, for explanations: their lines cannot be taken apart."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.frames import KEY, POSTING_KEY
from etl.rendering.contexts import Context
from etl.rendering.outcome import FileSource

#: Postings up to which texts are kept; those of more would be too large.
MOST_POSTINGS = 100_000
_CONTEXTS = (Context.VOUCHER, Context.POSTING)


def cell_texts(sources: Sequence[FileSource]) -> pl.DataFrame:
    """Give the finished text of each cell of vouchers and postings that a layout arranges.

    Gives: posting.key, and a column `<file>.<record>.<number>` for each cell; no rows for files
    of more than MOST_POSTINGS.
    """
    tables = [pl.DataFrame(schema={POSTING_KEY: KEY})]
    for source in sources:
        plan, sheets = source.plan, source.sheets
        count = sheets.material.postings.height
        if plan.layout is None or plan.spec.companion or not 0 < count <= MOST_POSTINGS:
            continue
        records = [one for one in plan.records.values() if one.context in _CONTEXTS]
        names = {
            cell.key: f"{plan.key}.{record.name}.{cell.number}"
            for record in records
            for cell in sheets.cells(record)
        }
        chosen = [pl.col(POSTING_KEY), *(pl.col(key).alias(name) for key, name in names.items())]
        tables += [one.select(chosen) for one in sheets.slices(Context.POSTING, records)]
    return pl.concat(tables, how="diagonal")
