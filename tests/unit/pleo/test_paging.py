"""N-06 and N-07: pages that lie, and records that change while pages are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import httpx
import pytest

from etl.pleo.client import PleoClient
from etl.pleo.failures import BadAnswer, ListsDisagree
from etl.pleo.paging import MAX_PAGES
from etl.pleo.shapes import JobItem
from tests.fakes.called import (
    COMPANY,
    JOB,
    InOrder,
    answer,
    entry,
    item_document,
    job_document,
    page,
    scaled,
    scripted,
)

List = Callable[[PleoClient], Sequence[object]]
LISTS: dict[str, tuple[List, Callable[[int], dict[str, Any]]]] = {
    "list_jobs": (lambda client: client.list_jobs(COMPANY), lambda n: job_document(id=entry(n))),
    "list_items": (lambda client: client.list_items(JOB), item_document),
    "export_items": (
        lambda client: client.export_items(JOB), lambda n: {"accountingEntryId": entry(n)}
    ),
}  # fmt: skip
#: What the pages hold -> what is said of them. Numbers are records; after them their cursor.
LIES: dict[str, tuple[list[tuple[list[int], str | None, dict[str, Any]]], str]] = {
    "the first page again": (
        [([1, 2], "A", {}), ([1, 2], "B", {}), ([3], None, {})], "one came twice"
    ),
    "a page again, in another order": ([([1, 2], "A", {}), ([2, 1], None, {})], "one came twice"),
    "a page again, and counted": (
        [([1, 2], "A", {"total": 4}), ([1, 2], None, {"total": 4})], "one came twice"
    ),
    "a page that is followed by itself": ([([1], "A", {}), ([2], "A", {})], "followed by itself"),
    "a circle": ([([1], "A", {}), ([2], "B", {}), ([3], "A", {})], "followed by itself"),
    "a record on two pages, and not counted so": (
        [([1, 2], "A", {"total": 3}), ([2, 3], None, {"total": 3})], "3 records were announced, 4"
    ),
    "a record twice, and not counted so": ([([1, 2, 2], None, {"total": 2})], "2 records were"),
    "an empty page in the middle": ([([1], "A", {}), ([], "B", {}), ([2], None, {})], "is empty"),
    "an empty page that goes on": ([([], "A", {}), ([1], None, {})], "is empty"),
    "no cursor": ([([1], "", {"hasNextPage": True}), ([2], None, {})], "without a cursor"),
    "a cursor without end": ([([1], "A" * 5000, {})], "without a cursor"),
    "a missing record": ([([1, 3], None, {"total": 3})], "3 records were announced, 2 came"),
    "a missing page": ([([1], "A", {"total": 3}), ([3], None, {"total": 3})], "3 records were"),
    "a total that changes": ([([1], "A", {"total": 2}), ([2], None, {"total": 3})], "changed"),
    "too many records": ([([1, 2], None, {"total": 1})], "1 records were announced, 2 came"),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("lie", LIES)
def test_pages_that_do_not_fit_together_are_refused(name: str, lie: str) -> None:
    call, document = LISTS[name]
    pages, why = LIES[lie]
    answers = [
        answer(page([document(n) for n in numbers], after=after, **more))
        for numbers, after, more in pages
    ]
    client, transport = scripted(InOrder(*answers))
    with pytest.raises(ListsDisagree, match=why) as caught:
        call(client)
    assert caught.value.problems[0].code == "NET-8"
    assert len(transport.sent) <= len(pages)


@pytest.mark.parametrize("name", LISTS)
def test_pages_without_end_end(name: str) -> None:
    call, document = LISTS[name]
    count = 0

    def one_more(_request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        return answer(page([document(count)], after=f"C{count}"))

    client, transport = scripted(one_more)
    with pytest.raises(ListsDisagree, match="more than 1000"):
        call(client)
    assert len(transport.sent) == MAX_PAGES


@pytest.mark.parametrize("name", LISTS)
def test_a_full_last_page_is_the_last(name: str) -> None:
    call, document = LISTS[name]
    first = page([document(1), document(2)], after="A", total=4)
    last = page([document(3), document(4)], total=4)
    last["pagination"]["endCursor"] = "B"
    client, transport = scripted(InOrder(answer(first), answer(last)))
    assert len(call(client)) == 4
    assert [one.url.params.get("after") for one in transport.sent] == [None, "A"]


def test_filters_stay_the_same_on_every_page() -> None:
    first = page([job_document(id=entry(1))], after="A")
    client, transport = scripted(InOrder(answer(first), answer(page([job_document(id=entry(2))]))))
    client.list_jobs(COMPANY, statuses=["pending"])
    queries = [dict(one.url.params) for one in transport.sent]
    assert queries[1] == {**queries[0], "after": "A"}
    assert queries[0] == {"company_id": COMPANY, "statuses": "pending", "limit": "1000"}


@pytest.mark.parametrize("total", [None, 4])
@pytest.mark.parametrize("pages", [[[1, 2, 2, 3]], [[1, 2], [2, 3]], [[1, 2, 3], [2]]])
def test_an_entry_that_is_listed_twice_is_handed_on(
    pages: list[list[int]], total: int | None
) -> None:
    """To read it again would not help; it is the caller who refuses such a job."""
    more = {} if total is None else {"total": total}
    answers = [
        answer(page([item_document(n) for n in numbers],
                    after=None if numbers is pages[-1] else "A", **more))
        for numbers in pages
    ]  # fmt: skip
    client, _ = scripted(InOrder(*answers))
    listed = [entry(n) for numbers in pages for n in numbers]
    assert [item.entry_id for item in client.list_items(JOB)] == listed


def test_a_job_is_listed_once() -> None:
    """Of a job there is one, whatever the list says: it would be exported twice."""
    again, other = job_document(id=entry(1).upper()), job_document(id=entry(2))
    first = page([job_document(id=entry(1))], after="A", total=3)
    client, _ = scripted(InOrder(answer(first), answer(page([again, other], total=3))))
    with pytest.raises(ListsDisagree, match="a job stands twice"):
        client.list_jobs(COMPANY)


@pytest.mark.parametrize(
    "link",
    [
        {"next": "https://evil.example.com/v3/export-items"},
        {"endCursor": "https://evil.example.com/v3/export-items?after=x"},
        {"endCursor": "//evil.example.com/"},
        {"endCursor": "A&company_id=other#"},
    ],
)
def test_whatever_a_page_names_as_next_only_pleo_is_asked(link: dict[str, str]) -> None:
    first = page([item_document(1)], after="A")
    first["pagination"] |= link
    client, transport = scripted(InOrder(answer(first), answer(page([item_document(2)]))))
    assert len(client.list_items(JOB)) == 2
    assert {one.url.host for one in transport.sent} == {"127.0.0.1"}
    assert {one.url.path for one in transport.sent} == {f"/v3/export-jobs/{JOB}/items"}
    assert transport.sent[1].url.params.get_list("after") == [first["pagination"]["endCursor"]]
    assert "company_id" not in transport.sent[1].url.params


class Changing:
    """A list that changes between its pages; a cursor names the last record given, as Pleo's do."""

    def __init__(self, seed: int, *, tells_total: bool) -> None:
        self.chance = Random(seed)
        self.tells_total = tells_total
        self.records = dict.fromkeys(range(10, 10 * self.chance.randint(2, 40), 10), "pending")
        self.limit = self.chance.choice([2, 3, 5, 50])
        self.is_changed = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        after = int(request.url.params.get("after", "0"))
        if after and self.chance.random() < 0.3:
            self._change()
        follow = [number for number in sorted(self.records) if number > after]
        given = follow[: self.limit]
        records = [item_document(number, status=self.records[number]) for number in given]
        more: dict[str, Any] = {"total": len(self.records)} if self.tells_total else {}
        has_next = len(follow) > len(given)
        return answer(page(records, after=str(given[-1]) if has_next else None, **more))

    def _change(self) -> None:
        number = self.chance.randint(1, 400)
        kind = self.chance.choice(["add", "remove", "change"])
        if kind == "add" and number not in self.records:
            self.records[number], self.is_changed = "pending", True
        elif kind == "remove" and self.records:
            self.records.pop(self.chance.choice(sorted(self.records)))
            self.is_changed = True
        elif self.records:
            self.records[self.chance.choice(sorted(self.records))] = "successful"


def seen_of(seed: int, *, tells_total: bool) -> tuple[Changing, list[JobItem] | None]:
    changing = Changing(seed, tells_total=tells_total)
    client, _ = scripted(changing, seed=seed)
    try:
        return changing, client.list_items(JOB)
    except BadAnswer:
        return changing, None


@pytest.mark.parametrize("tells_total", [True, False])
def test_items_that_change_while_they_are_read(tells_total: bool) -> None:
    """Each seed: no item twice; a list that is given has as many as Pleo counted."""
    told = 0
    for seed in range(scaled(500)):
        changing, items = seen_of(seed, tells_total=tells_total)
        if items is None:
            assert changing.is_changed, seed
            told += 1
            continue
        ids = [item.entry_id for item in items]
        assert len(set(ids)) == len(ids), seed
        if tells_total:
            assert len(ids) == len(changing.records), seed
        if not changing.is_changed:
            assert set(ids) == {entry(number) for number in changing.records}, seed
    assert told or not tells_total
