"""Clients that are broken on purpose: what is checked of the client must catch each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from etl.pleo import calls, exchange, paging, reading, waits
from etl.pleo.client import PleoClient
from etl.pleo.exchange import Lost
from etl.pleo.failures import BadAnswer
from tests.fakes.called import JOB, InOrder, answer, item_document, page, scripted
from tests.fault.network import CALLS, KINDS, check_failure, check_schedule

Broken = Callable[[pytest.MonkeyPatch], None]
SEEDS = 300


def blind_retry(patch: pytest.MonkeyPatch) -> None:
    """Send a write again whatever happened."""
    patch.setattr(calls, "_may_be_repeated", lambda _given, _question: True)


def no_retry(patch: pytest.MonkeyPatch) -> None:
    """Ask once only."""
    patch.setattr(calls, "_may_be_repeated", lambda _given, _question: False)


def deaf(patch: pytest.MonkeyPatch) -> None:
    """Do not listen to Retry-After."""
    patch.setattr(calls, "asked_wait", lambda _header, *, at: None)


def hasty(patch: pytest.MonkeyPatch) -> None:
    """Wait as long as is left where Pleo asks for more."""
    original = waits.Waiting.next

    def next_wait(self: Any, attempt: int, *, asked: float | None) -> float | None:
        return original(self, attempt, asked=min(asked, 10) if asked else None)

    patch.setattr(waits.Waiting, "next", next_wait)


def endless(patch: pytest.MonkeyPatch) -> None:
    """Count no attempts."""
    original = waits.Waiting.next
    patch.setattr(
        waits.Waiting, "next", lambda self, _attempt, *, asked: original(self, 1, asked=asked)
    )


def without_budget(patch: pytest.MonkeyPatch) -> None:
    """Wait whatever Pleo asks for, however long."""
    patch.setattr(waits.Waiting, "next", lambda _self, attempt, *, asked: (
        None if attempt >= 6 else (asked or 1.0)
    ))  # fmt: skip


def at_once(patch: pytest.MonkeyPatch) -> None:
    """Do not wait before asking again."""
    patch.setattr(waits.Waiting, "next", lambda _self, attempt, *, asked: (
        None if attempt >= 6 else (asked or 0.0)
    ))  # fmt: skip


def lost_is_failed(patch: pytest.MonkeyPatch) -> None:
    """Take a write without an answer for one without effect."""
    patch.setattr(Lost, "is_without_effect", property(lambda _self: True))


def credulous(patch: pytest.MonkeyPatch) -> None:
    """Take any success for the answer to an event."""
    original = PleoClient._write
    patch.setattr(
        PleoClient, "_write",
        lambda self, question, *, accepted: original(self, question, accepted=range(200, 300)),
    )  # fmt: skip


def any_type(patch: pytest.MonkeyPatch) -> None:
    """Do not look at what an answer says that it is."""
    patch.setattr(exchange.Reply, "is_json", property(lambda _self: True))


@pytest.mark.parametrize(
    "broken",
    [blind_retry, no_retry, deaf, hasty, endless, without_budget, at_once],
    ids=lambda broken: broken.__name__,
)
def test_schedules_catch_it(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    assert any(check_schedule(seed) for seed in range(SEEDS))


@pytest.mark.parametrize(
    "broken",
    [blind_retry, no_retry, lost_is_failed, credulous, any_type],
    ids=lambda broken: broken.__name__,
)
def test_kinds_of_failure_catch_it(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    assert any(check_failure(kind, name, times=2) for kind in KINDS for name in CALLS)


def _is_caught(cases: dict[str, list[Any]]) -> bool:
    """Say whether some answer that must be refused is taken."""
    for answers in cases.values():
        client, _ = scripted(InOrder(*answers))
        try:
            client.list_items(JOB)
        except BadAnswer:
            continue
        return True
    return False


ITEM = json.dumps(item_document(1))
LAST = answer(page([item_document(3)]))
REFUSED: dict[str, list[Any]] = {
    "a circle": [answer(page([item_document(n)], after="A")) for n in (1, 2)] + [LAST],
    "a page again": [answer(page([item_document(1)], after=after)) for after in "AB"] + [LAST],
    "a gap": [answer(page([item_document(1)], total=2))],
    "a key twice": [answer(body=json.dumps(page([])).replace("{", '{"data": [1], ', 1).encode())],
    "a status twice": [
        answer(body=json.dumps(page([7])).replace("7", ITEM[:-1] + ', "status": "x"}').encode())
    ],
}  # fmt: skip


def forgets_cursors(patch: pytest.MonkeyPatch) -> None:
    """Go wherever a page says."""
    patch.setattr(paging.Walk, "_next", lambda _self, found: found.end_cursor)


def forgets_ids(patch: pytest.MonkeyPatch) -> None:
    """Do not look whether a record came before."""
    patch.setattr(paging.Walk, "_take_ids", lambda _self, _ids: None)


def counts_nothing(patch: pytest.MonkeyPatch) -> None:
    """Do not compare with the total."""
    patch.setattr(paging.Walk, "_check_count", lambda _self: None)


def takes_the_last_key(patch: pytest.MonkeyPatch) -> None:
    """Read JSON as most readers do: of two keys the last one counts."""
    patch.setattr(reading, "_STRICT", reading._SKIP)


def skips_the_envelope(patch: pytest.MonkeyPatch) -> None:
    """Cut a page by a reader that takes the last of two keys."""

    def fields(body: bytes) -> dict[str, Any]:
        read = json.loads(body)
        return {
            key: [json.dumps(one).encode() for one in value]
            if isinstance(value, list) else json.dumps(value).encode()
            for key, value in read.items()
        }  # fmt: skip

    patch.setattr(reading, "_fields", fields)


def test_a_whole_client_takes_none_of_them() -> None:
    assert not _is_caught(REFUSED)


@pytest.mark.parametrize(
    "broken",
    [forgets_cursors, forgets_ids, counts_nothing, takes_the_last_key, skips_the_envelope],
    ids=lambda broken: broken.__name__,
)
def test_pages_and_keys_catch_it(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    assert _is_caught(REFUSED)
