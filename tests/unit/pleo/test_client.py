"""The client does what each call promises, with as few requests as it can."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec
import pytest

from etl import __version__
from etl.documents import read_json
from etl.errors import EtlError
from etl.pleo.failures import (
    BadAnswer,
    CredentialRefused,
    JobNotFound,
    JobOver,
    ListsDisagree,
    MissingContraAccounts,
    OutcomeUnknown,
    PleoRefused,
    PleoUnavailable,
    RateLimited,
    StatusChangeRefused,
)
from etl.pleo.waits import Patience
from tests.fakes.called import (
    COMPANY,
    JOB,
    KEY,
    START,
    InOrder,
    StillClock,
    answer,
    called,
    entry,
    item_document,
    job_document,
    page,
    scripted,
)


def report(entry_id: str, status: str = "successful") -> bytes:
    return msgspec.json.encode({"accountingEntryId": entry_id, "status": status})


def test_jobs_come_oldest_first_and_only_those_asked_for() -> None:
    scene = called()
    scene.pleo.advance(60)
    newer = scene.pleo.add_job(scene.company)
    scene.pleo.move_job(scene.job, "started")
    client = scene.client
    assert [job.id for job in client.list_jobs(scene.company.id)] == [scene.job.id, newer.id]
    pending = client.list_jobs(scene.company.id, statuses=["pending"])
    assert [job.id for job in pending] == [newer.id]
    both = client.list_jobs(scene.company.id, statuses=["pending", "in_progress"])
    assert [job.status for job in both] == ["in_progress", "pending"]
    assert "statuses=pending&statuses=in_progress" in str(scene.transport.sent[-1].url)


def test_a_job_is_known_with_all_that_pleo_says_of_it() -> None:
    scene = called()
    scene.pleo.move_job(scene.job, "started")
    scene.pleo.advance(100)
    job = scene.client.get_job(scene.job.id)
    begin = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
    assert (job.id, job.company_id, job.status) == (scene.job.id, scene.company.id, "in_progress")
    assert (job.is_pending, job.is_running, job.is_over) == (False, True, False)
    assert (job.created_at, job.started_at, job.last_updated_at) == (begin, begin, begin)
    assert (job.number_of_items, job.is_interactive, job.is_vendor_based) == (31, True, True)
    assert job.read_at == begin + timedelta(seconds=100)
    assert job.ends_at == begin + timedelta(hours=1)
    assert job.seconds_left(job.read_at) == 3500
    scene.pleo.move_job(scene.job, "completed")
    over = scene.client.get_job(scene.job.id)
    assert (over.is_over, over.is_running) == (True, False)
    assert over.completed_at == begin + timedelta(seconds=100)


def test_a_job_that_lapsed_says_why() -> None:
    scene = called()
    scene.pleo.advance(3600)
    job = scene.client.get_job(scene.job.id)
    assert (job.status, job.failure_type) == ("failed", "job_expired")
    assert job.failure_reason == "The export job was not updated in time."
    assert job.seconds_left(scene.client.time()) == 0


def test_both_layers_come_whole_over_many_pages() -> None:
    scene = called(largest_page=7)
    items = scene.client.list_items(scene.job.id)
    assert sorted(item.entry_id for item in items) == sorted(scene.entries)
    assert {item.job_id for item in items} == {scene.job.id}
    assert all(item.is_open for item in items)
    entries = scene.client.export_items(scene.job.id)
    assert sorted(read_json(one)["accountingEntryId"] for one in entries) == sorted(scene.entries)
    assert len(scene.transport.sent) == 2 * math.ceil(31 / 7)


def test_the_largest_page_is_asked_for_and_what_is_granted_is_taken() -> None:
    scene = called(largest_page=100)
    scene.client.list_items(scene.job.id)
    scene.client.export_items(scene.job.id)
    assert [one.url.params["limit"] for one in scene.transport.sent] == ["1000", "1000"]


def test_a_page_size_that_pleo_refuses_is_made_smaller_once_for_all_calls() -> None:
    def refuse_large(request: httpx.Request) -> httpx.Response:
        if int(request.url.params.get("limit", 0)) > 100:
            return answer({"type": "bad_request", "message": "limit"}, status=400)
        return answer(page([item_document()]))

    client, transport = scripted(refuse_large)
    assert len(client.list_items(JOB)) == 1
    assert len(client.list_items(JOB)) == 1
    assert [one.url.params["limit"] for one in transport.sent] == ["1000", "100", "100"]


def test_no_page_size_at_all_is_the_last_resort_and_other_refusals_stand() -> None:
    def refuse_any(request: httpx.Request) -> httpx.Response:
        if "limit" in request.url.params:
            return answer({"type": "bad_request"}, status=400)
        return answer(page([]))

    client, transport = scripted(refuse_any)
    assert client.list_items(JOB) == []
    assert len(transport.sent) == 3
    client, transport = scripted(InOrder(answer({"type": "odd"}, status=418)))
    with pytest.raises(PleoRefused):
        client.list_items(JOB)
    assert len(transport.sent) == 1


def test_entries_are_handed_on_byte_by_byte() -> None:
    odd = [
        b'{ "accountingEntryId" : "%s","amount":{"value":1.10e2} , "note":"\xc3\xa4\\u00e4\\/" }'
        % entry(1).encode(),
        b'{"accountingEntryId":"%s","note":"\\ud83d","note":"twice","x":12345678901234567890.10}'
        % entry(2).encode(),
        b'{"accountingEntryId":"%s","note":"\xff\xfe"}' % entry(3).encode(),
        b'{"unheard_of":[1,[2,{"a":null}],true]}',
        b"null",
    ]
    pagination = b'"pagination":{"hasNextPage":false,"hasPreviousPage":false,"total":5}'
    body = b'\n{"data":[ ' + b" ,\n".join(odd) + b" ]," + pagination + b"} \n"
    client, _ = scripted(InOrder(answer(body=body)))
    assert client.export_items(JOB) == odd


def test_a_request_says_who_asks_and_carries_the_key_in_its_header_only() -> None:
    client, transport = scripted(InOrder(answer({"data": job_document()})))
    client.get_job(JOB)
    sent = transport.sent[0]
    assert sent.headers["user-agent"] == f"pleo-etl/{__version__}"
    wanted = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    assert sent.headers["authorization"] == wanted
    assert str(sent.url) == f"http://127.0.0.1:1/v3/export-jobs/{JOB}"
    assert "cookie" not in sent.headers


def test_cookies_are_not_kept() -> None:
    cookie = {"set-cookie": "session=1; Path=/"}
    client, transport = scripted(InOrder(answer({"data": job_document()}, headers=cookie)))
    client.get_job(JOB)
    client.get_job(JOB)
    assert "cookie" not in transport.sent[1].headers


def test_an_event_is_one_request_with_the_fields_it_needs() -> None:
    scene = called()
    scene.client.send_event(scene.job.id, "started")
    assert scene.job.status == "in_progress"
    sent = scene.transport.sent[0]
    assert read_json(sent.content) == {"event": "started", "jobId": scene.job.id}
    assert sent.headers["content-type"] == "application/json;charset=UTF-8"
    scene.client.send_event(scene.job.id, "failed", reason="No.", failure_type="validation_failure")
    assert (scene.job.failure_reason, scene.job.failure_type) == ("No.", "validation_failure")
    assert len(scene.transport.sent) == 2


def test_a_report_sends_the_bytes_it_was_given() -> None:
    scene = called()
    first, second, third = scene.entries[:3]
    reports = [report(first), b'{ "accountingEntryId":"%s" , "status":"failed"}' % second.encode()]
    scene.pleo.refuse_item(second, "ACCOUNTING_ENTRY_UPDATE_FAILED")
    reported = scene.client.report_items(scene.job.id, reports)
    assert scene.transport.sent[0].content == b"[" + b",".join(reports) + b"]"
    assert [(item.entry_id, item.status) for item in reported.items] == [(first, "successful")]
    assert [(one.entry_id, one.type) for one in reported.errors] == [
        (second, "ACCOUNTING_ENTRY_UPDATE_FAILED")
    ]
    assert reported.errors[0].message == "Entry could not be updated"
    assert reported.strangers([first, second, third]) == ()
    assert reported.strangers([first.upper()]) == (second,)


@pytest.mark.parametrize("count", [0, 101])
def test_a_report_of_none_or_too_many_is_a_mistake_of_the_caller(count: int) -> None:
    client, transport = scripted(InOrder(answer({})))
    with pytest.raises(ValueError, match="1 to 100"):
        client.report_items(JOB, [report(entry(1))] * count)
    assert transport.sent == []


def test_a_whole_job_takes_few_requests() -> None:
    """At most twice the pages of both layers, the reports, once the job items, and six more."""
    scene = called(largest_page=10)
    count, pages = 31, 4
    client = scene.client
    client.list_jobs(scene.company.id, statuses=["pending"])
    for _layer in range(2):
        client.list_items(scene.job.id)
        client.export_items(scene.job.id)
    client.get_job(scene.job.id)
    client.send_event(scene.job.id, "started")
    client.report_items(scene.job.id, [report(one) for one in scene.entries])
    client.get_job(scene.job.id)
    client.send_event(scene.job.id, "completed")
    client.list_items(scene.job.id)
    client.get_job(scene.job.id)
    assert scene.job.status == "completed"
    assert len(scene.transport.sent) <= 2 * 2 * pages + math.ceil(count / 100) + pages + 6


def test_a_client_in_a_hurry_is_slowed_down() -> None:
    clock = StillClock()
    client, transport = scripted(InOrder(answer({"data": job_document()})), clock=clock)
    for _ in range(501):
        client.get_job(JOB)
    assert clock.slept == [60]
    assert transport.times == [0.0] * 500 + [60.0]


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_answer_that_drips_is_given_up_and_asked_for_again(is_packed: bool) -> None:
    clock = StillClock()
    body = json.dumps({"data": job_document()}).encode()
    sent = gzip.compress(body) if is_packed else body
    headers = {"content-encoding": "gzip"} if is_packed else {}

    def drip() -> Iterator[bytes]:
        for place in range(len(sent)):
            clock.passed += 2
            yield sent[place : place + 1]

    slow = answer(body=drip(), headers=headers)
    client, transport = scripted(InOrder(slow, answer(body=sent, headers=headers)), clock=clock)
    assert client.get_job(JOB).id == JOB
    assert len(transport.sent) == 2
    assert 120 <= transport.times[1] <= 125


@pytest.mark.parametrize(
    ("header", "when"),
    [("4000", " until 2026-03-16 09:06:40 UTC"), ("9" * 12, ""), ("soon", "")],
)
def test_a_pause_that_is_too_long_is_told_at_once(header: str, when: str) -> None:
    limited = answer({}, status=429, headers={"retry-after": header})
    clock = StillClock()
    client, transport = scripted(InOrder(limited), clock=clock, patience=Patience(attempts=2))
    with pytest.raises(RateLimited) as caught:
        client.send_event(JOB, "started")
    assert caught.value.problems[0].what == f"Pleo accepts no more requests{when}"
    assert len(transport.sent) == (2 if header == "soon" else 1)


def test_an_answer_that_does_not_say_what_it_is_is_looked_at() -> None:
    given = answer({"data": job_document()}, headers={"content-type": ""})
    client, _ = scripted(InOrder(given))
    assert client.get_job(JOB).id == JOB


def test_time_is_pleos_and_goes_on_between_answers() -> None:
    clock = StillClock()
    there = START + timedelta(hours=5)
    client, _ = scripted(InOrder(answer({"data": job_document()}, at=there)), clock=clock)
    assert client.time() == START
    assert client.get_job(JOB).read_at == there
    clock.passed += 42
    assert client.time() == there + timedelta(seconds=42)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 25:61:61 GMT", "-5", "2026"])
def test_a_date_that_cannot_be_read_leaves_the_clock(date: str) -> None:
    given = answer({"data": job_document()}, at=None, headers={"date": date})
    client, _ = scripted(InOrder(given))
    assert client.get_job(JOB).read_at == START


def test_a_date_in_another_zone_is_the_same_moment() -> None:
    there = datetime.fromisoformat("2026-03-16T10:00:00+02:00")
    given = answer({"data": job_document()}, at=None, headers={"date": format_datetime(there)})
    client, _ = scripted(InOrder(given))
    assert client.get_job(JOB).read_at == START


def test_a_job_of_another_company_is_refused() -> None:
    other = job_document(companyId=entry(9))
    client, _ = scripted(InOrder(answer(page([other]))))
    with pytest.raises(BadAnswer, match="PLEO-8"):
        client.list_jobs(COMPANY)


def test_an_answer_about_something_else_is_refused() -> None:
    client, _ = scripted(InOrder(answer({"data": job_document(id=entry(9))})))
    with pytest.raises(BadAnswer, match="another job"):
        client.get_job(JOB)
    client, _ = scripted(InOrder(answer(page([item_document(exportJobId=entry(9))]))))
    with pytest.raises(BadAnswer, match="another job"):
        client.list_items(JOB)
    strange = {"data": [item_document(exportJobId=entry(9))], "errors": []}
    client, _ = scripted(InOrder(answer(strange)))
    with pytest.raises(OutcomeUnknown):
        client.report_items(JOB, [report(entry(1))])


@pytest.mark.parametrize("job_id", ["", "../companies", "8c1f2a3b", f"{JOB}?x=1", f"{JOB}\n"])
def test_what_is_no_id_of_a_job_is_not_sent(job_id: str) -> None:
    client, transport = scripted(InOrder(answer({})))
    for call in (client.get_job, client.list_items, client.export_items):
        with pytest.raises(JobNotFound, match="is not the id of an export job"):
            call(job_id)
    with pytest.raises(JobNotFound):
        client.send_event(job_id, "started")
    assert transport.sent == []


READS: dict[str, Any] = {
    "list_jobs": lambda client: client.list_jobs(COMPANY),
    "get_job": lambda client: client.get_job(JOB),
    "list_items": lambda client: client.list_items(JOB),
    "export_items": lambda client: client.export_items(JOB),
}
WRITES: dict[str, Any] = {
    "send_event": lambda client: client.send_event(JOB, "started"),
    "report_items": lambda client: client.report_items(JOB, [report(entry(1))]),
}
CALLS = READS | WRITES


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "kind", "failure", "code", "exit_code"),
    [
        (401, "unauthorized", CredentialRefused, "PLEO-1", 2),
        (403, "forbidden", CredentialRefused, "PLEO-2", 2),
        (404, "EXPORT_NOT_FOUND", JobNotFound, "PLEO-3", 4),
        (404, "export_not_found", JobNotFound, "PLEO-3", 4),
        (404, "not_found", PleoRefused, "PLEO-7", 2),
        (422, "EXPORT_JOB_STATUS_UNPROCESSABLE", JobOver, "PLEO-4", 4),
        (422, "Invalid_Export_Job_Status_Change", StatusChangeRefused, "PLEO-5", 4),
        (422, "something_new", PleoRefused, "PLEO-7", 2),
        (400, "MISSING_CONTRA_ACCOUNTS", MissingContraAccounts, "PLEO-6", 2),
        (409, "EXPORT_ALREADY_IN_PROGRESS", PleoRefused, "PLEO-7", 2),
        (413, "EXPORT_JOB_ITEMS_UPDATE_LIMIT", PleoRefused, "PLEO-7", 2),
    ],
)
def test_each_refusal_of_pleo_is_told_by_what_can_be_done(
    call: str, status: int, kind: str, failure: type[EtlError], *, code: str, exit_code: int
) -> None:
    said = {"type": kind, "message": "Because of \x1b[31mthis\n thing."}
    client, _ = scripted(InOrder(answer(said, status=status)))
    with pytest.raises(failure) as caught:
        CALLS[call](client)
    problem = caught.value.problems[0]
    assert (problem.code, caught.value.exit_code) == (code, exit_code)
    assert problem.what.endswith(f'; it says "Because of [31mthis thing" ({status} {kind})')
    assert problem.where.startswith("Pleo, ")
    assert problem.fix


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"type":7}', b"\xff", b'"x"', b"[" * 9999]
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 451])
def test_errors_may_have_any_body(status: int, body: bytes) -> None:
    for call in CALLS.values():
        client, _ = scripted(InOrder(answer(body=body, status=status)))
        with pytest.raises((PleoRefused, CredentialRefused)) as caught:
            call(client)
        assert f"({status})" in caught.value.problems[0].what


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 307, 308, 304])
def test_other_successes_and_redirects_are_not_taken_for_answers(status: int) -> None:
    away = {"location": "http://127.0.0.1:9/v3/elsewhere?token=x"}
    for name, call in CALLS.items():
        client, transport = scripted(InOrder(answer(status=status, body=b"", headers=away)))
        if name == "send_event" and status == 204:
            call(client)
            continue
        with pytest.raises(OutcomeUnknown if name in WRITES else BadAnswer) as caught:
            call(client)
        assert {one.url.host for one in transport.sent} == {"127.0.0.1"}
        assert {one.url.port for one in transport.sent} == {1}
        assert len(transport.sent) == 1
        assert "elsewhere" not in str(caught.value)


def test_a_credential_that_can_be_renewed_is_renewed_once() -> None:
    class Token:
        def __init__(self) -> None:
            self.number, self.renewed = 1, 0

        def authorize(self) -> str:
            return f"Bearer token-{self.number}"

        def renew(self) -> bool:
            self.renewed += 1
            self.number += 1
            return True

    for call in CALLS.values():
        client, transport = scripted(InOrder(answer({"type": "x"}, status=401)))
        token = Token()
        client._asking._credential = token
        with pytest.raises(CredentialRefused):
            call(client)
        headers = [one.headers["authorization"] for one in transport.sent]
        assert headers == ["Bearer token-1", "Bearer token-2"]
        assert token.renewed == 1


def test_what_pleo_says_is_cut_and_never_repeats_the_key() -> None:
    echo = {"type": "x", "message": f"the key {KEY} is unknown"}
    client, _ = scripted(InOrder(answer(echo, status=401)))
    with pytest.raises(CredentialRefused) as caught:
        client.get_job(JOB)
    assert "CANARY" not in str(caught.value)
    client, _ = scripted(InOrder(answer({"type": "x", "message": "y" * 9999}, status=400)))
    with pytest.raises(PleoRefused) as caught_long:
        client.get_job(JOB)
    assert len(caught_long.value.problems[0].what) < 400


def test_every_code_has_a_text_of_its_own() -> None:
    cut, refused = httpx.ReadError("x"), httpx.ConnectError("x")
    certificate = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
    cases: dict[str, tuple[httpx.Response | Exception, type[EtlError]]] = {
        "NET-1": (refused, PleoUnavailable),
        "NET-2": (certificate, PleoUnavailable),
        "NET-3": (cut, PleoUnavailable),
        "NET-4": (answer({}, status=429), RateLimited),
        "NET-6": (answer(body=b"{"), BadAnswer),
        "NET-7": (answer(body=b" " * 33 * 2**20), BadAnswer),
        "NET-8": (answer(page([], total=1)), ListsDisagree),
        "NET-9": (answer({}, status=503), PleoUnavailable),
    }
    for code, (given, failure) in cases.items():
        client, _ = scripted(InOrder(given))
        with pytest.raises(failure) as caught:
            client.list_items(JOB)
        assert caught.value.problems[0].code == code
        assert caught.value.exit_code == 3


def told(given: httpx.Response | Exception, call: str) -> str:
    """Give what a person reads when a call gets an answer."""
    client, _ = scripted(InOrder(given))
    with pytest.raises(EtlError) as caught:
        CALLS[call](client)
    return str(caught.value)


def test_the_texts_that_no_command_leads_to_are_exact() -> None:
    """Commands look into Pleo themselves where these come, or the sandbox never says them."""
    over = {"type": "EXPORT_JOB_STATUS_UNPROCESSABLE", "message": "Export job is finished."}
    moved = {"type": "INVALID_EXPORT_JOB_STATUS_CHANGE"}
    cases = {
        "NET-5": (
            told(httpx.ReadError("x"), "send_event"),
            "error[NET-5]: Pleo may or may not have taken what was sent\n"
            f'  at Pleo, event "started" for export job {JOB}\n'
            "  fix: run the same command again: it looks in Pleo first and sends nothing twice",
        ),
        "NET-7": (
            told(answer(body=b" " * 33 * 2**20), "export_items"),
            "error[NET-7]: Pleo's answer is larger than 32 MiB\n"
            f"  at Pleo, content of the items of export job {JOB}\n"
            "  fix: run the same command again later; if it stays so, ask Pleo's support with this"
            " text",
        ),
        "PLEO-4": (
            told(answer(over, status=422), "report_items"),
            'error[PLEO-4]: the export job has ended in Pleo; it says "Export job is finished"'
            " (422 EXPORT_JOB_STATUS_UNPROCESSABLE)\n"
            f"  at Pleo, report of 1 items of export job {JOB}\n"
            "  fix: export the expenses again in Pleo, then `pleo-etl run`",
        ),
        "PLEO-5": (
            told(answer(moved, status=422), "send_event"),
            "error[PLEO-5]: the export job is in a state that does not allow this"
            " (422 INVALID_EXPORT_JOB_STATUS_CHANGE)\n"
            f'  at Pleo, event "started" for export job {JOB}\n'
            "  fix: look with `pleo-etl jobs` how the job stands",
        ),
        "PLEO-8": (
            told(answer(page([job_document(companyId=entry(9))])), "list_jobs"),
            "error[PLEO-8]: Pleo listed an export job of another company than was asked for\n"
            "  at Pleo, list of export jobs\n"
            "  fix: run the same command again later; if it stays so, ask Pleo's support with this"
            " text",
        ),
    }
    for code, (seen, wanted) in cases.items():
        assert seen == wanted, code
