"""Acts of the page: what a person has said, checked, handed on, and what it came to.

A release takes a while: it runs beside, says what it does, and the page asks how far it is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl.errors import EtlError
from etl.review.situation import Act, Told
from etl.review.web.asked import Came, Session

MAX_NAME, MAX_TEXT, MAX_ID, MAX_LINE, MAX_REFUSED = 80, 1000, 128, 50_000, 10_000
_ID = re.compile(r"[A-Za-z0-9._:-]*\Z")
#: Controls, direction marks, and halves of characters, which no answer and no file can hold.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: What the page says after an act, where the words of the live flow are for the terminal.
_DONE: Mapping[str, str] = {
    Act.REJECT: "Held back. The files were made again without this item",
    Act.UNDO: "Undone. The files were made again",
    Act.ALREADY_BOOKED: "Not booked again: the earlier booking stays. The files were made again",
    Act.AGAIN: "Booked a second time, as you said. The files were made again",
    Act.ANSWER: "Your answer is kept with the batch",
}
_REISSUED = "The files are put away and its items are free: now export them again in Pleo"
_RELEASED = "Released. The files are in the outbox, and Pleo was told of every item"


class Wrong(Exception):
    """What was sent is nothing that a page of ours sends."""


@dataclass(slots=True)
class Progress:
    """How far a release is: the steps so far, and what it came to."""

    content: str
    steps: list[str] = field(default_factory=list)
    told: Told | None = None

    def document(self) -> dict[str, Any]:
        """Give it as the page is told it."""
        return {
            "content": self.content, "steps": list(self.steps), "is_running": self.told is None,
            "told": None if self.told is None else document_of(self.told),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says, each part checked for its form."""

    parts: Mapping[str, Any]

    def text(self, name: str, *, limit: int = MAX_TEXT) -> str:
        value = self.parts.get(name, "")
        if not isinstance(value, str) or len(value) > limit:
            raise Wrong(f"{name} is too long, or no text")
        return _CONTROL.sub(" ", value).strip()

    def id(self, name: str) -> str:
        value = self.text(name, limit=MAX_ID)
        if not _ID.match(value):
            raise Wrong(f"{name} is no name of ours")
        return value

    def ids(self, name: str, *, limit: int = MAX_ID) -> list[str]:
        value = self.parts.get(name, [])
        if not isinstance(value, list) or len(value) > MAX_REFUSED:
            raise Wrong(f"{name} is no list of items")
        return [Said({name: one}).text(name, limit=limit) for one in value]


class Acts:
    """The acts of one server."""

    def __init__(self, session: Session, *, bug: Callable[[BaseException], None]) -> None:
        self._session, self._bug = session, bug
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.progress: Progress | None = None

    def do(self, name: str, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Do an act, and say what came of it. A release goes on beside.

        Raises: Wrong for what no page of ours sends.
        """
        if name not in set(Act):
            raise Wrong("there is no such act")
        said = Said(parts)
        by, request = said.text("by", limit=MAX_NAME), said.id("request")
        if not by or not request:
            raise Wrong("who says so is missing")
        if name == Act.RELEASE:
            return self._release(said, by=by, request=request)
        told = self._told(name, lambda: self._call(name, said, by=by, request=request))
        return document_of(told)

    def wait(self) -> None:
        """Wait until a release that is going on has come to its end."""
        thread = self._thread
        if thread is not None:
            thread.join()

    @property
    def is_releasing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _call(self, name: str, said: Said, *, by: str, request: str) -> Came:
        session, content, batch = self._session, said.id("content"), said.id("batch")
        entry, text = said.id("entry"), said.text("text")
        match name:
            case Act.REJECT:
                return session.reject(entry, reason=text, by=by, content=content, request=request)
            case Act.UNDO | Act.ALREADY_BOOKED | Act.AGAIN:
                said_of = {one: {"do": str(name)} for one in said.ids("entries") or [entry]}
                return session.answer(said_of, {}, by=by, content=content, request=request)
            case Act.SEEN:
                entries = said.ids("entries")
                return session.seen(entries, by=by, content=content, request=request)
            case Act.ANSWER:
                return session.answer_note(
                    said.id("code"), text, by=by, content=content, request=request
                )
            case Act.APPROVE:
                return session.approve(by=by, content=content, request=request)
            case Act.DISCARD:
                return session.discard(by=by, content=content, request=request)
            case Act.FETCH:
                return session.fetch(by=by, request=request)
            case Act.IMPORTED:
                refused = said.ids("refused", limit=MAX_LINE)  # a line may name several
                return session.imported(batch, by=by, refused=refused, request=request)
            case Act.WITHDRAW:
                return session.withdraw(batch, by=by, request=request)
            case Act.REISSUE:
                return session.reissue(batch, by=by, content=content, request=request)
            case Act.REVERSE:
                return session.reverse(batch, by=by, request=request)
            case _:
                is_imported = name == Act.SETTLE_IMPORTED
                return session.settle(batch, imported=is_imported, by=by, request=request)

    def _release(self, said: Said, *, by: str, request: str) -> dict[str, Any]:
        content = said.id("content")
        with self._lock:
            if self.is_releasing:
                assert self.progress is not None
                if self.progress.content != content:
                    return document_of(Told(is_done=False, says="another batch is being released"))
                return {"is_running": True}
            progress = self.progress = Progress(content)

            def tell(step: str) -> None:
                if step and step not in progress.steps[-1:]:
                    progress.steps.append(step)

            def run() -> None:
                progress.told = self._told(Act.RELEASE, lambda: self._session.release(
                    by=by, content=content, request=request, tell=tell
                ))  # fmt: skip

            # Not a daemon: what was begun is finished, also where the page is closed meanwhile.
            self._thread = threading.Thread(target=run, name="release")
            self._thread.start()
        return {"is_running": True}

    def _told(self, name: str, act: Callable[[], Came]) -> Told:
        try:
            came = act()
        except EtlError as error:
            first = error.problems[0]
            return Told(
                is_done=False, says=first.what, next_step=first.fix, code=first.code,
                problems=tuple(problem.what for problem in error.problems[1:]),
            )  # fmt: skip
        except Wrong:
            raise
        except Exception as error:
            self._bug(error)
            says = "this failed for a reason that is our mistake; the terminal says more"
            return Told(is_done=False, says=says, next_step="nothing was lost; try once more")
        batch = "" if came.batch is None else str(came.batch.id)
        says = came.says
        if came.word == "staged":
            says = _DONE.get(name, says)
        elif name == Act.RELEASE and came.word == "closed":
            says = _RELEASED
        elif name == Act.REISSUE:
            says = _REISSUED
        # What names a command is for the terminal; the page shows itself what may be done next.
        step = "" if "`" in came.next_step else came.next_step
        return Told(is_done=True, says=says, next_step=step, batch_id=batch, word=came.word)


def document_of(told: Told) -> dict[str, Any]:
    """Give what an act came to as the page is told it."""
    return {
        "is_running": False, "is_done": told.is_done, "says": told.says, "next": told.next_step,
        "code": told.code, "batch": told.batch_id, "word": told.word, "more": list(told.problems),
    }  # fmt: skip
