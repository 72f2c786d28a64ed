"""The installed command against a Pleo that is a server: real processes, real signals.

The server stands in this process, so that a test knows when a request has come and can end the
command before it took effect, or before its answer went out.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.pleo.sandbox import Pleo, RunningSandbox
from etl.pleo.sandbox.faults import Fault, FaultPlan
from tests.fakes.users import MISSING
from tests.fault.live import places

COMMAND = Path(sys.executable).with_name("pleo-etl")
TIMEOUT = 120
#: In memory where the machine has it: thousands of small folders are made.
FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


class Moments(FaultPlan):
    """Tells of every request, before it takes effect and after."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.tell: Callable[[str, int], None] = lambda _place, _count: None

    def take(self, operation: str) -> dict[str, Fault]:
        self.count += 1
        self.tell(f"before {operation}", self.count)
        return super().take(operation)


class _Seen(list[Any]):
    """What the Pleo has seen; tells of each call when it has taken effect."""

    moments: Moments

    def append(self, seen: Any) -> None:
        super().append(seen)
        self.moments.tell(f"after {seen.call.operation}", self.moments.count)


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code (minus the signal's number), and what it said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    def document(self) -> Any:
        return json.loads(self.out)


class Machine:
    """A workspace, a Pleo that listens, and commands as processes."""

    def __init__(self, root: Path, server: RunningSandbox, names: Sequence[str]) -> None:
        self.root, self.pleo = root, server.pleo
        self.moments = Moments()
        self.pleo.faults = self.moments
        seen = _Seen()
        seen.moments = self.moments
        self.pleo.seen = seen
        self.names = list(names)
        home = root.parent / "home"
        home.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "LANG": "C.UTF-8",
            "PYTHONPATH": MISSING,
        }  # fmt: skip
        places.write_workspace(root, names, base_url=server.base_url)

    def add_company(self, name: str, count: int) -> Any:
        """Add a company with entries to the Pleo, and its key to the environment."""
        company = self.pleo.add_company(name, places.entries(name, count))
        self.environment[f"PLEO_API_KEY_{name.upper()}"] = self.pleo.add_key([company])
        return company

    def start(self, *words: str, **named: Any) -> subprocess.Popen[str]:
        """Start the command; the caller waits for it."""
        given: dict[str, Any] = {
            "cwd": self.root, "env": self.environment, "text": True,
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        }  # fmt: skip
        return subprocess.Popen([str(COMMAND), *words], **(given | named))

    def run(self, *words: str) -> Done:
        """Let a command come to its end."""
        process = self.start(*words)
        return self.wait(process, words)

    def wait(self, process: subprocess.Popen[str], words: Sequence[str]) -> Done:
        """Wait for a command; the seconds are those of its own work, not of a busy machine's."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out, err = process.communicate(timeout=TIMEOUT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Done(tuple(words), process.returncode, out or "", err or "", seconds)

    def end_at(
        self, words: Sequence[str], *, request: int, is_after: bool, by: int = signal.SIGKILL
    ) -> Done:
        """Send a signal when the n-th request of the command has come, or has taken effect."""
        process = self.start(*words)
        first = self.moments.count
        place = "after" if is_after else "before"

        def tell(moment: str, count: int) -> None:
            if count - first == request and moment.startswith(place):
                process.send_signal(by)
                if by == signal.SIGKILL:
                    process.wait()

        self.moments.tell = tell
        try:
            return self.wait(process, words)
        finally:
            self.moments.tell = lambda _place, _count: None

    def end_after(self, words: Sequence[str], seconds: float, *, by: int = signal.SIGKILL) -> Done:
        """Send a signal after some time, wherever the command is then."""
        process = self.start(*words)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(by)
        return self.wait(process, words)


@contextmanager
def machine(
    names: Sequence[str] = ("acme",), *, pleo: Pleo | None = None, root: Path | None = None
) -> Iterator[Machine]:
    """Serve a Pleo and give the machine whose commands talk to it."""
    with (
        tempfile.TemporaryDirectory(dir=FAST) as folder,
        RunningSandbox(pleo or Pleo()) as server,
    ):
        yield Machine(root or Path(folder) / "work", server, names)
