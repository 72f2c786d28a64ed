"""Attachments are downloaded whole, checked, and never dropped without a word."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from etl.errors import UserMustFix
from etl.pleo.downloads import Caps, Fetched, fetch_files
from etl.pleo.links import FileLink
from etl.pleo.sandbox import Pleo
from etl.secret import Secret
from tests.fakes.file_server import (
    Give,
    Handler,
    Store,
    answer,
    broken_off,
    free_port,
    in_turn,
    moved,
    serving,
    status,
)
from tests.fakes.pleo_client import scene_of

PDF = b"%PDF-1.7\n" + b"receipt " * 1000
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 10


class StillClock:
    """Stands still but for what is slept; every look at it may cost some seconds."""

    def __init__(self, each_look: float = 0) -> None:
        self.slept: list[float] = []
        self._elapsed = 0.0
        self._each_look = each_look

    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)

    def elapsed(self) -> float:
        self._elapsed += self._each_look
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._elapsed += seconds


@pytest.fixture
def store() -> Iterator[Store]:
    with serving() as found:
        yield found


def link(url: str, *, number: int = 1, size: int | None = None, kind: str = "") -> FileLink:
    return FileLink("entry-1", number, Secret(url), kind or "application/pdf", size)


class Scenario:
    """One link to a store, and all that came of it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self.clock = StillClock()
        self.told: list[str] = []

    def fetch(
        self, give: Give, *, size: int | None = None, kind: str = "", caps: Caps | None = None
    ) -> Fetched:
        self.store.gives["/f?token=canary-4711"] = give
        self.folder /= "again"
        self.folder.mkdir()
        url = self.store.url("/f?token=canary-4711")
        (got,) = fetch_files(
            [link(url, size=size, kind=kind)], folder=self.folder, is_loopback=True,
            clock=self.clock, caps=caps or Caps(), tell=self.told.append,
        )  # fmt: skip
        assert "canary" not in f"{got} {self.told}"
        assert (got.path is None) == (os.listdir(self.folder) == [])
        if got.path is not None:
            content = got.path.read_bytes()
            assert (got.bytes, got.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert bool(got.problem) == any(got.problem in line for line in self.told if got.problem)
        return got


@pytest.fixture
def scenario(tmp_path: Path, store: Store) -> Scenario:
    return Scenario(tmp_path, store)


def test_a_file_arrives_byte_by_byte_as_it_was(scenario: Scenario) -> None:
    got = scenario.fetch(answer(PDF, content_type="application/pdf"), size=len(PDF))
    assert got.path == scenario.folder / "1"
    assert got.path.read_bytes() == PDF
    assert (got.entry_id, got.number, got.type) == ("entry-1", 1, "application/pdf")
    assert got.problem is None
    assert scenario.told == []
    assert os.stat(got.path).st_mode & 0o077 == 0 or os.name == "nt"


def test_nothing_is_sent_but_who_asks_for_what(scenario: Scenario) -> None:
    scenario.fetch(answer(PDF, set_cookie="id=1; Path=/"), size=len(PDF))
    scenario.store.gives["/g"] = answer(PDF)
    scenario.fetch(moved("/g"))
    assert len(scenario.store.requests) == 3
    for _, headers in scenario.store.requests:
        assert set(headers) == {"host", "user-agent", "accept", "accept-encoding"}
        assert headers["accept-encoding"] == "identity"
        assert headers["user-agent"].startswith("pleo-etl/")


# Check 16 of Pleo's rules: downloads that fail twice, and for ever.


@pytest.mark.parametrize(
    "fault",
    [status(500), status(503), status(429), status(408), broken_off(PDF[:100], length=len(PDF)),
     broken_off(b"", length=None), broken_off(PDF[:100], length=None), answer(b""),
     answer(gzip.compress(PDF)[:-9], content_encoding="gzip"),
     answer(b"not gzip", content_encoding="gzip")],
    ids=["500", "503", "429", "408", "cut", "empty", "short", "nothing", "gzip cut", "no gzip"],
)  # fmt: skip
def test_what_fails_twice_and_then_works_is_there(scenario: Scenario, fault: Give) -> None:
    got = scenario.fetch(in_turn(fault, fault, answer(PDF)), size=len(PDF))
    assert got.problem is None
    assert got.bytes == len(PDF)
    assert scenario.clock.slept == [1, 2]
    assert [line.rpartition(", ")[2] for line in scenario.told] == ["1 of 4 done", "2 of 4 done"]


def test_what_always_fails_is_told_and_reported(scenario: Scenario) -> None:
    got = scenario.fetch(status(503), size=len(PDF))
    assert got.problem == "the server cannot give it now (503), also at attempt 4"
    assert not got.is_expired
    assert scenario.store.count("/f?token=canary-4711") == 4
    assert scenario.clock.slept == [1, 2, 4]
    assert scenario.told[-1] == f"attachment 1 of item entry-1: {got.problem}"


def test_nobody_at_home_is_tried_again_too(tmp_path: Path) -> None:
    clock = StillClock()
    url = f"http://127.0.0.1:{free_port()}/f"
    (got,) = fetch_files([link(url)], folder=tmp_path, is_loopback=True, clock=clock)
    assert got.problem == "the connection to the server failed, also at attempt 4"
    assert clock.slept == [1, 2, 4]


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7), ("100000", 60), ("-5", 1), ("soon", 1), ("9" * 400, 60)]
)
def test_a_server_that_asks_for_patience_gets_some(
    scenario: Scenario, asked: str, waited: float
) -> None:
    got = scenario.fetch(in_turn(status(429, retry_after=asked), answer(PDF)))
    assert got.problem is None
    assert scenario.clock.slept == [waited]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_an_expired_link_is_said_to_be_one_and_not_tried_again(
    scenario: Scenario, code: int
) -> None:
    got = scenario.fetch(status(code))
    assert got.is_expired
    assert got.problem == f"the link is not valid, or no longer ({code})"
    assert scenario.store.count("/f?token=canary-4711") == 1


