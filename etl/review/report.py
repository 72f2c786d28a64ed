"""The review as one HTML file: no network, no script, nothing that came from outside runs.

The only template is report.html.j2 in this folder; all values are data to it and are escaped.
The page's policy forbids everything but its own style, named by hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from etl.review.charts import count_bars, day_bars, shares_of
from etl.review.marks import IN_FILE, IN_TEXT, name_of, sign_of
from etl.review.model import ReviewView
from etl.review.opening import opening
from etl.review.words import WITH_TAX, with_gaps
from etl.sentences import counted

MAX_TEXT = 600
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")


def render_report(view: ReviewView) -> str:
    """Write the review of a batch as one self-contained HTML page.

    Gives: the same text for the same view.
    """
    style = resource("report.css")
    digest = hashlib.sha256(style.encode()).digest()
    return _template().render(
        **context_of(view),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(digest).decode(),
    )


def context_of(view: ReviewView) -> dict[str, Any]:
    """Give what the page's sections read: the view, and what is drawn from it."""
    return {
        "view": view,
        "opening": opening(view),
        "places": {group.name: place for place, group in enumerate(view.notes)},
        "count_bars": count_bars(view.counts),
        "type_shares": shares_of(view.control.types),
        "day_bars": day_bars(view.control.days, view.control.days_unit),
    }


@cache
def _template() -> Template:
    return environment_of().from_string(resource("report.html.j2"))


def environment_of(loader: BaseLoader | None = None) -> Environment:
    """Give what renders pages of a review: every value is escaped, and written as values are."""
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,  # the page is written once: folding constants costs more than it saves
    )
    environment.filters.update(
        money=money,
        count=count,
        shown=shown,
        raw=raw,
        size=size,
        sentence=sentence,
        told=told,
    )
    environment.globals["with_tax"] = WITH_TAX
    return environment


@cache
def resource(name: str) -> str:
    """Give the text of a file of this folder."""
    return files("etl.review").joinpath(name).read_text(encoding="utf-8")


# ── how values are written ──────────────────────────────────────────────────────────────────


def money(amount: Decimal | None) -> Markup:
    """Write an amount with its thousands apart; the gap is style, so a copy has plain digits."""
    if amount is None:
        return Markup("")
    return Markup(_money(amount))  # noqa: S704 - digits only


def _money(amount: Decimal) -> str:
    whole, point, fraction = f"{amount:f}".partition(".")
    return f"{_grouped(whole)}{point}{fraction}"


def count(number: int) -> Markup:
    """Write a count with its thousands apart."""
    return Markup(_grouped(str(number)))  # noqa: S704 - digits only


def _grouped(whole: str) -> str:
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    head = len(digits) % 3 or 3
    rest = "".join(f"<i>{digits[at : at + 3]}</i>" for at in range(head, len(digits), 3))
    return f"{sign}{digits[:head]}{rest}"


def told(text: str) -> Markup:
    """Write a sentence of ours, which may name texts from outside, its amounts as amounts stand."""
    return Markup(with_gaps(str(shown(text)), _money))  # noqa: S704 - escaped above


def shown(text: object, limit: int = MAX_TEXT) -> Markup:
    """Write a text from outside: escaped, invisible characters marked, very long ones cut."""
    whole = str(text)
    cut = whole[:limit]
    written = _marked(cut, IN_TEXT)
    if len(whole) > limit:
        more = f"… {counted(len(whole) - limit, 'more character')}"
        written += Markup('<span class="more">{}</span>').format(more)
    if _RIGHT_TO_LEFT.search(cut):
        return Markup("<bdi>{}</bdi>").format(written)
    return written


def raw(text: str) -> Markup:
    """Write a line of a file with everything that has no shape of its own marked."""
    return _marked(text, IN_FILE)


def _marked(text: str, pattern: re.Pattern[str]) -> Markup:
    if not pattern.search(text):
        return escape(text)
    parts: list[Markup] = []
    end = 0
    for hit in pattern.finditer(text):
        parts.append(escape(text[end : hit.start()]))
        character = hit.group()
        parts.append(
            Markup('<span class="inv" title="{}">{}</span>').format(
                name_of(character), sign_of(character)
            )
        )
        end = hit.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def size(number: int) -> str:
    """Write a number of bytes for people."""
    if number < 1000:
        return f"{number} bytes"
    for unit in ("kB", "MB"):
        number_of = Decimal(number) / (1000 if unit == "kB" else 1_000_000)
        if number_of < 1000 or unit == "MB":
            return f"{number_of:.1f} {unit}"
    raise AssertionError(number)


def sentence(text: str) -> str:
    """Begin a text with a capital letter, as a heading does."""
    return text[:1].upper() + text[1:]
