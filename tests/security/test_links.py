"""S-06: links come from outside. None leads anywhere but to the public internet by https."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import httpcore
import httpx
import pytest

from etl.pleo.downloads import Caps, Fetched, fetch_files
from etl.pleo.fetching import Fetcher
from etl.pleo.links import FileLink, IPAddress, may_connect
from etl.pleo.network import CheckedNetwork, CheckedTransport
from etl.secret import Secret
from tests.fakes.file_server import (
    Give,
    answer,
    certificate_for,
    in_turn,
    moved,
    serving,
    status,
)

PUBLIC = "93.184.216.34"
PDF = b"%PDF-1.7\n"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)

    def elapsed(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        pass


class Wire(httpcore.NetworkBackend):
    """Notes every address that is connected to; leads public ones to a store on this machine."""

    def __init__(self, port: int = 0) -> None:
        self.connected: list[str] = []
        self._port = port
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append(host)
        if not self._port:
            raise httpcore.ConnectError("nothing is there")
        return self._network.connect_tcp("127.0.0.1", self._port, timeout)


class Names:
    """A name server: gives the answers of a list, one by one, and the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = [list(answer) for answer in answers]

    def __call__(self, host: str, _port: int) -> Sequence[IPAddress]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ipaddress.ip_address(text) for text in answer]


def fetch(
    url: str,
    folder: Path,
    *,
    wire: Wire,
    names: Names | None = None,
    tls: ssl.SSLContext | None = None,
    is_loopback: bool = False,
    told: list[str] | None = None,
) -> Fetched:
    clock = StillClock()
    if names is None:
        network = CheckedNetwork(clock=clock, network=wire)
    else:
        network = CheckedNetwork(clock=clock, network=wire, resolve=names)
    with closing(CheckedTransport(network, tls or ssl.create_default_context())) as transport:
        fetcher = Fetcher(
            transport, network, clock=clock, caps=Caps(), ends_at=1000, is_loopback=is_loopback,
            stopped=Event(), tell=[].append if told is None else told.append,
        )  # fmt: skip
        return fetcher.fetch(FileLink("e", 1, Secret(url), "application/pdf", None), folder / "1")


NOT_FOLLOWED = [
    "http://files.example.com/f", "ftp://files.example.com/f", "file:///etc/passwd", "//x.com/f",
    "/f", "", "https://", "https:///f", "javascript:alert(1)", "data:,x", "gopher://x.com/",
    "https://user@files.example.com/f", "https://user:canary@files.example.com/f",
    "https://files.example.com@127.0.0.1/f", "https://files.example.com%2f@127.0.0.1/f",
    # addresses that are not public, in every spelling
    "https://127.0.0.1/f", "https://127.1/f", "https://2130706433/f", "https://017700000001/f",
    "https://0177.0.0.1/f", "https://0x7f000001/f", "https://0x7f.0.0.1/f", "https://0x7f.1/f",
    "https://127.0.0.1./f", "https://127.000.000.001/f", "https://134744072/f", "https://8.8.2056/f",
    "https://0/f", "https://0.0.0.0/f", "https://10.0.0.1/f", "https://172.16.0.1/f",
    "https://192.168.1.1/f", "https://100.64.0.1/f", "https://100.100.100.200/latest",
    "https://169.254.169.254/latest/meta-data/", "https://0xa9fea9fe/", "https://2852039166/",
    "https://168.63.129.16/", "https://192.0.0.192/", "https://224.0.0.1/f", "https://240.0.0.1/f",
    "https://255.255.255.255/f", "https://198.18.0.1/f", "https://203.0.113.1/f",
    "https://①②⑦.⓪.⓪.①/f", "https://127。0。0。1/f",
    "https://[::1]/f", "https://[::]/f", "https://[::ffff:127.0.0.1]/f", "https://[::ffff:7f00:1]/f",
    "https://[::127.0.0.1]/f", "https://[64:ff9b::127.0.0.1]/f", "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/f", "https://[2002:a9fe:a9fe::1]/f", "https://[2001:0:7f00:1::]/f",
    "https://[fe80::1]/f", "https://[fe80::1%25eth0]/f", "https://[fc00::1]/f",
    "https://[fd00:ec2::254]/f", "https://[fec0::1]/f", "https://[ff02::1]/f",
    "https://[2001:db8::1]/f", "https://[100::1]/f",
    "https://x.com:99999/f", "https://x.com:-1/f", "https://[::1/f", "https://x\n.com/f",
    "https://" + "x" * 9000 + ".com/f",
]  # fmt: skip


