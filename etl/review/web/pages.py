"""Write the pages: the sections of the report, with what a person can do added to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment

from etl.review.drawer import ItemLine
from etl.review.model import ReviewView
from etl.review.report import context_of, environment_of, resource

_OWN = (
    "parts.html.j2", "review.html.j2", "shell.html.j2", "vouchers.html.j2", "rows.html.j2",
    "trace.html.j2", "history.html.j2", "plain.html.j2", "frame.html.j2", "difference.html.j2",
    "changed.html.j2",
)  # fmt: skip


@cache
def _environment() -> Environment:
    texts = {name: own(name) for name in _OWN}
    made = environment_of(DictLoader({**texts, "report.html.j2": resource("report.html.j2")}))
    made.globals["sums"] = sums
    return made


def sums(items: Mapping[str, ItemLine], entries: Sequence[str]) -> list[tuple[str, Decimal]]:
    """Add up the amounts of some items, per currency."""
    found: dict[str, Decimal] = {}
    for one in (items[entry] for entry in entries if entry in items):
        if one.amount is not None:
            found[one.currency] = found.get(one.currency, Decimal()) + one.amount
    return sorted(found.items())


@cache
def own(name: str) -> str:
    """Give the text of a file of this folder."""
    return files("etl.review.web").joinpath(name).read_text(encoding="utf-8")


def style() -> str:
    """Give the style of all pages: the report's, and what the local page adds."""
    return resource("report.css") + own("page.css")


def prepare() -> None:
    """Read the templates of a batch's page, which takes a while, the first time."""
    for name in ("review.html.j2", "report.html.j2", "parts.html.j2"):
        _environment().get_template(name)


def write(name: str, values: Mapping[str, Any], *, view: ReviewView | None = None) -> str:
    """Write a page, or a part of one."""
    sections = {} if view is None else context_of(view)
    return _environment().get_template(name).render({**sections, **values})
