"""The client over real sockets: what the fast tests take for granted of httpx holds."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from etl.clock import SystemClock
from etl.errors import EtlError
from etl.pleo import exchange
from etl.pleo.addresses import Address
from etl.pleo.client import PleoClient
from etl.pleo.credentials import ApiKey
from etl.pleo.failures import BadAnswer, OutcomeUnknown, PleoUnavailable
from etl.pleo.sandbox import Pleo, RunningSandbox
from etl.pleo.waits import Patience
from etl.secret import Secret
from tests.fakes.called import JOB

#: Close with a reset: linger, for no time.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
#: Nothing here waits for longer than a blink.
QUICK = Patience(first_wait=0.001, longest_wait=0.002, connect=5, silence=0.3, answer=0.6)


def client_of(base_url: str, key: str = "key", *, patience: Patience = QUICK) -> PleoClient:
    address = Address(base_url, "", "", is_loopback=True)
    return PleoClient(
        address, credential=ApiKey(Secret(key)), clock=SystemClock(), patience=patience,
        chance=Random(1),
    )  # fmt: skip


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox(Pleo()) as running:
        yield running


def test_a_whole_job_over_a_socket(sandbox: RunningSandbox) -> None:
    pleo = sandbox.pleo
    company = pleo.add_sample("example")
    job = pleo.add_job(company)
    with client_of(sandbox.base_url, pleo.add_key([company]), patience=Patience()) as client:
        assert [one.id for one in client.list_jobs(company.id)] == [job.id]
        entries = [item.entry_id for item in client.list_items(job.id)]
        assert len(client.export_items(job.id)) == len(entries) == 31
        client.send_event(job.id, "started")
        reports = [
            msgspec.json.encode({"accountingEntryId": one, "status": "successful"})
            for one in entries
        ]
        assert len(client.report_items(job.id, reports).items) == 31
        client.send_event(job.id, "completed")
        assert client.get_job(job.id).status == "completed"


@pytest.mark.parametrize(
    "kind", ["lost-request", "lost-answer", "late", "truncated", "slow=9", "drip=0.2", "error=503"]
)
def test_a_read_survives_it_and_a_write_does_not_know(sandbox: RunningSandbox, kind: str) -> None:
    pleo = sandbox.pleo
    company = pleo.add_sample("example")
    job = pleo.add_job(company)
    report = msgspec.json.encode({"accountingEntryId": next(iter(job.items)), "status": "failed"})
    with client_of(sandbox.base_url, pleo.add_key([company])) as client:
        pleo.faults.add(f"{kind}@list-items:1-2")
        assert len(client.list_items(job.id)) == 31
        pleo.faults.add(f"{kind}@report-items:1-9")
        with pytest.raises(OutcomeUnknown):
            client.report_items(job.id, [report])
    pleo.faults.clear()
    assert sum(one.call.operation == "report-items" for one in pleo.seen) <= 1


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve each connection by a function, in a thread; gives the address."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(5)
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        is_over.set()
        # wake the thread where it waits for a connection
        socket.create_connection(server.getsockname()).close()
        thread.join()
        server.close()


def _request(connection: socket.socket) -> None:
    heard = b"-"
    while heard and b"\r\n\r\n" not in heard:
        heard = connection.recv(65536)
    if not heard:
        raise OSError


def hang_up_at_once(_connection: socket.socket) -> None:
    """Close without a word."""


def half_closed(connection: socket.socket) -> None:
    """Say that nothing more will come, before anything came."""
    _request(connection)
    connection.shutdown(socket.SHUT_WR)


def reset_in_the_body(connection: socket.socket) -> None:
    """Break off with a reset where more was announced."""
    _request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


def no_http(connection: socket.socket) -> None:
    """Speak something else."""
    _request(connection)
    connection.sendall(b"220 mail.example.com ESMTP\r\n")


def endless_headers(connection: socket.socket) -> None:
    """Send headers for ever."""
    _request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x: " + b"y" * 65536 + b"\r\n")


BROKEN = [hang_up_at_once, half_closed, reset_in_the_body, no_http, endless_headers]


@pytest.mark.parametrize("serve", BROKEN, ids=lambda serve: serve.__name__)
def test_servers_that_are_none(serve: Callable[[socket.socket], None]) -> None:
    with listening(serve) as place, client_of(f"http://{place}") as client:
        with pytest.raises(PleoUnavailable):
            client.get_job(JOB)
        with pytest.raises(OutcomeUnknown):
            client.send_event(JOB, "started")


def test_where_nobody_listens_nothing_was_sent() -> None:
    probe = socket.create_server(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    with client_of(f"http://127.0.0.1:{port}") as client:
        for call in (lambda: client.get_job(JOB), lambda: client.send_event(JOB, "started")):
            with pytest.raises(PleoUnavailable, match="NET-1"):
                call()


def test_a_name_that_does_not_exist_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with client_of("http://nowhere.invalid") as client, pytest.raises(EtlError, match="NET-1"):
        client.send_event(JOB, "started")


def test_plain_http_where_tls_is_expected_sends_nothing() -> None:
    plain = listening(lambda connection: connection.sendall(b"220 mail.example.com ESMTP\r\n"))
    with plain as place, client_of(f"https://{place}") as client, pytest.raises(EtlError) as caught:
        client.send_event(JOB, "started")
    assert caught.value.problems[0].code == "NET-1"


def test_a_server_with_a_certificate_of_its_own_is_not_pleo(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard.append(secured.recv(65536))

    with (
        listening(serve) as place,
        client_of(f"https://{place}") as client,
        pytest.raises(PleoUnavailable) as caught,
    ):
        client.send_event(JOB, "started")
    assert caught.value.problems[0].code == "NET-2"
    assert b"".join(heard) == b""


def _certificate(folder: Path) -> Path:
    """Make a certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin,
                                begin.replace(year=2099))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path


def heard_elsewhere() -> bytes:
    """Let Pleo point to another server in every answer, and give what that one hears."""
    heard: list[bytes] = []

    def other(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with listening(other) as elsewhere:

        def redirect(connection: socket.socket) -> None:
            _request(connection)
            connection.sendall(
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://" + elsewhere.encode()
                + b"/v3/export-job-events\r\ncontent-length: 0\r\n\r\n"
            )  # fmt: skip

        with listening(redirect) as place, client_of(f"http://{place}") as client:
            with pytest.raises((BadAnswer, PleoUnavailable)):
                client.get_job(JOB)
            with pytest.raises(OutcomeUnknown):
                client.send_event(JOB, "started")
    return b"".join(heard)


def test_no_answer_leads_to_another_server() -> None:
    assert heard_elsewhere() == b""


def test_a_client_that_follows_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = exchange._client

    def following(*given: Any) -> httpx.Client:
        client = original(*given)
        client.follow_redirects = True
        return client

    monkeypatch.setattr(exchange, "_client", following)
    assert heard_elsewhere() != b""
