"""N-01, N-02, N-05: schedules of failures, each call under each failure, partial success."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from random import Random

import pytest

from etl.errors import EtlError
from tests.fakes.called import (
    JOB,
    KEY,
    InOrder,
    answer,
    entry,
    item_document,
    scaled,
    scripted,
)
from tests.fault.network import (
    CALLS,
    KINDS,
    READS,
    REPORT,
    WRITES,
    check_failure,
    check_schedule,
)


def test_schedules_of_failing_answers() -> None:
    violations = [one for seed in range(scaled(1000)) for one in check_schedule(seed)]
    assert violations == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_each_call_under_each_kind_of_failure(name: str, kind: str) -> None:
    violations = [
        one for times in (1, 2, 5, 6, 99) for one in check_failure(kind, name, times=times)
    ]
    assert violations == []


def test_partial_success_is_handed_on_as_it_is() -> None:
    """N-05: every size of a subset, in any order, with ids missing, extra and doubled."""
    for seed in range(scaled(500)):
        chance = Random(seed)
        count = chance.randint(1, 100)
        sent = [entry(number) for number in range(1, count + 1)]
        taken = chance.sample(range(1, count + 1), seed % (count + 1))
        refused = [number for number in range(1, count + 1) if number not in taken]
        chance.shuffle(refused)
        refused = refused[: chance.randint(0, len(refused))]
        strangers = [number for number in (901, 902) if chance.random() < 0.3]
        data = [item_document(number, status="successful") for number in [*taken, *strangers]]
        if data and chance.random() < 0.3:
            data.append(chance.choice(data))
        errors = [
            {"accountingEntryId": entry(number), "type": "X", "message": f"no {number}"}
            for number in refused
        ]
        client, transport = scripted(InOrder(answer({"data": data, "errors": errors})))
        reported = client.report_items(JOB, [REPORT] * count)
        assert [item.entry_id for item in reported.items] == [
            one["accountingEntryId"] for one in data
        ]
        assert [(one.entry_id, one.message) for one in reported.errors] == [
            (entry(number), f"no {number}") for number in refused
        ]
        assert reported.strangers(sent) == tuple(entry(number) for number in strangers)
        assert len(transport.sent) == 1


def _frames(error: EtlError) -> list[str]:
    """Give what a traceback with local variables would show of our own frames."""
    ours = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    return [repr(frame.f_locals) for frame in ours if "/etl/" in frame.f_code.co_filename]


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_the_key_is_in_no_message_log_or_frame(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.DEBUG)
    call = (READS | WRITES)[name][0]
    said: list[str] = []
    causes: list[BaseException | None] = []
    bodies = [b"", b"<html>", json.dumps({"type": KEY, "message": f"unknown: {KEY}"}).encode()]
    for status in (200, 202, 204, 302, 400, 401, 403, 404, 413, 422, 429, 500, 503):
        for body in bodies:
            client, transport = scripted(InOrder(answer(body=body, status=status)))
            said += [repr(client), repr(vars(client)), repr(transport.sent)]
            try:
                said.append(repr(call(client)))
            except EtlError as error:
                causes.append(error.__context__)
                said += [str(error), repr(error), repr(vars(error)), *_frames(error)]
    assert not [one for one in causes if not isinstance(one, EtlError | None)]
    assert "pleo: " in caplog.text
    whole = "\n".join([*said, caplog.text])
    in_header = base64.b64encode(f"{KEY}:".encode()).decode()
    for part in (KEY[:8], KEY[-8:], in_header[:8], in_header[-8:]):
        assert part not in whole
    assert "authorization" not in caplog.text.casefold()
    assert "company_id" not in caplog.text
