"""Pages of lists: cursors in both directions, offset, limits, sorting."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest

from etl.pleo.sandbox import Manners, Pleo
from tests.fakes.pleo_client import Scene, report, scene_of


def ids(answer: httpx.Response) -> list[str]:
    return [record.get("id") or record["accountingEntryId"] for record in answer.json()["data"]]


def pagination(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["pagination"]
    return found


@pytest.mark.parametrize("what", ["items", "entries"])
@pytest.mark.parametrize("limit", [1, 7, 30, 31, 100])
def test_forwards_by_cursor_everything_comes_once(scene: Scene, what: str, limit: int) -> None:
    read = getattr(scene.client, what)
    answer = read(scene.job, limit=limit)
    found, pages = ids(answer), 1
    while pagination(answer)["hasNextPage"]:
        assert len(ids(answer)) == limit
        answer = read(scene.job, limit=limit, after=pagination(answer)["endCursor"])
        assert pagination(answer)["hasPreviousPage"] is True
        found += ids(answer)
        pages += 1
    assert sorted(found) == sorted(scene.entries)
    assert len(set(found)) == len(found) == 31
    assert pages == -(-31 // limit)


def test_backwards_by_cursor_the_page_before_comes(scene: Scene) -> None:
    first = scene.client.items(scene.job, limit=10)
    second = scene.client.items(scene.job, limit=10, after=pagination(first)["endCursor"])
    back = scene.client.items(scene.job, limit=10, before=pagination(second)["startCursor"])
    assert ids(back) == ids(first)
    assert pagination(back)["hasPreviousPage"] is False
    assert pagination(back)["hasNextPage"] is True
    nearer = scene.client.items(scene.job, limit=3, before=pagination(second)["startCursor"])
    assert ids(nearer) == ids(first)[-3:]


def test_an_offset_skips(scene: Scene) -> None:
    everything = ids(scene.client.items(scene.job))
    answer = scene.client.items(scene.job, offset=29, limit=5)
    assert ids(answer) == everything[29:]
    assert pagination(answer)["hasPreviousPage"] is True
    assert pagination(answer)["hasNextPage"] is False
    beyond = scene.client.items(scene.job, offset=31)
    assert (ids(beyond), pagination(beyond)["hasPreviousPage"]) == ([], True)
    assert not pagination(beyond).keys() & {"startCursor", "endCursor"}


def test_cursors_look_as_pleo_states_them(scene: Scene) -> None:
    found = pagination(scene.client.items(scene.job, limit=1))
    assert re.fullmatch("[A-Z2-7=~]+", found["endCursor"])
    assert found["startCursor"] == found["endCursor"]
    assert found["total"] == 31


def test_a_cursor_holds_though_records_leave_the_list(scene: Scene) -> None:
    """Reporting while paging over what is pending must not lose or repeat anything."""
    first = scene.client.items(scene.job, status="pending", limit=10)
    scene.client.report(scene.job, *[report(entry) for entry in ids(first)])
    after = pagination(first)["endCursor"]
    rest = scene.client.items(scene.job, status="pending", limit=100, after=after)
    assert len(ids(rest)) == 21
    assert not set(ids(rest)) & set(ids(first))


@pytest.mark.parametrize(
    "query",
    [
        {"after": "MFRA===="},
        {"after": "abc"},
        {"after": "A"},
        {"after": base64.b32encode(b"\xff").decode()},
        {"limit": -1},
        {"limit": "ten"},
        {"limit": [1, 2]},
        {"offset": "1.5"},
        {"offset": 2**63},
        {"sorting_keys": "colour"},
        {"sorting_keys": "status", "sorting_order": "UP"},
        {"sorting_keys": "status", "sorting_order": ["ASC", "DESC"]},
        {"sorting_order": "ASC"},
        {"status": "done"},
        {"status": ["pending", "failed"]},
    ],
    ids=str,
)
def test_what_the_description_does_not_allow_is_refused(
    scene: Scene, query: dict[str, Any]
) -> None:
    answer = scene.client.items(scene.job, **query)
    assert (answer.status_code, answer.json()["type"]) == (400, "bad_request")


@pytest.mark.parametrize("names", [("after", "before"), ("after", "offset"), ("before", "offset")])
def test_cursors_and_offset_exclude_one_another(scene: Scene, names: tuple[str, str]) -> None:
    cursor = pagination(scene.client.items(scene.job, limit=3))["endCursor"]
    values = {"after": cursor, "before": cursor, "offset": 1}
    query = {name: values[name] for name in names}
    assert scene.client.items(scene.job, **query).status_code == 400
    for name in names:
        assert scene.client.items(scene.job, **{name: values[name]}).status_code == 200


def test_the_server_grants_no_larger_page_than_it_likes() -> None:
    with scene_of(Pleo(manners=Manners(largest_page=4))) as scene:
        answer = scene.client.items(scene.job, limit=1000)
        assert len(ids(answer)) == 4
        assert pagination(answer)["currentRequestPagination"]["limit"] == 4
        assert len(ids(scene.client.items(scene.job))) == 4


def test_the_request_is_echoed(scene: Scene) -> None:
    query = {"limit": 3, "offset": 2, "sorting_keys": ["date"], "sorting_order": ["DESC"]}
    echo = pagination(scene.client.entries(scene.job, **query))["currentRequestPagination"]
    assert echo["parameters"]["sorting_keys"] == ["date"]
    assert (echo["limit"], echo["offset"]) == (3, 2)
    assert (echo["sortingKeys"], echo["sortingOrder"]) == (["date"], ["DESC"])


def test_jobs_are_sorted_only_when_asked(scene: Scene) -> None:
    jobs = [scene.job]
    for _ in range(5):
        scene.pleo.advance(1)
        jobs.append(scene.pleo.add_job(scene.company))
    by_age = [job.id for job in jobs]
    answer = scene.client.jobs(sorting_keys="createdAt", sorting_order="ASC")
    assert ids(answer) == by_age
    assert ids(scene.client.jobs(sorting_keys="createdAt", sorting_order="DESC")) == by_age[::-1]
    assert ids(scene.client.jobs()) == sorted(by_age) != by_age


@pytest.mark.parametrize(
    ("order", "is_first"),
    [("ASC", False), ("ASC_NULLS_FIRST", True), ("ASC_NULLS_LAST", False),
     ("DESC", True), ("DESC_NULLS_FIRST", True), ("DESC_NULLS_LAST", False)],
)  # fmt: skip
def test_empty_values_stand_where_the_order_says(scene: Scene, order: str, is_first: bool) -> None:
    second = scene.pleo.add_job(scene.company)
    scene.client.event(second, "started")
    answer = scene.client.jobs(sorting_keys="startedAt", sorting_order=order)
    assert (ids(answer)[0] == scene.job.id) is is_first


def test_jobs_are_listed_by_state(scene: Scene) -> None:
    second = scene.pleo.add_job(scene.company)
    scene.client.event(second, "started")
    assert ids(scene.client.jobs(statuses=["in_progress"])) == [second.id]
    assert len(ids(scene.client.jobs(statuses=["in_progress", "pending"]))) == 2
    assert ids(scene.client.jobs(statuses=["failed"])) == []
    assert scene.client.jobs(statuses=["expired"]).status_code == 400
