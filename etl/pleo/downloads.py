"""Download the attachments of a job from the links of its export items.

The links are secrets, and lead to somebody else's computer: no credential, cookie or referer
goes there, every step is checked (etl.pleo.links, etl.pleo.network), and size, time and number
of attempts have limits. A file is whole or absent; why one is absent is said, never silent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import httpx

from etl.clock import Clock
from etl.pleo.fetching import Caps, Fetched, Fetcher
from etl.pleo.links import FileLink
from etl.pleo.network import CheckedNetwork, CheckedTransport

__all__ = ["Caps", "Fetched", "fetch_files"]

DEFAULT_CAPS = Caps()


def _silent(_: str) -> None:
    """Say nothing."""


def fetch_files(
    links: Sequence[FileLink],
    *,
    folder: Path,
    is_loopback: bool,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    caps: Caps = DEFAULT_CAPS,
    tell: Callable[[str], None] = _silent,
) -> list[Fetched]:
    """Download the files of links into a folder, each named by its place in the list, from 1.

    Needs: is_loopback, whether Pleo is a sandbox on this machine: its links may be http.
    Gives: what became of each link, in the order of the links.
    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    waiting = deque(enumerate(links))
    found: dict[int, Fetched] = {}
    stopped = Event()

    def fetch_over(over: httpx.BaseTransport, network: CheckedNetwork | None) -> None:
        fetcher = Fetcher(
            over, network, clock=clock, caps=caps, ends_at=ends_at, is_loopback=is_loopback,
            stopped=stopped, tell=tell,
        )  # fmt: skip
        while waiting:
            try:
                place, link = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            found[place] = fetcher.fetch(link, folder / str(place + 1))

    ends_at = clock.elapsed() + caps.seconds_all
    if transport is not None:  # somebody else's: nothing is known of it and threads
        fetch_over(transport, None)
    elif links:
        tls = httpx.create_ssl_context()

        def fetch_alone() -> None:
            network = CheckedNetwork(clock=clock)
            with closing(CheckedTransport(network, tls)) as own:
                fetch_over(own, network)

        threads = min(caps.at_once, len(links))
        with ThreadPoolExecutor(threads, thread_name_prefix="attachments") as pool:
            try:
                for at_work in [pool.submit(fetch_alone) for _ in range(threads)]:
                    at_work.result()
            finally:  # a full disk or Ctrl-C in one thread ends the others soon
                stopped.set()
                waiting.clear()
    return [found[place] for place in range(len(links))]
