"""A store of files on this machine that misbehaves as it is told, and notes who asks for what."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Give = Callable[["Handler"], None]


@dataclass
class Store:
    """What the store gives under each path, and every request it got."""

    port: int
    gives: dict[str, Give] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.requests)


class Handler(BaseHTTPRequestHandler):
    store: Store
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        self.store.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        give = self.store.gives.get(self.path, status(404))
        try:
            give(self)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


def answer(body: bytes, *, code: int = 200, **headers: str) -> Give:
    """Answer properly: with a length."""

    def give(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return give


def status(code: int, **headers: str) -> Give:
    return answer(b"<html>an error, with words</html>", code=code, **headers)


def moved(location: str) -> Give:
    return status(302, location=location)


def broken_off(body: bytes, *, length: int | None) -> Give:
    """Close the connection after some bytes, having announced another length, or none."""

    def give(handler: Handler) -> None:
        handler.send_response(200)
        if length is not None:
            handler.send_header("content-length", str(length))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return give


def in_turn(*gives: Give) -> Give:
    """Give one thing after the other, and the last for ever."""
    left = list(gives)

    def give(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return give


@contextmanager
def serving(
    gives: Mapping[str, Give] | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[Store]:
    """Serve on the loopback address for the time of a `with` block."""
    handler = type("Bound", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    store = Store(server.server_address[1], dict(gives or {}))
    handler.store = store  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name; give the contexts of a server and of a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at)
        .not_valid_after(at.replace(year=2099))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())