@pytest.mark.parametrize("is_loopback", [False, True])
@pytest.mark.parametrize("url", NOT_FOLLOWED)
def test_a_link_that_leads_elsewhere_is_not_followed(
    tmp_path: Path, url: str, is_loopback: bool
) -> None:
    if is_loopback and url.startswith("http:"):
        url = url.replace("files.example.com", PUBLIC)
    wire, names = Wire(), Names([PUBLIC])
    got = fetch(url, tmp_path, wire=wire, names=names, is_loopback=is_loopback)
    assert got.path is None
    assert got.problem is not None
    assert got.problem.startswith(("the link", "the connection")) or "https" in got.problem
    assert wire.connected == []
    assert names.asked == []


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert may_connect(ipaddress.ip_address(address), is_local=False)
    assert not may_connect(ipaddress.ip_address(address), is_local=True)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["192.0.0.192"], ["168.63.129.16"], ["169.254.169.254"],
        ["::1"], ["fd00:ec2::254"], ["10.0.0.1", PUBLIC],
        ["::ffff:10.0.0.1"], [PUBLIC, "127.0.0.1"], [PUBLIC, "2606:2800:220:1::1", "fe80::1"],
    ],
)  # fmt: skip
def test_a_name_with_any_address_inside_is_not_followed(tmp_path: Path, found: list[str]) -> None:
    wire = Wire()
    got = fetch("https://files.example.com/f", tmp_path, wire=wire, names=Names(found))
    assert got.problem == "the link leads into a network that is not public"
    assert wire.connected == []


def test_the_names_of_this_machine_are_looked_up_and_refused(tmp_path: Path) -> None:
    wire = Wire()
    got = fetch("https://localhost/f", tmp_path, wire=wire)
    assert got.problem == "the link leads into a network that is not public"
    assert wire.connected == []


def test_a_name_that_changes_its_address_cannot_lead_inside(tmp_path: Path) -> None:
    """Looked up once per attempt; the connection goes to what was looked at."""
    wire, names = Wire(), Names([PUBLIC], ["127.0.0.1"])
    got = fetch("https://files.example.com/f", tmp_path, wire=wire, names=names)
    assert wire.connected == [PUBLIC]
    assert len(names.asked) == 2  # the second attempt looks again, and is refused
    assert got.problem == "the link leads into a network that is not public"


def test_each_of_several_addresses_is_tried_and_no_more_than_four(tmp_path: Path) -> None:
    wire, names = Wire(), Names([f"93.184.216.{n}" for n in range(9)])
    fetch("https://files.example.com/f", tmp_path, wire=wire, names=names)
    assert wire.connected == [f"93.184.216.{n}" for n in range(4)] * 4


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate_for("files.example.com", tmp_path_factory.mktemp("tls"))


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


def test_the_certificate_is_that_of_the_name_though_a_number_is_called(
    tmp_path: Path, certificates: Contexts
) -> None:
    server, client = certificates
    asked_for: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with serving({"/f": answer(PDF)}, tls=server) as store:
        wire, names = Wire(store.port), Names([PUBLIC])
        url = "https://files.example.com/f"
        got = fetch(url, tmp_path, wire=wire, names=names, tls=client)
        assert got.problem is None
        assert wire.connected == [PUBLIC]
        assert asked_for == ["files.example.com"]
        assert store.requests[0][1]["host"] == "files.example.com"
        other = fetch("https://other.example.com/f", tmp_path, wire=wire, names=names, tls=client)
        assert other.problem == "the connection to the server failed, also at attempt 4"
        unknown = fetch(url, tmp_path, wire=wire, names=names)
        assert unknown.problem == "the connection to the server failed, also at attempt 4"
        assert len(store.requests) == 1


REDIRECTS = [
    "http://files.example.com/g", "https://127.0.0.1/g", "http://127.0.0.1/g", "https://0x7f.1/g",
    "https://169.254.169.254/latest/meta-data/", "https://user:x@files.example.com/g",
    "https://[::ffff:127.0.0.1]/g", "//127.0.0.1/g", "file:///etc/passwd", "https://[",
]  # fmt: skip


@pytest.mark.parametrize("is_loopback", [False, True])
@pytest.mark.parametrize("to", REDIRECTS)
def test_where_a_link_leads_on_is_checked_again(
    tmp_path: Path, certificates: Contexts, to: str, is_loopback: bool
) -> None:
    server, client = certificates
    with serving({"/f": moved(to), "/g": answer(PDF)}, tls=server) as store:
        wire = Wire(store.port)
        got = fetch(
            "https://files.example.com/f", tmp_path, wire=wire, names=Names([PUBLIC]), tls=client,
            is_loopback=is_loopback,
        )  # fmt: skip
        assert got.path is None
        assert wire.connected == [PUBLIC]
        assert [path for path, _ in store.requests] == ["/f"]


def test_a_second_step_to_a_name_inside_is_refused(tmp_path: Path, certificates: Contexts) -> None:
    server, client = certificates
    with serving({"/f": moved("https://inside.example.com/g")}, tls=server) as store:
        wire, names = Wire(store.port), Names([PUBLIC], ["10.0.0.1"])
        got = fetch("https://files.example.com/f", tmp_path, wire=wire, names=names, tls=client)
    assert got.problem == "the link leads into a network that is not public"
    assert names.asked == ["files.example.com", "inside.example.com"]
    assert wire.connected == [PUBLIC]