@pytest.mark.parametrize("code", [204, 206, 304, 400, 401, 418, 501])
def test_a_refusal_is_not_tried_again(scenario: Scenario, code: int) -> None:
    got = scenario.fetch(status(code) if code >= 400 or code == 206 else answer(b"", code=code))
    assert got.problem == f"the server does not give it ({code})"
    assert not got.is_expired
    assert len(scenario.store.requests) == 1


# What is not what was announced.


def test_another_size_than_announced_is_said_and_the_whole_file_kept(scenario: Scenario) -> None:
    got = scenario.fetch(answer(PDF), size=len(PDF) + 1)
    assert got.problem == "Pleo announced 8010 bytes, and the file has 8009"
    assert got.bytes == 8009
    assert len(scenario.store.requests) == 1


def test_a_file_without_a_stated_length_may_be_longer_but_not_shorter(scenario: Scenario) -> None:
    got = scenario.fetch(broken_off(PDF, length=None), size=len(PDF) - 1)
    assert got.problem == "Pleo announced 8008 bytes, and the file has 8009"


def test_a_cut_file_is_never_kept(scenario: Scenario) -> None:
    got = scenario.fetch(broken_off(PDF[:100], length=None), size=len(PDF))
    assert got.path is None
    assert got.problem == "the file was cut off on its way, also at attempt 4"


@pytest.mark.parametrize(
    ("body", "said", "announced", "remark"),
    [
        (PDF, "application/pdf", "image/png", "Pleo announced a PNG image, and the file is a PDF"),
        (PNG, "application/pdf", "image/png", None),
        (PDF, "binary/octet-stream", "application/pdf", None),
        (b"?", "image/png; x=y", "application/pdf",
         "Pleo announced a PDF, and the file is a PNG image"),
        (b"?", "application/unheard", "application/pdf", None),
        (PDF, "application/pdf", "application/unheard", None),
    ],
)  # fmt: skip
def test_another_type_than_announced_is_said(
    scenario: Scenario, body: bytes, said: str, announced: str, remark: str | None
) -> None:
    got = scenario.fetch(answer(body, content_type=said), kind=announced)
    assert got.problem == remark
    assert got.path is not None


def test_a_web_page_is_no_receipt(scenario: Scenario) -> None:
    page = b"\n<!DOCTYPE html><title>Log in</title>"
    got = scenario.fetch(answer(page), size=len(page))
    assert got.problem == "the server gave a web page in place of the file"
    assert scenario.fetch(answer(page), kind="text/html").path is not None


def test_a_packed_file_is_unpacked(scenario: Scenario) -> None:
    got = scenario.fetch(answer(gzip.compress(PDF), content_encoding="gzip"), size=len(PDF))
    assert (got.problem, got.bytes) == (None, len(PDF))
    got = scenario.fetch(answer(PDF, content_encoding="br"))
    assert got.problem == "the server packed the file in a way that is not known"


# Caps.


@pytest.mark.parametrize(
    "give",
    [
        answer(bytes(1025)),
        broken_off(b"", length=1025),
        broken_off(bytes(1025), length=None),
        answer(gzip.compress(bytes(1025)), content_encoding="gzip"),
    ],
    ids=["whole", "announced by the server", "unannounced", "packed"],
)
def test_a_file_over_the_cap_is_not_taken(scenario: Scenario, give: Give) -> None:
    got = scenario.fetch(give, caps=Caps(bytes_each=1024))
    assert got.problem == "the file is larger than 0.000976562 MB, which is the limit"
    assert len(scenario.store.requests) == 1
    assert scenario.fetch(answer(bytes(1024)), caps=Caps(bytes_each=1024)).bytes == 1024


def test_a_file_that_pleo_announces_too_large_is_not_even_asked_for(scenario: Scenario) -> None:
    got = scenario.fetch(answer(PDF), size=30 * 1024 * 1024 + 1)
    assert got.problem == "the file is larger than 30 MB, which is the limit"
    assert scenario.store.requests == []


