"""S-09: the local page answers its own page in the one browser that was let in, and nobody else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from etl.review.situation import Act
from etl.review.web import LocalPage, Patience, served
from etl.review.web.door import MAX_WRONG, Door
from etl.review.web.guard import MAX_BODY
from etl.review.web.serving import HOST, MAX_SILENT
from tests.fakes.items import item
from tests.fakes.local_page import BY, Reviewed, Visitor, make_reviewed

FILE = {"fileName": "receipt.png", "fileType": "image/png"}


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    return make_reviewed(tmp_path / "work", monkeypatch)


@pytest.fixture
def page(reviewed: Reviewed) -> Iterator[LocalPage]:
    with reviewed.page() as served:
        yield served


@pytest.fixture
def visitor(page: LocalPage) -> Iterator[Visitor]:
    """Give the browser that was let in."""
    with Visitor(page) as found:
        assert found.enter().status_code == 200
        yield found


@pytest.fixture
def stranger(page: LocalPage) -> Iterator[Visitor]:
    """Give a browser that was not."""
    with Visitor(page) as found:
        yield found


def parts(reviewed: Reviewed) -> list[str]:
    """Give every address that shows something of the batch."""
    batch = reviewed.batch
    entry = reviewed.session.view().items[0]["id"]  # type: ignore[union-attr]
    return [
        "batch", f"batch/{batch}", f"batch/{batch}/1", f"vouchers/{batch}/1", "history", "state",
        f"rows/{batch}/1/0/1", f"trace/{batch}/1?item={entry}", f"receipt/{batch}/1/{entry}/1",
        f"difference/{batch}/1/1",
    ]  # fmt: skip


def raw(page: LocalPage, text: bytes) -> bytes:
    """Send bytes as they are, and give the first line of the answer."""
    with socket.create_connection((HOST, page.port), timeout=10) as connection:
        connection.sendall(text)
        answer = b""
        while b"\r\n" not in answer:
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
    return answer.split(b"\r\n")[0]


def test_the_one_who_was_let_in_sees_everything(reviewed: Reviewed, visitor: Visitor) -> None:
    seen = {name: visitor.get(name).status_code for name in parts(reviewed)}
    no_receipt = [name for name in seen if name.startswith("receipt")]
    assert {seen.pop(name) for name in no_receipt} == {409}  # these items have none
    assert set(seen.values()) == {200}


def test_it_listens_on_this_machine_alone(page: LocalPage) -> None:
    assert HOST == "127.0.0.1"
    others = {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, page.port), timeout=2)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example",
        "[::1]",
        "",
    ],
)
def test_a_foreign_host_is_refused(reviewed: Reviewed, visitor: Visitor, host: str) -> None:
    for name in ("", "page.js", *parts(reviewed)):
        assert visitor.get(name, Host=host).status_code in (400, 421), name
    assert visitor.act("discard", {}, Host=host).status_code in (400, 421)


def test_two_hosts_are_refused(page: LocalPage, visitor: Visitor) -> None:
    lines = (
        f"GET /{page.door.path}/page.css HTTP/1.1", f"Host: 127.0.0.1:{page.port}",
        f"Host: 127.0.0.1:{page.port}", "Connection: close", "", "",
    )  # fmt: skip
    assert raw(page, "\r\n".join(lines).encode()).split()[1] in (b"400", b"421")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https:"])
def test_a_foreign_origin_is_refused(reviewed: Reviewed, visitor: Visitor, origin: str) -> None:
    for name in parts(reviewed):
        assert visitor.get(name, Origin=origin).status_code == 403, name
    assert visitor.act("discard", {}, Origin=origin).status_code == 403
    assert "voided" not in reviewed.kinds()


def test_an_act_without_an_origin_is_refused(reviewed: Reviewed, visitor: Visitor) -> None:
    answer = visitor.client.post(
        f"{visitor.base}/act/discard", json={},
        headers={"X-Review-Token": visitor.page.door.act_token},
    )  # fmt: skip
    assert answer.status_code == 403
    assert "voided" not in reviewed.kinds()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_is_refused(
    reviewed: Reviewed, visitor: Visitor, site: str
) -> None:
    for name in parts(reviewed):
        assert visitor.get(name, **{"Sec-Fetch-Site": site}).status_code == 403, name


@pytest.mark.parametrize("place", ["iframe", "frame", "embed", "object", "fencedframe"])
def test_it_is_never_inside_of_another_page(visitor: Visitor, place: str) -> None:
    for name in ("", "batch"):
        answer = visitor.get(name, **{"Sec-Fetch-Dest": place, "Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 403
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"


def test_without_the_cookie_nothing_is_shown(
    reviewed: Reviewed, visitor: Visitor, stranger: Visitor
) -> None:
    for name in parts(reviewed):
        assert stranger.get(name).status_code == 403, name
        for cookie in ("pleo-etl-review=", "pleo-etl-review=x", 'pleo-etl-review="', "=;;"):
            assert stranger.get(name, Cookie=cookie).status_code == 403, name
    assert stranger.act("discard", {}).status_code == 403
    assert "voided" not in reviewed.kinds()


def test_the_token_is_good_once(visitor: Visitor, stranger: Visitor) -> None:
    assert stranger.enter().status_code == 403
    assert "set-cookie" not in stranger.enter().headers
    assert "was opened before" in stranger.get("").text


def test_a_wrong_token_does_not_use_up_the_right_one(stranger: Visitor) -> None:
    assert stranger.enter("x").status_code == 403
    assert stranger.enter().status_code == 200


def test_who_guesses_closes_the_door() -> None:
    door = Door()
    assert [door.enter(f"guess {n}") for n in range(MAX_WRONG)] == [None] * MAX_WRONG
    assert door.enter(door.token) is None


@pytest.mark.parametrize("token", [None, 1, [], {}, "", "é\ud800", "x" * 10_000])
def test_a_token_of_another_kind_opens_nothing(token: object) -> None:
    assert Door().enter(token) is None


def test_secrets_are_long_and_never_the_same() -> None:
    doors = [Door(), Door()]
    secrets = [secret for one in doors for secret in (one.path, one.token, one.act_token)]
    assert len(set(secrets)) == len(secrets)
    assert all(len(secret) >= 16 for secret in secrets)


def test_the_cookie_is_for_this_page_alone(stranger: Visitor) -> None:
    given = stranger.enter().headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=strict" in given
    assert f"Path=/{stranger.page.door.path}" in given
    assert "Domain" not in given


def test_an_address_without_the_path_is_nothing(visitor: Visitor) -> None:
    for path in ("/", "/batch", "/enter", "/page.js", "/xxxxxxxxxxxxxxxx/batch", "/favicon.ico"):
        assert visitor.client.get(visitor.origin + path).status_code == 404, path


def test_the_token_stands_in_no_answer_and_no_log(
    reviewed: Reviewed, visitor: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("", "page.js", *parts(reviewed)):
        answer = visitor.get(name)
        assert visitor.page.door.token not in answer.text
    said = capfd.readouterr()
    assert visitor.page.door.token not in said.out + said.err


# ── acts ──


@pytest.mark.parametrize("act", sorted(Act))
def test_an_act_is_never_a_get(reviewed: Reviewed, visitor: Visitor, act: str) -> None:
    before = reviewed.kinds()
    answer = visitor.get(f"act/{act}?by=x&request=1", **{
        "X-Review-Token": visitor.page.door.act_token
    })  # fmt: skip
    assert answer.status_code in (400, 404, 405)
    assert reviewed.kinds() == before


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT"]
)
def test_other_methods_are_refused(visitor: Visitor, method: str) -> None:
    answer = visitor.client.request(
        method, f"{visitor.base}/act/discard", headers={"Origin": visitor.origin}
    )
    assert answer.status_code in (400, 405)


@pytest.mark.parametrize("token", ["", "x", None])
def test_an_act_without_the_pages_token_is_refused(
    reviewed: Reviewed, visitor: Visitor, token: str | None
) -> None:
    answer = visitor.client.post(
        f"{visitor.base}/act/discard", json={"by": "x", "request": "1"},
        headers={"Origin": visitor.origin} | ({} if token is None else {"X-Review-Token": token}),
    )  # fmt: skip
    assert answer.status_code == 403
    assert "voided" not in reviewed.kinds()


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "application/jsonx"],
)  # fmt: skip
def test_an_act_of_another_content_type_is_refused(visitor: Visitor, kind: str) -> None:
    assert visitor.act("discard", {}, **{"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b'"x"', b"[" * 50_000])
def test_an_act_that_is_no_object_is_refused(visitor: Visitor, body: bytes) -> None:
    answer = visitor.client.post(
        f"{visitor.base}/act/discard", content=body,
        headers={"Origin": visitor.origin, "X-Review-Token": visitor.page.door.act_token,
                 "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "said",
    [{"by": ""}, {"by": 1}, {"by": "x" * 81}, {"request": ""}, {"request": "a b"},
     {"content": ["x"]}, {"batch": "../../x"}, {"text": "x" * 1001}, {"refused": "x"},
     {"refused": [1]}],
)  # fmt: skip
def test_what_no_page_of_ours_sends_is_refused(
    reviewed: Reviewed, visitor: Visitor, said: dict[str, object]
) -> None:
    before = reviewed.kinds()
    act = "imported" if "refused" in said else "discard"
    assert visitor.act(act, said).status_code == 400
    assert visitor.act("no-such-act", {}).status_code == 400
    assert reviewed.kinds() == before
    assert reviewed.bugs == []


def test_a_large_body_is_refused(page: LocalPage, visitor: Visitor) -> None:
    head = post_lines(page, visitor, f"Content-Length: {MAX_BODY + 1}")
    assert raw(page, head).split()[1] == b"413"


def test_a_large_body_in_pieces_is_refused(page: LocalPage, visitor: Visitor) -> None:
    head = post_lines(page, visitor, "Transfer-Encoding: chunked")
    piece = b"400\r\n" + b"x" * 1024 + b"\r\n"
    body = piece * (MAX_BODY // 1024) + b"1\r\nx\r\n"  # and no end
    assert raw(page, head + body).split()[1] == b"413"


def test_a_body_that_does_not_come_is_not_waited_for(
    page: LocalPage, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.review.web.guard.BODY_SECONDS", 0.05)
    head = post_lines(page, visitor, "Content-Length: 100")
    assert raw(page, head + b"{").split()[1] == b"408"


def test_who_is_refused_is_told_though_the_body_comes_later(
    page: LocalPage, stranger: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer in the middle of a request, and a hang-up behind it, may be lost."""
    monkeypatch.setattr("etl.review.web.guard.REST_SECONDS", 10)
    with connect(page, seconds=0.1) as connection:
        connection.sendall(post_lines(page, stranger, "Content-Length: 2"))
        with pytest.raises(TimeoutError):
            connection.recv(12)
        connection.settimeout(10)
        connection.sendall(b"{}")
        assert connection.recv(12) == b"HTTP/1.1 403"


