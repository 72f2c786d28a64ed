"""Pages of records: cursors, offset, limit and sorting, as every list of Pleo has them.

A cursor names a record, not a place, so that a page stays right when records before it change.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from etl.pleo.sandbox.answers import bad_request

Record = dict[str, Any]

DEFAULT_LIMIT = 50
MAX_OFFSET = 2**63 - 1
_CURSOR = re.compile(r"[A-Z2-7=~]+")
_NUMBER = re.compile(r"[0-9]{1,19}")
_ORDERS = ("ASC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC", "DESC_NULLS_FIRST",
           "DESC_NULLS_LAST")  # fmt: skip
_ONE = ("after", "before", "offset", "limit")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller wants of a list."""

    after: str | None
    before: str | None
    offset: int | None
    limit: int
    sorting: tuple[tuple[str, str], ...]
    echo: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be paged: all records, which of them are wanted, and how they are named."""

    records: Sequence[Record]
    key: str
    sortable: Sequence[str]
    is_wanted: Callable[[Record], bool] = lambda _record: True


def read_page_request(
    query: Mapping[str, Sequence[str]], sortable: Sequence[str], *, largest: int
) -> PageRequest:
    """Read the paging arguments.

    Raises: Refused (400) where the description is not kept to.
    """
    for name in _ONE:
        if len(query.get(name, ())) > 1:
            raise bad_request(f"{name} is given more than once")
    one = {name: query[name][0] for name in _ONE if query.get(name)}
    if len(one.keys() & {"after", "before", "offset"}) > 1:
        raise bad_request("after, before and offset exclude one another")
    numbers = {name: _number(name, one[name]) for name in ("limit", "offset") if name in one}
    # what a limit of 0 means is not stated; here the server chooses then
    limit = min(numbers.get("limit") or min(DEFAULT_LIMIT, largest), largest)
    sorting = _sorting(query, sortable)
    echo: dict[str, Any] = {
        "parameters": {name: list(values) for name, values in query.items()}, "limit": limit,
    }  # fmt: skip
    echo |= {name: one[name] for name in ("after", "before") if name in one}
    if "offset" in numbers:
        echo["offset"] = numbers["offset"]
    if sorting:
        echo["sortingKeys"] = [key for key, _order in sorting]
        echo["sortingOrder"] = [order for _key, order in sorting]
    return PageRequest(
        _record_of(one.get("after")), _record_of(one.get("before")), numbers.get("offset"),
        limit, sorting, echo,
    )  # fmt: skip


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_OFFSET:
        raise bad_request(f"{name} is not a whole number from 0")
    return int(text)


def _sorting(
    query: Mapping[str, Sequence[str]], sortable: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    keys, orders = query.get("sorting_keys", ()), query.get("sorting_order", ())
    if orders and len(keys) != len(orders):
        raise bad_request("sorting_order needs exactly one value per sorting key")
    for key in keys:
        if key not in sortable:
            raise bad_request(f"sorting_keys has none of: {', '.join(sortable)}")
    for order in orders:
        if order not in _ORDERS:
            raise bad_request(f"sorting_order has none of: {', '.join(_ORDERS)}")
    return tuple(zip(keys, orders or ["ASC"] * len(keys), strict=True))


def cursor_of(name: str) -> str:
    """Give the cursor of a record."""
    return base64.b32encode(name.encode()).decode()


def _record_of(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        if _CURSOR.fullmatch(cursor):
            return base64.b32decode(cursor).decode()
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise bad_request("a cursor is not one of ours")


def take_page(listing: Listing, wanted: PageRequest) -> dict[str, Any]:
    """Give one page as Pleo writes it: data and pagination."""
    ordered = _ordered(listing, wanted.sorting)
    places = {record[listing.key]: place for place, record in enumerate(ordered)}
    kept = [place for place, record in enumerate(ordered) if listing.is_wanted(record)]
    chosen = _chosen(kept, places, wanted)
    data = [ordered[place] for place in chosen]
    pagination: dict[str, Any] = {
        "currentRequestPagination": wanted.echo,
        "hasNextPage": kept[-1] > chosen[-1] if chosen else bool(kept and wanted.before),
        "hasPreviousPage": kept[0] < chosen[0] if chosen else bool(kept and not wanted.before),
        "total": len(kept),
    }
    if data:
        pagination["startCursor"] = cursor_of(data[0][listing.key])
        pagination["endCursor"] = cursor_of(data[-1][listing.key])
    return {"data": data, "pagination": pagination}


def _chosen(kept: list[int], places: Mapping[str, int], wanted: PageRequest) -> list[int]:
    cursor = wanted.after or wanted.before
    if cursor is not None and cursor not in places:
        raise bad_request("a cursor is not one of this list")
    if wanted.after is not None:
        return [place for place in kept if place > places[wanted.after]][: wanted.limit]
    if wanted.before is not None:
        return [place for place in kept if place < places[wanted.before]][-wanted.limit :]
    start = wanted.offset or 0
    return kept[start : start + wanted.limit]


def _ordered(listing: Listing, sorting: Sequence[tuple[str, str]]) -> list[Record]:
    """Sort; without keys by id, so that nobody comes to rely on an order that Pleo never stated."""
    ordered = sorted(listing.records, key=lambda record: str(record[listing.key]))
    for key, order in reversed(sorting):
        is_down = order.startswith("DESC")
        # PostgreSQL's rule where it is not said: nulls count as larger than anything
        nulls_first = order.endswith("FIRST") or (is_down and not order.endswith("LAST"))
        there = [record for record in ordered if record[key] is not None]
        empty = [record for record in ordered if record[key] is None]
        there.sort(key=itemgetter(key), reverse=is_down)
        ordered = [*empty, *there] if nulls_first else [*there, *empty]
    return ordered
