"""What Retry-After may say, how waits grow, and how the throttle keeps under the limit."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.pleo.sandbox.clocks import http_date
from etl.pleo.throttle import Throttle
from etl.pleo.waits import Patience, Waiting, asked_wait
from tests.fakes.called import START, StillClock


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("999999999999", 999999999999.0),
        (http_date(START + timedelta(seconds=90)), 90.0),
        ("Mon, 16 Mar 2026 09:00:30 +0100", 30.0),
        (None, None),
        ("", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 5000, None),
        ("١٢", None),
        (http_date(START), None),
        (http_date(START - timedelta(days=900)), None),
        ("Mon, 99 Foo 20266 25:61:61 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_wait(header, at=START) == seconds


@given(st.text() | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,3} [A-Z][a-z]{2} -?[0-9]{1,6} [0-9:+-]*"))
def test_no_text_makes_retry_after_fail(text: str) -> None:
    asked = asked_wait(text, at=START)
    assert asked is None or asked > 0


@pytest.mark.parametrize("seed", range(20))
def test_waits_grow_with_jitter_and_end_after_the_last_attempt(seed: int) -> None:
    waiting = Waiting(Patience(), Random(seed))
    waits = [waiting.next(attempt, asked=None) for attempt in range(1, 7)]
    assert waits[5] is None
    for attempt, wait in enumerate(waits[:5]):
        assert wait is not None
        assert 2**attempt / 2 <= wait <= 2**attempt


def test_no_wait_is_shorter_than_asked_and_none_is_longer_than_the_rest() -> None:
    waiting = Waiting(Patience(in_vain=100), Random(1))
    first = waiting.next(1, asked=60)
    assert first is not None
    assert 60 <= first <= 61
    assert waiting.next(2, asked=60) is None
    assert waiting.next(2, asked=10**12) is None
    waiting.spend(39)
    assert waiting.next(2, asked=None) is None


def test_one_wait_has_a_longest() -> None:
    waiting = Waiting(Patience(attempts=99, in_vain=10**6), Random(1))
    waits = [waiting.next(attempt, asked=None) or 0 for attempt in range(1, 99)]
    assert max(waits) <= 60


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_has_more_requests_than_allowed(seed: int) -> None:
    chance, clock = Random(seed), StillClock()
    throttle = Throttle(clock, per_minute=50)
    sent = []
    for _ in range(400):
        clock.passed += chance.choice([0, 0, 0.01, 0.5, 3])
        throttle.let_through()
        sent.append(clock.elapsed())
    assert all(sent[place + 50] - sent[place] >= 60 - 1e-6 for place in range(350))
    assert all(after >= before for before, after in pairwise(sent))


def test_a_few_requests_never_wait() -> None:
    clock = StillClock()
    throttle = Throttle(clock)
    for _ in range(500):
        throttle.let_through()
    assert clock.slept == []
    throttle.let_through()
    assert clock.slept == [60]
