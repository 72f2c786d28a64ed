"""Where a value comes from, in words: what is empty is said so."""

from __future__ import annotations

import re

from etl.review.cells import TracedCell, TracedRow, TracedSource
from etl.review.tracing import Trace
from etl.review.web.pages import write


def _source(name: str, value: str | None, origin: str) -> TracedSource:
    return TracedSource(name, value, origin, None, None, None, None, ())


def test_what_pleo_left_empty_is_said_to_be_empty_there() -> None:
    cell = TracedCell(
        "type", "card_purchase", "{{ [item.type, item.sub_type] | join('/') }}", "template.yaml:77",
        (
            _source("item.type", "card_purchase", "Pleo"),
            _source("item.sub_type", None, "Pleo"),
            _source("voucher.vendor.name", None, "the mapping's vendors"),
        ),
    )  # fmt: skip
    row = TracedRow("pleo_1.journal", 18, "2", None, "head of the voucher", "r", "p", None, (cell,))
    trace = Trace(
        item_id="a", verdict="exported", item=None, vouchers=(), rows=(row,), receipts=(),
        refusals=(), remarks=(),
    )  # fmt: skip
    page = write("trace.html.j2", {"trace": trace, "base": "", "batch_id": "b"})
    said = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "pleo_1.journal, line 18: head of the voucher" in said
    assert "item.type = card_purchase , from Pleo" in said
    assert "item.sub_type = empty in Pleo" in said
    assert "voucher.vendor.name = empty , from the mapping's vendors" in said.replace("&#39;", "'")
    assert "not read" not in said
