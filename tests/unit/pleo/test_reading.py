"""N-09 and N-10: answers that are broken, and fields that are other than described."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.pleo.client import PleoClient
from etl.pleo.exchange import MAX_BODY
from etl.pleo.failures import AnswerTooLarge, BadAnswer, OutcomeUnknown, PleoRefused
from etl.pleo.reading import entry_id_of, read_page
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

EXPORT_ITEM = {"accountingEntryId": entry(1), "note": "Überweisung 🧾", "amount": {"value": 12}}
REPORTED = {
    "data": [item_document(1, status="successful")],
    "errors": [{"accountingEntryId": entry(2), "type": "X", "message": "Y"}],
}
Call = Callable[[PleoClient], object]
CALLS: dict[str, tuple[Call, Any]] = {
    "list_jobs": (lambda client: client.list_jobs(COMPANY), page([job_document()], total=1)),
    "get_job": (lambda client: client.get_job(JOB), {"data": job_document()}),
    "list_items": (lambda client: client.list_items(JOB), page([item_document()], total=1)),
    "export_items": (lambda client: client.export_items(JOB), page([EXPORT_ITEM], total=1)),
    "report_items": (lambda client: client.report_items(JOB, [b"{}"]), REPORTED),
}
#: A call -> how it says that its answer cannot be read.
TOLD: dict[str, type[Exception]] = dict.fromkeys(CALLS, BadAnswer) | {
    "report_items": OutcomeUnknown
}


def refuses(name: str, body: bytes, **headers: str) -> None:
    client, transport = scripted(InOrder(answer(body=body, headers=headers)))
    with pytest.raises(TOLD[name]) as caught:
        CALLS[name][0](client)
    assert caught.value.problems[0].code in ("NET-5", "NET-6", "NET-8")  # type: ignore[attr-defined]
    assert len(transport.sent) == 1


@pytest.mark.parametrize("name", CALLS)
def test_the_whole_answers_are_read(name: str) -> None:
    call, document = CALLS[name]
    client, _ = scripted(InOrder(answer(document)))
    assert call(client)


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_cut_off_anywhere_is_refused(name: str) -> None:
    body = json.dumps(CALLS[name][1]).encode()
    for end in range(len(body)):
        refuses(name, body[:end])


@pytest.mark.parametrize("name", CALLS)
def test_a_packed_answer_cut_off_anywhere_is_refused(name: str) -> None:
    call, document = CALLS[name]
    body = gzip.compress(json.dumps(document).encode(), mtime=0)
    packed = {"content-encoding": "gzip"}
    client, _ = scripted(InOrder(answer(body=body, headers=packed)))
    assert call(client)
    for end in range(len(body)):
        refuses(name, body[:end], **packed)


def _broken(document: Any) -> dict[str, bytes]:
    text = json.dumps(document)
    first = text.index(": ") + 2
    return {
        "nothing": b"",
        "null": b"null",
        "an array": b"[" + text.encode() + b"]",
        "an error with status 200": b'{"type": "X", "message": "Y"}',
        "HTML": b"<!doctype html><title>Bad gateway</title>",
        "two documents": (text + text).encode(),
        "a mark of byte order": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "NaN": text.replace(text[first:], "NaN}").encode(),
        "NaN in a record": text.replace('": ', '": NaN, "unheard_of": ', 1).encode(),
        "Infinity": (text[:-1] + ', "x": -Infinity}').encode(),
        "a comma too many": (text[:-1] + ",}").encode(),
        "no comma": text.replace(", ", " ").encode(),
        "a control character": (text[:-1] + ', "x": "\x01"}').encode(),
        "deep nesting": (text[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}").encode(),
        "deep nesting of objects": (text[:-1] + ', "x": ' + '{"a":' * 100_000).encode(),
        "data twice": (text[:-1] + ', "data": []}').encode(),
        "data twice, written otherwise": (text[:-1] + ', "d\\u0061ta": []}').encode(),
        "no data": text.replace('"data"', '"Data"').encode(),
        "data is null": ('{"data": null, "x": ' + text[8:]).encode(),
    }


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_answer_is_refused(name: str) -> None:
    for body in _broken(CALLS[name][1]).values():
        refuses(name, body)


@pytest.mark.parametrize("name", ["list_jobs", "list_items", "get_job", "report_items"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", '"\\ud83d"'),
        ("status", '"x", "status": "pending"'),
        ("status", '"\\u0073", "stat\\u0075s": "pending"'),
        ("status", '""'),
        ("status", '"' + "x" * 300 + '"'),
    ],
)
def test_a_record_that_cannot_be_trusted_is_refused(name: str, field: str, value: str) -> None:
    body = json.dumps(CALLS[name][1])
    begin = body.index(f'"{field}": ') + len(field) + 4
    end = body.index(",", begin)
    refuses(name, (body[:begin] + value + body[end:]).encode())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["text/html", "application/xml", "image/png"])
def test_an_answer_that_says_it_is_no_json_is_refused(name: str, kind: str) -> None:
    refuses(name, json.dumps(CALLS[name][1]).encode(), **{"content-type": kind})


@pytest.mark.parametrize("packing", ["br", "deflate", "zstd", "gzip, gzip", "aes128gcm"])
def test_an_encoding_that_was_not_asked_for_is_refused(packing: str) -> None:
    body = gzip.compress(json.dumps(page([])).encode())
    refuses("list_items", body, **{"content-encoding": packing})


def _bomb(mebibytes: int) -> Iterator[bytes]:
    """Give so much of nothing, packed a thousand times smaller."""
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    yield packing.compress(b'{"data": [') + packing.flush(zlib.Z_FULL_FLUSH)
    piece = packing.compress(b" " * 2**20) + packing.flush(zlib.Z_FULL_FLUSH)
    yield from repeat(piece, mebibytes)


@pytest.mark.parametrize("in_one_piece", [True, False])
def test_a_bomb_is_refused_before_it_unpacks(in_one_piece: bool) -> None:
    bomb = b"".join(_bomb(4096)) if in_one_piece else _bomb(4096)
    packed = answer(body=bomb, headers={"content-encoding": "gzip"})
    client, _ = scripted(InOrder(packed))
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge) as caught:
            client.get_job(JOB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.problems[0].code == "NET-7"
    assert peak < 3 * MAX_BODY


def test_an_answer_without_end_is_refused() -> None:
    client, _ = scripted(InOrder(answer(body=repeat(b" " * 2**16))))
    with pytest.raises(AnswerTooLarge):
        client.get_job(JOB)


def test_an_error_without_end_is_read_only_at_its_begin() -> None:
    client, _ = scripted(InOrder(answer(status=404, body=repeat(b" " * 2**10))))
    with pytest.raises(PleoRefused, match="PLEO-7"):
        client.get_job(JOB)


# ── N-10: every field, five ways ──

UNSET = object()
#: Field -> the values that are accepted; any other of MUTATIONS is refused.
MUTATIONS: dict[str, Any] = {
    "missing": UNSET, "null": None, "number": 12, "text": "something_new", "list": [],
}  # fmt: skip
FREE = {"missing", "null", "text"}
JOB_FIELDS: dict[str, set[str]] = {
    "id": set(), "companyId": set(), "status": {"text"}, "createdAt": set(),
    "createdBy": set(MUTATIONS), "startedAt": {"missing", "null"},
    "completedAt": {"missing", "null"}, "expiredAt": {"missing", "null"},
    "lastUpdatedAt": {"missing", "null"}, "expiresIn": {"number"}, "isInteractive": set(),
    "numberOfItems": {"number"}, "failureReason": FREE, "failureReasonType": FREE,
    "vendorBasedBookkeeping": set(), "unheardOf": set(MUTATIONS),
}  # fmt: skip
ITEM_FIELDS: dict[str, set[str]] = {
    "accountingEntryId": set(), "exportJobId": set(), "status": {"text"}, "exportedAt": FREE,
    "externalId": FREE, "externalUrl": FREE, "failureReason": FREE, "failureReasonType": FREE,
    "unheardOf": set(MUTATIONS),
}  # fmt: skip
ERROR_FIELDS: dict[str, set[str]] = {
    "accountingEntryId": set(), "type": {"text"}, "message": FREE, "unheardOf": set(MUTATIONS),
}  # fmt: skip
PAGE_FIELDS: dict[str, set[str]] = {
    "hasNextPage": set(), "hasPreviousPage": set(MUTATIONS), "startCursor": set(MUTATIONS),
    "endCursor": FREE, "total": {"missing", "null"}, "unheardOf": set(MUTATIONS),
    "currentRequestPagination": set(MUTATIONS),
}  # fmt: skip


def mutated(document: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    kept = {key: one for key, one in document.items() if key != field}
    return kept if value is UNSET else kept | {field: value}


def accepts(name: str, document: Any) -> bool:
    client, _ = scripted(InOrder(answer(document)))
    try:
        CALLS[name][0](client)
    except TOLD[name]:
        return False
    return True


@pytest.mark.parametrize("field", JOB_FIELDS)
def test_each_field_of_a_job(field: str) -> None:
    for kind, value in MUTATIONS.items():
        job = mutated(job_document(), field, value)
        wanted = kind in JOB_FIELDS[field]
        assert accepts("get_job", {"data": job}) == wanted, kind
        assert accepts("list_jobs", page([job])) == wanted, kind


@pytest.mark.parametrize("field", ITEM_FIELDS)
def test_each_field_of_a_job_item(field: str) -> None:
    for kind, value in MUTATIONS.items():
        item = mutated(item_document(), field, value)
        wanted = kind in ITEM_FIELDS[field]
        assert accepts("list_items", page([item])) == wanted, kind
        assert accepts("report_items", {"data": [item], "errors": []}) == wanted, kind


@pytest.mark.parametrize("field", ERROR_FIELDS)
def test_each_field_of_an_error_of_an_item(field: str) -> None:
    for kind, value in MUTATIONS.items():
        error = mutated(REPORTED["errors"][0], field, value)
        wanted = kind in ERROR_FIELDS[field]
        assert accepts("report_items", {"data": [], "errors": [error]}) == wanted, kind


@pytest.mark.parametrize("name", ["list_jobs", "list_items", "export_items"])
@pytest.mark.parametrize("field", PAGE_FIELDS)
def test_each_field_of_a_page(field: str, name: str) -> None:
    for kind, value in MUTATIONS.items():
        whole = CALLS[name][1]
        changed = mutated(whole["pagination"], field, value)
        wanted = kind in PAGE_FIELDS[field]
        assert accepts(name, {**whole, "pagination": changed}) == wanted, kind


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("createdAt", "2026-03-16"),
        ("createdAt", "2026-03-16T07:58:12"),
        ("createdAt", "2026-13-16T07:58:12Z"),
        ("createdAt", 1773648000),
        ("lastUpdatedAt", "9999-12-31T23:59:59Z"),
        ("expiresIn", -1),
        ("expiresIn", 10**18),
        ("expiresIn", 3600.5),
        ("expiresIn", "3600"),
        ("expiresIn", True),
        ("numberOfItems", -1),
        ("numberOfItems", 10**400),
        ("isInteractive", "true"),
        ("isInteractive", 1),
        ("vendorBasedBookkeeping", "false"),
        ("id", "8c1f2a3b"),
        ("id", f"{JOB}/../x"),
        ("companyId", f"{COMPANY}\n"),
    ],
)
def test_values_of_a_job_that_mean_nothing_are_refused(field: str, value: object) -> None:
    assert not accepts("get_job", {"data": job_document(**{field: value})})


@pytest.mark.parametrize(
    "moment", ["2026-03-16T07:58:12Z", "2026-03-16T08:58:12.123456+01:00", "2026-03-16T07:58:12.1Z"]
)
def test_moments_may_have_fractions_and_zones(moment: str) -> None:
    client, _ = scripted(InOrder(answer({"data": job_document(createdAt=moment)})))
    assert client.get_job(JOB).created_at.isoformat().startswith("2026-03-16T0")


@pytest.mark.parametrize("status", ["paused", "PENDING", "in progress"])
def test_a_state_that_is_not_known_is_neither_pending_nor_running_nor_over(status: str) -> None:
    client, _ = scripted(InOrder(answer({"data": job_document(status=status)})))
    job = client.get_job(JOB)
    assert (job.is_pending, job.is_running, job.is_over) == (False, False, False)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(VALUES), st.sampled_from(["", " ", "\n\t ", "\r\n"]), st.booleans())
def test_records_are_cut_out_as_they_stand(values: list[Any], blank: str, is_ascii: bool) -> None:
    texts = [
        json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
        for value in values
    ]
    space = blank.encode()
    records = (space + b"," + space).join(texts)
    last = b'"pagination": {"hasNextPage": false}'
    body = space + b'{"data"' + space + b":[" + space + records + space + b"]," + last + b"}"
    assert list(read_page(body).elements) == texts
    turned = b"{" + last + b',"data":[' + records + b"]" + space + b"}" + space
    assert list(read_page(turned).elements) == texts


@pytest.mark.parametrize(
    ("element", "found"),
    [
        (b'{"accountingEntryId": "a", "x": {"accountingEntryId": "b"}}', "a"),
        (b'{"x": [{"accountingEntryId": "b"}]}', ""),
        (b'{"accountingEntryId": "a", "accountingEntryId": "b"}', ""),
        (b'{"accountingEntryId": 7}', ""),
        (b'{"accountingEntryId": null}', ""),
        (b'["accountingEntryId"]', ""),
        (b'"accountingEntryId"', ""),
        (b"null", ""),
        (b"7", ""),
    ],
)
def test_the_id_of_an_entry_is_its_own(element: bytes, found: str) -> None:
    assert entry_id_of(element) == found


def test_random_bytes_in_the_middle_are_never_a_crash() -> None:
    chance = Random(7)
    for name, (call, document) in CALLS.items():
        body = json.dumps(document).encode()
        for _ in range(scaled(300)):
            spoilt = bytearray(body)
            for _ in range(chance.randint(1, 4)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            client, _transport = scripted(InOrder(answer(body=bytes(spoilt))))
            try:
                call(client)
            except TOLD[name]:
                continue