def test_a_bomb_is_stopped_at_the_cap(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 MB of zeros in 40 kB: no piece may be larger than what is unpacked at a time."""
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    sizes: list[int] = []

    def write(path: Path, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            sizes.append(len(piece))

    monkeypatch.setattr("etl.files.write_pieces", write)
    got = scenario.fetch(answer(bomb, content_encoding="gzip"))
    assert got.problem == "the file is larger than 30 MB, which is the limit"
    assert max(sizes) == 64 * 1024
    assert sum(sizes) <= 30 * 1024 * 1024


def test_a_drip_ends_when_its_time_is_over(scenario: Scenario) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        while True:
            handler.wfile.write(b"x")

    scenario.clock = StillClock(each_look=1)
    got = scenario.fetch(drip)
    assert got.problem == "the file did not come within 180 seconds"
    assert len(scenario.store.requests) == 1


def test_headers_that_drip_end_as_well(scenario: Scenario) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()

    scenario.clock = StillClock(each_look=1)
    got = scenario.fetch(drip, caps=Caps(seconds_each=30))
    assert got.problem == "the file did not come within 30 seconds"


def test_the_attachments_of_a_job_have_an_end_together(tmp_path: Path, store: Store) -> None:
    store.gives["/late"] = status(503)
    store.gives["/f"] = answer(PDF)
    links = [link(store.url("/late")), link(store.url("/f"), number=2)]
    got = fetch_files(
        links, folder=tmp_path, is_loopback=True, clock=StillClock(),
        caps=Caps(seconds_all=3, at_once=1),
    )  # fmt: skip
    over = "the 0.05 minutes for the attachments of a job are over"
    assert [one.problem for one in got] == [over, over]
    assert store.count("/f") == 0


# Many.


def test_fifty_files_come_in_their_order(tmp_path: Path, store: Store) -> None:
    bodies = {n: PDF + str(n).encode() for n in range(50)}
    for n, body in bodies.items():
        good = answer(body)
        store.gives[f"/{n}"] = in_turn(status(502), good) if n % 7 == 0 else good
    store.gives["/13"] = status(404)
    links = [link(store.url(f"/{n}"), number=n + 1) for n in bodies]
    got = fetch_files(links, folder=tmp_path, is_loopback=True, clock=StillClock())
    assert [one.number for one in got] == list(range(1, 51))
    assert [one.number for one in got if one.is_expired] == [14]
    for n, one in enumerate(got):
        if n != 13:
            assert one.path == tmp_path / str(n + 1)
            assert one.path.read_bytes() == bodies[n]
    assert len(os.listdir(tmp_path)) == 49


def test_no_links_no_requests(tmp_path: Path) -> None:
    assert fetch_files([], folder=tmp_path, is_loopback=False, clock=StillClock()) == []


def test_a_full_disk_stops_everything(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    for n in range(50):
        store.gives[f"/{n}"] = answer(PDF)
    monkeypatch.setattr("etl.files.os.fsync", full)
    links = [link(store.url(f"/{n}")) for n in range(50)]
    with pytest.raises(UserMustFix, match=r"OUT-2.*No space left"):
        fetch_files(links, folder=tmp_path, is_loopback=True, clock=StillClock())
    assert os.listdir(tmp_path) == []
    assert len(store.requests) <= 8  # four at work, and not the other 42


def test_a_stop_in_a_thread_reaches_the_caller(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stop

    store.gives["/f"] = answer(PDF)
    monkeypatch.setattr("etl.files.write_pieces", stop)
    with pytest.raises(Stop):
        fetch_files(
            [link(store.url("/f"))] * 9, folder=tmp_path, is_loopback=True, clock=StillClock()
        )


def test_the_files_of_the_sandbox_can_be_had_for_a_day(tmp_path: Path) -> None:
    with scene_of(Pleo()) as scene:
        data = scene.client.entries(scene.job).json()["data"]
        links = [
            FileLink(entry["accountingEntryId"], n, Secret(f["url"]), f["type"], f["size"])
            for entry in data
            for n, f in enumerate(entry["files"] or [], 1)
        ]
        assert len(links) > 3
        got = fetch_files(links, folder=tmp_path, is_loopback=True, clock=StillClock())
        assert [(one.problem, one.bytes) for one in got] == [(None, one.size) for one in links]
        scene.pleo.advance(24 * 3600)
        got = fetch_files(links, folder=tmp_path, is_loopback=True, clock=StillClock())
        assert all(one.is_expired for one in got)


def test_a_transport_handed_in_is_asked_in_order(tmp_path: Path) -> None:
    asked = []

    def give(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=PDF)

    links = [link(f"https://files.example.com/{n}", size=len(PDF)) for n in range(6)]
    got = fetch_files(
        links, folder=tmp_path, is_loopback=False, clock=StillClock(),
        transport=httpx.MockTransport(give),
    )  # fmt: skip
    assert asked == [f"/{n}" for n in range(6)]
    assert all(one.problem is None for one in got)
