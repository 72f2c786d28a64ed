"""Answers a call: expiry, credential, rate limit, scope, operation; each call at one moment."""

from __future__ import annotations

from etl.pleo.sandbox.access import check_scope
from etl.pleo.sandbox.answers import Answer, Call, Refused, Seen
from etl.pleo.sandbox.authorization import OPERATIONS as OAUTH
from etl.pleo.sandbox.operations import OPERATIONS
from etl.pleo.sandbox.pleo import Pleo


def answer(pleo: Pleo, call: Call) -> Answer:
    """Let a call take effect and give its answer."""
    with pleo.lock:
        pleo.expire()
        try:
            given = _answer(pleo, call)
        except Refused as refused:
            given = refused.answer
        pleo.seen.append(Seen(call, given.status))
        return given


def _answer(pleo: Pleo, call: Call) -> Answer:
    at = pleo.clock.read()
    if call.operation == "download":
        return pleo.links.serve(call, at=at)
    if call.operation in OAUTH:
        return pleo.authorizations.answer(call)
    credential = pleo.access.identify(call.headers, at=at)
    pleo.access.count(credential, at=at, limit=pleo.manners.rate_limit)
    operation = OPERATIONS[call.operation]
    check_scope(credential, operation.scope)
    return operation.handler(pleo, call, credential)


def postpone(pleo: Pleo, call: Call, *, requests: int) -> None:
    """Let a call take effect only after some further requests, or when `land` is called."""
    with pleo.lock:
        pleo.postponed.append((requests, call))


def count_down(pleo: Pleo) -> None:
    """Note that a request was answered; land the calls whose time has come."""
    with pleo.lock:
        waiting = [(left - 1, call) for left, call in pleo.postponed]
        pleo.postponed = [(left, call) for left, call in waiting if left > 0]
        for left, call in waiting:
            if left <= 0:
                answer(pleo, call)


def land(pleo: Pleo) -> None:
    """Let every postponed call take effect now."""
    with pleo.lock:
        waiting, pleo.postponed = pleo.postponed, []
        for _left, call in waiting:
            answer(pleo, call)
