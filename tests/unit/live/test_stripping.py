"""Download links leave an item before it reaches a disk; every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl.live.stored import strip_links
from tests.fakes.items import item

LINK = "https://files.example.com/a/b.pdf?sig=S3CRET"
MARK = b"S3CRET"


def with_files(*files: dict[str, Any] | None, **given: Any) -> dict[str, Any]:
    return item(n=1, files=list(files), **given)


def raw(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_link_becomes_an_empty_text_and_every_other_byte_stays() -> None:
    sent = raw(with_files({"url": LINK, "type": "image/png", "size": 7}, note="Grüße  an  alle"))
    stripped = strip_links(sent)
    assert stripped.item == sent.replace(json.dumps(LINK).encode(), b'""')
    assert stripped.item.count(b'""') == sent.count(b'""') + 1


def test_the_links_are_numbered_as_the_ingest_numbers_them() -> None:
    sent = with_files(
        None, {"url": LINK, "type": "image/png", "size": 7}, {"url": f"{LINK}2", "type": "text/x"}
    )
    first, second = strip_links(raw(sent)).links
    assert (first.entry_id, first.number) == (sent["accountingEntryId"], 1)
    assert (first.url.reveal(), first.type, first.size) == (LINK, "image/png", 7)
    assert (second.number, second.url.reveal(), second.size) == (2, f"{LINK}2", None)


def test_the_link_to_the_item_in_the_web_app_stays() -> None:
    sent = raw(with_files({"url": LINK}))
    assert b'"exportItem": "https://app.pleo.io/export/1"' in strip_links(sent).item


def test_an_item_without_files_stays_as_it_is() -> None:
    sent = raw(item(n=1, note='say "url": "x" and https://example.com'))
    assert strip_links(sent) == (type(strip_links(sent)))(sent, ())


HOSTILE = {
    "key in escapes": b'{"files":[{"\\u0075\\u0072l":"https://x/S3CRET"}]}',
    "value in escapes": b'{"files":[{"url":"\\u0068ttps:\\/\\/x\\/S3CRET"}]}',
    "key in capitals": b'{"FILES":[{"URL":"https://x/S3CRET"}]}',
    "key twice": b'{"files":[{"url":"https://x/S3CRET","url":"https://y/S3CRET"}]}',
    "files twice": b'{"files":[{"url":"https://x/S3CRET"}],"files":[{"url":"https://y/S3CRET"}]}',
    "nested": b'{"files":[{"url":{"href":["https://x/S3CRET",{"a":"//y/S3CRET"}]}}]}',
    "no scheme": b'{"files":[{"url":"//x/S3CRET"}]}',
    "other key of a file": b'{"files":[{"download":"https://x/S3CRET"}]}',
    "unknown field": b'{"downloads":{"pdf":["https://x/S3CRET"]}}',
    "again in a note": b'{"files":[{"url":"https://x/S3CRET"}],"note":"see https://x/S3CRET."}',
    "again in escapes": b'{"files":[{"url":"https://x/S3CRET"}],"note":"https:\\/\\/x/S3CRET"}',
    "again as web link": b'{"files":[{"url":"https://x/S3CRET"}],"_links":{"web":'
    b'{"exportItem":"https://x/S3CRET"}}}',
    "web links below files": b'{"files":[{"_links":{"web":{"x":"https://x/S3CRET"}}}]}',
    "empty keys": b'{"":{"":{"note":"https://x/S3CRET"}}}',
    "a text alone": b'"https://x/S3CRET"',
    "a list": b'["https://x/S3CRET"]',
    "cut in the link": b'{"files":[{"url":"https://x/S3CRET',
    "cut in an escape": b'{"files":[{"url":"https://x/S3CRET\\',
    "no quotes": b"{files:[{url:https://x/S3CRET}]}",
    "other quotes": b"{'files':[{'url':'https:\\/\\/x/S3CRET'}]}",
    "no JSON with escapes": b'{"files":[{"url":"\\u0068ttps:\\u002f\\u002fx/S3CRET"]',
    "not UTF-8": b'{"note":"\xff","files":[{"url":"https://x/S3CRET"}]}',
    "half a character": b'{"note":"\\ud800","files":[{"url":"https://x/S3CRET"}]}',
    "a line break in a text": b'{"files":[{"url":"https://x/\nS3CRET"}]}',
    "deep": b'{"a":' * 3000 + b'{"url":"https://x/S3CRET"}' + b"}" * 3000,
    "after the end": b'{"files":[]} {"url":"https://x/S3CRET"}',
}


@pytest.mark.parametrize("spelling", HOSTILE)
def test_no_link_survives_however_it_is_spelled(spelling: str) -> None:
    sent = HOSTILE[spelling]
    left = strip_links(sent).item
    assert MARK not in left
    assert left


@pytest.mark.parametrize("spelling", HOSTILE)
def test_what_can_be_read_still_can_and_what_is_broken_stays_so(spelling: str) -> None:
    def is_json(text: bytes) -> bool:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True

    sent = HOSTILE[spelling]
    assert is_json(strip_links(sent).item) == is_json(sent)


def test_links_print_as_stars() -> None:
    (link,) = strip_links(raw(with_files({"url": LINK, "type": "image/png"}))).links
    assert "S3CRET" not in f"{link!r} {link} {link.url}"
