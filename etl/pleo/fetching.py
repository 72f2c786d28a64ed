"""Fetch one attachment: follow its link, take no more than allowed, try again where it may help."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx

from etl import __version__, files
from etl.clock import Clock
from etl.pleo.links import FileLink, LinkRefused, is_local_link, read_link
from etl.pleo.network import CheckedNetwork, TookTooLong
from etl.pleo.receipt_types import HEAD, HTML, difference, kind_of_content, kind_of_type

REDIRECTS = frozenset({301, 302, 303, 307, 308})
EXPIRED = frozenset({403, 404, 410})
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
PIECE = 64 * 1024  # bytes that a packed file is unpacked into at a time

#: All that is sent: who asks, and that the file is wanted as it is.
HEADERS = {
    "User-Agent": f"pleo-etl/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Caps:
    """How much is taken and waited for."""

    #: Pleo takes attachments of up to 30 MB (export-rules R101).
    bytes_each: int = 30 * 1024 * 1024
    seconds_each: float = 180
    #: For all files of a job together; the job itself lives an hour.
    seconds_all: float = 1200
    #: Without a byte in between.
    seconds_silent: float = 20
    attempts: int = 4
    redirects: int = 3
    #: Waited before the second attempt; twice as long before each further one.
    seconds_first_wait: float = 1
    seconds_longest_wait: float = 60
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one link.

    path is None if there is no file; then `problem` says why. A file may be there and have a
    problem: it is whole, but not what Pleo announced. is_expired: only a new link can help.
    """

    entry_id: str
    number: int
    path: Path | None
    bytes: int
    sha256: str | None
    type: str
    problem: str | None = None
    is_expired: bool = False


class _Failed(Exception):
    """There will be no file: more attempts would end in the same way."""

    def __init__(self, why: str, *, is_expired: bool = False) -> None:
        super().__init__(why)
        self.is_expired = is_expired