def test_who_is_refused_is_told_though_the_body_never_comes(
    page: LocalPage, stranger: Visitor
) -> None:
    for more in ("Content-Length: 2", "Transfer-Encoding: chunked"):
        assert raw(page, post_lines(page, stranger, more)).split()[1] == b"403"


# ── connections ──


def connect(page: LocalPage, *, seconds: float = 10) -> socket.socket:
    return socket.create_connection((HOST, page.port), timeout=seconds)


def ends(connection: socket.socket) -> bool:
    """Say whether the other side has hung up without a word."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_asks_for_nothing_is_not_waited_for(
    page: LocalPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.review.web.serving.HEAD_SECONDS", 0.05)
    with connect(page) as connection:
        assert ends(connection)


def test_who_asks_letter_by_letter_is_not_waited_for(
    page: LocalPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole head; a letter does not make it longer."""
    monkeypatch.setattr("etl.review.web.serving.HEAD_SECONDS", 0.3)
    with connect(page, seconds=0.02) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _letter in range(500):
            try:
                connection.sendall(b"x")
                assert ends(connection)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                pass
            return
    pytest.fail("it may drip for ever")


def test_the_next_request_of_a_connection_is_not_waited_for_either(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.review.web.serving.HEAD_SECONDS", 0.05)
    whole = f"GET /{visitor.page.door.path}/page.css HTTP/1.1\r\nHost: 127.0.0.1:"
    with connect(visitor.page) as connection:
        connection.sendall(f"{whole}{visitor.page.port}\r\n\r\n".encode())
        answer = b""
        while b"}\n" not in answer[-2:]:
            answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(whole.encode())
        assert ends(connection)


def test_a_head_that_came_in_time_may_wait_for_its_answer(
    page: LocalPage, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.review.web.serving.HEAD_SECONDS", 0.05)
    monkeypatch.setattr("etl.review.web.guard.BODY_SECONDS", 0.3)
    head = post_lines(page, visitor, "Content-Length: 100")
    assert raw(page, head + b"{").split()[1] == b"408"


def test_an_idle_crowd_does_not_keep_the_browser_out(
    page: LocalPage, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However patient the page is: the oldest of those who say nothing make room."""
    monkeypatch.setattr("etl.review.web.serving.HEAD_SECONDS", 600)
    with ExitStack() as crowd:
        idle = [crowd.enter_context(connect(page)) for _ in range(3 * MAX_SILENT)]
        assert all(ends(one) for one in idle[: 2 * MAX_SILENT])
        with Visitor(page) as browser:  # a connection of its own
            assert browser.get("page.css").status_code == 200
        idle[-1].settimeout(0.05)
        with pytest.raises(TimeoutError):  # who came last may still ask
            idle[-1].recv(1)
        assert visitor.get("batch").status_code == 200


def test_a_crowd_that_keeps_coming_does_not_keep_the_browser_out(
    page: LocalPage, visitor: Visitor
) -> None:
    over = threading.Event()

    def come() -> None:
        idle: list[socket.socket] = []
        while not over.is_set():
            idle.append(connect(page))
            if len(idle) > 3 * MAX_SILENT:
                idle.pop(0).close()
        for one in idle:
            one.close()

    crowd = threading.Thread(target=come)
    crowd.start()
    try:
        seen = set()
        for _ in range(10):
            with Visitor(page) as browser:
                seen.add(browser.get("page.css").status_code)
    finally:
        over.set()
        crowd.join()
    assert seen == {200}


def test_a_browser_that_is_quicker_than_the_server_waits(reviewed: Reviewed) -> None:
    """The browser is opened before anything is served."""
    patience = Patience(reviewed.session.clock)
    page = LocalPage(reviewed.session, by=BY, patience=patience, bug=reviewed.bugs.append)
    with connect(page) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with served(page):
            assert connection.recv(12) == b"HTTP/1.1 421"


def post_lines(page: LocalPage, visitor: Visitor, more: str) -> bytes:
    """Give the head of an act as our own page sends it."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    lines = (
        f"POST /{page.door.path}/act/discard HTTP/1.1", f"Host: 127.0.0.1:{page.port}",
        f"Origin: {visitor.origin}", f"Cookie: {cookies}", "Content-Type: application/json",
        f"X-Review-Token: {page.door.act_token}", more, "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


# ── addresses ──


@pytest.mark.parametrize(
    "path",
    [
        "receipt/{batch}/1/..%2f..%2fx/1", "receipt/{batch}/1/%2e%2e/1", "receipt/../../x/1/x/1",
        "receipt/{batch}/1/{entry}/0", "receipt/{batch}/1/{entry}/-1",
        "receipt/{batch}/1/{entry}/x",
        "receipt/{batch}/9/{entry}/1", "receipt/nobody/1/{entry}/1",
        "receipt/{batch}/1/{entry}/1/..",
        "receipt/{batch}/1/{entry}/999999999999999999999999", "receipt/{batch}/1//1",
        "rows/{batch}/1/../1", "rows/{batch}/1/99/1", "rows/{batch}/1/-1/1", "rows/..%2f/1/0/1",
        "trace/{batch}/1?file=99&row=1", "trace/{batch}/1?file=../x",
        "trace/{batch}/1?item=../../x",
        "trace/{batch}/1?item=%00", "batch/..", "batch/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "batch/*",
        "batch/{batch}/99", "vouchers/{batch}/1?from=x", "vouchers/{batch}/0", "page.css/..",
        "..%5c..%5cx", "batch/{batch};x", "difference/{batch}/1/99", "state?batch=../x",
    ],
)  # fmt: skip
def test_no_address_leads_out_of_the_batch(reviewed: Reviewed, visitor: Visitor, path: str) -> None:
    entry = reviewed.session.view().items[0]["id"]  # type: ignore[union-attr]
    target = path.format(batch=reviewed.batch, entry=entry)
    # As it is: a client would take ".." away before it is sent.
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    lines = (
        f"GET /{visitor.page.door.path}/{target} HTTP/1.1", f"Host: 127.0.0.1:{visitor.page.port}",
        f"Cookie: {cookies}", "Connection: close", "", "",
    )  # fmt: skip
    assert raw(visitor.page, "\r\n".join(lines).encode()).split()[1] in (b"400", b"404", b"409")
    assert reviewed.bugs == []


def test_a_long_address_is_refused(visitor: Visitor) -> None:
    assert visitor.get("trace/x/1?item=" + "x" * 5000).status_code == 414


# ── what leaves ──


def test_every_answer_is_locked_down(reviewed: Reviewed, visitor: Visitor) -> None:
    answers = [
        visitor.get(name) for name in ("", "page.css", "page.js", "nothing", *parts(reviewed))
    ]
    answers += [visitor.get("batch", Host="evil.example"), visitor.act("discard", {"content": "x"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert answer.headers["cache-control"] == "no-store, max-age=0"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
    policy = visitor.get("batch").headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "script-src 'self'" in policy


def test_no_page_holds_a_script_or_a_style_of_its_own(reviewed: Reviewed, visitor: Visitor) -> None:
    for name in ("", *parts(reviewed)):
        text = visitor.get(name).text.casefold()
        assert text.count("<script") == text.count('page.js" defer></script>')
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text


RECEIPTS = {
    b"%PDF-1.4 x": ("application/pdf", "inline"),
    b"\x89PNG\r\n\x1a\nx": ("image/png", "inline"),
    b"\xff\xd8\xffx": ("image/jpeg", "inline"),
    b"GIF89a": ("image/gif", "inline"),
    b"RIFF0000WEBPx": ("image/webp", "inline"),
    b"<!doctype html><script>1</script>": ("application/octet-stream", "attachment"),
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>": (
        "application/octet-stream", "attachment",
    ),
    b"<?xml version='1.0'?><html/>": ("application/octet-stream", "attachment"),
    b"PK\x03\x04": ("application/octet-stream", "attachment"),
    b"": ("application/octet-stream", "attachment"),
}  # fmt: skip


@pytest.mark.parametrize("content", RECEIPTS, ids=lambda content: repr(content[:12]))
def test_a_receipt_is_shown_by_what_it_is_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    reviewed = make_reviewed(tmp_path / "work", monkeypatch, [item(n=1)])
    entry = reviewed.session.view().items[0]["id"]  # type: ignore[union-attr]
    name = 'x"; filename=evil.html\r\nX: 1.html'
    _put_receipt(reviewed, entry, content, name=name)
    with reviewed.page() as page, Visitor(page) as visitor:
        visitor.enter()
        answer = visitor.get(f"receipt/{reviewed.batch}/1/{entry}/1")
    kind, how = RECEIPTS[content]
    assert answer.content == content
    assert answer.headers["content-type"] == kind
    shown = answer.headers["content-disposition"]
    assert shown.startswith(f"{how}; filename*=UTF-8''")
    assert '"' not in shown
    assert "x" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def _put_receipt(reviewed: Reviewed, entry: str, content: bytes, *, name: str) -> None:
    """Store a receipt with the batch, as if it had been fetched."""
    from etl.files import sha256
    from etl.live.desk import folders_of
    from etl.live.stored import StoredBatch, StoredFile

    folders = folders_of(reviewed.session.workspace, "acme")
    stored = StoredBatch(folders.stored(reviewed.batch))
    job = json.loads((stored.folder / "job.json").read_text())["job"]
    file = StoredFile(entry, 1, name, "text/html", len(content), sha256(content), None)
    stored.write_input(job, items=stored.read_items(), attachments=[file])
    (stored.attachments_folder / "1").write_bytes(content)


def test_a_receipt_that_was_changed_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewed = make_reviewed(tmp_path / "work", monkeypatch, [item(n=1)])
    seen = reviewed.session.view()
    assert seen is not None
    entry = seen.items[0]["id"]
    _put_receipt(reviewed, entry, b"%PDF-1.4 x", name="a.pdf")
    path = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    (path / "attachments" / "1").write_bytes(b"%PDF-1.4 y")
    with reviewed.page() as page, Visitor(page) as visitor:
        visitor.enter()
        answer = visitor.get(f"receipt/{reviewed.batch}/1/{entry}/1")
    assert answer.status_code == 409
    assert b"%PDF" not in answer.content


def test_a_file_that_was_changed_is_not_shown(reviewed: Reviewed, visitor: Visitor) -> None:
    seen = reviewed.session.view()
    assert seen is not None
    path = seen.folder / seen.view.files[0].name
    path.write_bytes(path.read_bytes().replace(b"119", b"918"))
    answer = visitor.get("batch")
    assert answer.status_code == 409
    assert "has been changed" in answer.text


def test_it_ends_by_itself_when_nobody_comes(reviewed: Reviewed) -> None:
    with reviewed.page(idle=60.0) as page, Visitor(page) as visitor:
        visitor.enter()
        reviewed.live.pleo.advance(50)
        assert visitor.get("batch").status_code == 200  # a person came
        reviewed.live.pleo.advance(50)
        assert visitor.get("state").status_code == 200  # the page looks by itself
        reviewed.live.pleo.advance(20)
        assert ended(page)


def ended(page: LocalPage) -> bool:
    """Wait until nothing listens any more."""
    for _ in range(100):
        try:
            socket.create_connection((HOST, page.port), timeout=1).close()
        except OSError:
            return True
        page.acts.wait()
        threading.Event().wait(0.05)
    return False


def test_a_batch_that_cannot_be_made_again_is_shown_as_it_was_written(
    reviewed: Reviewed, visitor: Visitor
) -> None:
    folder = reviewed.live.root / ".pleo-etl" / "batches" / "acme" / reviewed.batch
    (folder / "items.ndjson").write_bytes(b"{}\n")
    answer = visitor.get(f"batch/{reviewed.batch}")
    assert answer.status_code == 409
    assert "discard the batch and run again" in answer.text.casefold()
    assert f"as-it-was/{reviewed.batch}/1" in answer.text
    then = visitor.get(f"as-it-was/{reviewed.batch}/1")
    assert then.content == (folder / "r1" / "review.html").read_bytes()
    assert "sandbox allow-popups" in then.headers["content-security-policy"]
    assert "script-src" not in then.headers["content-security-policy"]
    (folder / "r1" / "review.html").write_text("<script>1</script>")
    assert visitor.get(f"as-it-was/{reviewed.batch}/1").status_code == 409


def test_a_name_or_reason_holds_no_halves_and_no_direction_marks(
    reviewed: Reviewed, visitor: Visitor
) -> None:
    """An act that was done is answered; a half of a character could not be written down again."""
    hostile = "A\ud83d\u202e \u2066Ann\x1b[2J"
    content = reviewed.session.state().content
    entry = reviewed.session.view().items[0]["id"]  # type: ignore[union-attr]
    said = {"by": hostile, "text": hostile, "content": content, "entry": entry}
    answer = visitor.act("reject", said)
    assert (answer.status_code, answer.json()["is_done"]) == (200, True)
    decisions = reviewed.session.state().decisions
    assert [one.reason for one in decisions] == ["A    Ann [2J"]
    assert "A    Ann [2J" in [one.by for one in reviewed.session.moments(reviewed.batch)]
