"""A small batch as lists of finished cells: two vouchers, four postings."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.rendering.layouts import LayoutNames

NAMES = LayoutNames(
    records={
        "head": ("date",),
        "ver": ("date", "text"),
        "trans": ("account", "amount", "text"),
        "objekt": ("dim", "code"),
        "row": ("Konto", "Gegenkonto (ohne BU-Schlüssel)"),
    },
    carried={
        "file": frozenset({"head"}),
        "vouchers": frozenset({"head", "ver"}),
        "postings": frozenset({"head", "ver", "trans", "row"}),
        "posting.objects": frozenset({"objekt"}),
        "objects": frozenset({"objekt"}),
    },
)


def table(keys: Mapping[str, list[int]], cells: Mapping[str, list[str | None]]) -> pl.DataFrame:
    """Make a list from its keys and its cells."""
    return pl.DataFrame(
        {
            **{name: pl.Series(values, dtype=pl.UInt32) for name, values in keys.items()},
            **{name: pl.Series(values, dtype=pl.String) for name, values in cells.items()},
        }
    )


def batch() -> dict[str, pl.DataFrame]:
    """Give a batch of one file: a voucher of three postings and one of one."""
    head = {"head.date": ["20260301"]}
    vouchers = {"ver.date": ["20260302", "20260303"], "ver.text": ["Taxi", "Hotel"]}
    first = [0, 0, 0, 1]
    postings = {
        "trans.account": ["4663", "1575", "1360", "4660"],
        "trans.amount": ["100.00", "19.00", "-119.00", "50.00"],
        "trans.text": ["taxi", "tax", None, "hotel"],
        "trans": ["4663;100.00", "1575;19.00", "1360;-119.00", "4660;50.00"],
        "row": ["a", "b", "c", "d"],
        "row.Konto": ["4663", "1575", "1360", "4660"],
        "row.Gegenkonto (ohne BU-Schlüssel)": ["1", "2", "3", "4"],
        "ver.date": [vouchers["ver.date"][at] for at in first],
        "ver.text": [vouchers["ver.text"][at] for at in first],
        "head.date": head["head.date"] * 4,
    }
    lists = {
        "file": table({"file.key": [0]}, {**head, "row.names": ["Konto;Gegenkonto"]}),
        "vouchers": table(
            {"file.key": [0, 0], "voucher.key": [7, 9]},
            {**vouchers, "head.date": head["head.date"] * 2},
        ),
        "postings": table(
            {"file.key": [0] * 4, "voucher.key": [7, 7, 7, 9], "posting.key": [11, 12, 13, 14]},
            postings,
        ).with_columns(pl.Series("posting.is_contra", [False, False, True, None])),
        "posting.objects": table(
            {"posting.key": [11, 11, 14]},
            {"objekt.dim": ["1", "6", "1"], "objekt.code": ["Nord", "P7", "Süd"]},
        ),
        "objects": table({"file.key": []}, {"objekt.dim": [], "objekt.code": []}),
    }
    return lists