class _NotNow(Exception):
    """There is no file yet: the next attempt may go better."""

    def __init__(self, why: str, *, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds


@dataclass(slots=True)
class _Arrived:
    """What is known of a file when all of it came."""

    size: int = 0
    head: bytes = b""
    said: str = ""
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.hash.update(piece)
        self.head += piece[: max(0, HEAD - len(self.head))]


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches one file after the other over one transport.

    ends_at: when, by the clock's elapsed(), the time for all files is over.
    """

    transport: httpx.BaseTransport
    network: CheckedNetwork | None
    clock: Clock
    caps: Caps
    ends_at: float
    is_loopback: bool
    #: Set by whoever wants it to end soon.
    stopped: Event
    tell: Callable[[str], None]

    def fetch(self, link: FileLink, path: Path) -> Fetched:
        """Fetch a file, as often as it takes and is allowed; never raises for what was answered.

        Raises: UserMustFix OUT-2.
        """
        try:
            arrived = self._try_several_times(link, path)
        except _Failed as failed:
            problem = str(failed)
            self._tell(link, problem)
            return Fetched(
                link.entry_id, link.number, None, 0, None, link.type, problem, failed.is_expired
            )
        remarks = []
        if link.size is not None and link.size != arrived.size:
            remarks.append(f"Pleo announced {link.size} bytes, and the file has {arrived.size}")
        other = difference(link.type, said=arrived.said, head=arrived.head)
        if other is not None:
            remarks.append(other)
        remark = "; ".join(remarks) or None
        if remark:
            self._tell(link, remark)
        return Fetched(
            link.entry_id, link.number, path, arrived.size, arrived.hash.hexdigest(),
            link.type or arrived.said, remark,
        )  # fmt: skip

    def _tell(self, link: FileLink, text: str) -> None:
        self.tell(f"attachment {link.number} of item {link.entry_id}: {text}")

    def _try_several_times(self, link: FileLink, path: Path) -> _Arrived:
        if link.size is not None and link.size > self.caps.bytes_each:
            raise _Failed(self._too_large())
        wait = self.caps.seconds_first_wait
        for attempt in range(1, self.caps.attempts + 1):
            try:
                return self._try_once(link, path)
            except LinkRefused as refused:
                raise _Failed(str(refused)) from None
            except TookTooLong:
                raise _Failed(self._too_slow()) from None
            except _NotNow as not_now:
                why, wanted = str(not_now), not_now.seconds
            except httpx.TimeoutException:
                why, wanted = "the server did not answer in time", 0.0
            except httpx.TransportError:
                why, wanted = "the connection to the server failed", 0.0
            if attempt < self.caps.attempts:
                self._tell(link, f"{why}; trying again, {attempt} of {self.caps.attempts} done")
                self.clock.sleep(min(max(wait, wanted), self.caps.seconds_longest_wait))
                wait *= 2
        raise _Failed(f"{why}, also at attempt {self.caps.attempts}")

    def _try_once(self, link: FileLink, path: Path) -> _Arrived:
        if self.stopped.is_set():
            raise _Failed("the downloads were stopped")
        now = self.clock.elapsed()
        if now >= self.ends_at:
            raise _Failed(
                f"the {self.caps.seconds_all / 60:g} minutes for the attachments of a job are over"
            )
        seconds = min(self.caps.seconds_each, self.ends_at - now)
        text = link.url.reveal()
        is_local = self.is_loopback and is_local_link(text)
        if self.network is not None:
            self.network.begin(is_local=is_local, seconds=seconds)
        with closing(self._follow(text, is_local=is_local)) as response:
            self._check_status(response)
            arrived = _Arrived(said=response.headers.get("content-type", ""))
            pieces = self._pieces(response, arrived, link=link, ends_at=now + seconds)
            files.write_pieces(path, pieces)
        return arrived

    def _follow(self, text: str, *, is_local: bool) -> httpx.Response:
        """Ask for a link, and for the link it leads to; each is checked."""
        timeout = httpx.Timeout(self.caps.seconds_silent).as_dict()
        for _ in range(self.caps.redirects + 1):
            url = read_link(text, is_local=is_local)
            request = httpx.Request("GET", url, headers=HEADERS, extensions={"timeout": timeout})
            response = self.transport.handle_request(request)
            if response.status_code not in REDIRECTS:
                return response
            response.close()
            try:
                text = str(url.join(response.headers["location"]))
            except (KeyError, httpx.InvalidURL):
                raise _Failed("the server sent us on to nowhere") from None
        raise _Failed(f"the server sent us on more than {self.caps.redirects} times")

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in EXPIRED:
            raise _Failed(f"the link is not valid, or no longer ({status})", is_expired=True)
        if status in TRANSIENT:
            wanted = response.headers.get("retry-after", "")
            seconds = min(float(wanted), 1e6) if wanted.isascii() and wanted.isdigit() else 0.0
            raise _NotNow(f"the server cannot give it now ({status})", seconds=seconds)
        if status != httpx.codes.OK:
            raise _Failed(f"the server does not give it ({status})")

    def _pieces(
        self, response: httpx.Response, arrived: _Arrived, *, link: FileLink, ends_at: float
    ) -> Iterator[bytes]:
        """Give the file piece by piece, and stop where it is no file that may be kept."""
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self.caps.bytes_each:
            raise _Failed(self._too_large())
        for piece in _unpacked(response):
            if self.stopped.is_set() or self.clock.elapsed() >= ends_at:
                raise TookTooLong
            arrived.add(piece)
            if arrived.size > self.caps.bytes_each:
                raise _Failed(self._too_large())
            yield piece
        if arrived.size == 0:
            raise _NotNow("the server gave an empty file")
        # Without a stated length an answer that is cut off looks like one that is over.
        is_whole = bool(length) or "transfer-encoding" in response.headers
        if not is_whole and link.size is not None and arrived.size < link.size:
            raise _NotNow("the file was cut off on its way")
        if kind_of_content(arrived.head) == HTML != kind_of_type(link.type):
            raise _Failed("the server gave a web page in place of the file")

    def _too_large(self) -> str:
        megabytes = self.caps.bytes_each / (1024 * 1024)
        return f"the file is larger than {megabytes:g} MB, which is the limit"

    def _too_slow(self) -> str:
        return f"the file did not come within {self.caps.seconds_each:g} seconds"


def _unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Give the pieces of a body, unpacked where the server packed it all the same."""
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("a transport without a body that can be read")
    packing = response.headers.get("content-encoding", "").strip().casefold()
    if packing in ("", "identity"):
        yield from stream
    elif packing in ("gzip", "x-gzip"):
        yield from _gunzipped(stream)
    else:
        raise _Failed("the server packed the file in a way that is not known")


def _gunzipped(stream: httpx.SyncByteStream) -> Iterator[bytes]:
    """Unpack gzip in pieces of at most PIECE, however much is packed into one."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for piece in stream:
            waiting = piece
            while waiting and not unpacker.eof:
                yield unpacker.decompress(waiting, PIECE)
                waiting = unpacker.unconsumed_tail
    except zlib.error:
        raise _NotNow("the file was damaged on its way") from None
    if not unpacker.eof:
        raise _NotNow("the file was cut off on its way")