def chain(length: int) -> dict[str, Give]:
    return {f"/{n}": moved(f"/{n + 1}") for n in range(length)} | {f"/{length}": answer(PDF)}


@pytest.mark.parametrize(("steps", "is_there"), [(1, True), (3, True), (4, False), (50, False)])
def test_three_steps_and_no_more(
    tmp_path: Path, certificates: Contexts, steps: int, is_there: bool
) -> None:
    server, client = certificates
    with serving(chain(steps), tls=server) as store:
        got = fetch(
            "https://files.example.com/0", tmp_path, wire=Wire(store.port), names=Names([PUBLIC]),
            tls=client,
        )  # fmt: skip
        assert len(store.requests) == min(steps, 3) + 1
    assert got.problem == (None if is_there else "the server sent us on more than 3 times")


def test_a_step_to_nowhere(tmp_path: Path) -> None:
    with serving({"/f": status(302)}) as store:
        got = local(store.url("/f"), tmp_path)
    assert got.problem == "the server sent us on to nowhere"


# Where Pleo itself is a sandbox on this machine.


def local(url: str, folder: Path, *, is_loopback: bool = True) -> Fetched:
    (got,) = fetch_files(
        [FileLink("e", 1, Secret(url), "application/pdf", None)], folder=folder,
        is_loopback=is_loopback, clock=StillClock(),
    )  # fmt: skip
    return got


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_http_to_this_machine_only_where_pleo_is_here(tmp_path: Path, host: str) -> None:
    with serving({"/f": answer(PDF)}) as store:
        assert local(store.url("/f", host), tmp_path).problem is None
        refused = local(store.url("/f", host), tmp_path, is_loopback=False)
        assert refused.problem == "the link is not an https link"
        assert len(store.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://files.example.com/f", f"http://{PUBLIC}/f", "http://10.0.0.1/f"]
)
def test_http_leads_nowhere_but_to_this_machine(tmp_path: Path, url: str) -> None:
    wire = Wire()
    got = fetch(url, tmp_path, wire=wire, names=Names([PUBLIC]), is_loopback=True)
    assert got.problem == "the link leads into a network that is not public"
    assert wire.connected == []


def test_a_sandbox_may_not_send_on_to_the_outside(tmp_path: Path) -> None:
    with serving({"/f": moved(f"http://{PUBLIC}/g"), "/h": moved("https://x.com/")}) as store:
        wire = Wire(store.port)
        names = Names(["127.0.0.1"])
        for path in ("/f", "/h"):
            got = fetch(store.url(path), tmp_path, wire=wire, names=names, is_loopback=True)
            assert got.path is None
    assert set(wire.connected) == {"127.0.0.1"}


# Nothing of a link is told.


def test_no_part_of_a_link_is_in_anything_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, certificates: Contexts
) -> None:
    server, client = certificates
    canary = "canary-4711-0815"
    gives = {
        f"/{canary}": in_turn(
            status(500), status(503), moved(f"/moved-{canary}"), moved(f"http://{canary}@x/")
        ),
        f"/moved-{canary}": status(403, x_path=canary),
    }
    told: list[str] = []
    with caplog.at_level(logging.DEBUG), serving(gives, tls=server) as store:
        for port in (store.port, 0):
            for _ in range(2):
                got = fetch(
                    f"https://files.example.com/{canary}", tmp_path, wire=Wire(port),
                    names=Names([PUBLIC]), tls=client, told=told,
                )  # fmt: skip
                told.append(repr(got))
        for url in (f"https://{canary}:x@x.com/", f"http://{canary}/", f"https://[{canary}/"):
            told.append(repr(fetch(url, tmp_path, wire=Wire(), told=told)))
        link = FileLink("e", 1, Secret(f"https://x.com/{canary}"), "", None)
    said = "\n".join([*told, repr(link), str(link), caplog.text])
    assert len(told) > 10
    assert canary not in said
    assert "files.example.com" not in said


def test_no_part_of_a_link_is_in_an_error(tmp_path: Path) -> None:
    """A transport that fails in a way that nobody knows: an error, and no link in it."""
    canary = "canary-4711-0815"

    class Odd(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise ZeroDivisionError("odd")

    link = FileLink("e", 1, Secret(f"https://x.com/{canary}"), "", None)
    with pytest.raises(ZeroDivisionError) as error:
        fetch_files([link], folder=tmp_path, is_loopback=False, clock=StillClock(), transport=Odd())
    assert canary not in repr(error.value.args)


def test_the_proxy_and_netrc_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving({"/f": answer(PDF)}) as store, serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        got = local(store.url("/f"), tmp_path)
        assert got.problem is None
        assert proxy.requests == []
        assert "authorization" not in store.requests[0][1]
