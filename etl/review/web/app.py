"""The local page: what it shows, and what may be done on it.

    batch              the batch that waits, or what to do where none does
    batch/ID[/R]       any batch, as it was in any revision
    vouchers, rows, trace, receipt, difference, changed     what it asks for while a person reads
    history            all batches
    state              minutes left, and how far a release is
    act/NAME (POST)    what a person decides

Every answer is made anew from what is stored, and kept by no browser.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from etl.errors import EtlError, Problem
from etl.review.file_pages import FileBook
from etl.review.opening import opening
from etl.review.web.acting import Acts, Wrong
from etl.review.web.asked import Session
from etl.review.web.door import COOKIE, Door
from etl.review.web.guard import Guard
from etl.review.web.pages import own, style, write
from etl.review.web.requests import read_number, read_parts

#: Vouchers and lines of a file that are sent at once.
VOUCHERS, LINES = 25, 200
_BOOKS = 4
#: Items that are named in a dialog, and in the list of those that go back to Pleo.
NAMED, NAMED_BACK = 5, 200
#: Items and cells that a comparison shows.
SHOWN = 500
#: A receipt is shown by itself, with nothing allowed: also not what it may hold.
_RECEIPT_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)


#: The page of then brings a tighter policy of its own; links to Pleo open beside it.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none';"
    " sandbox allow-popups"
)


class Missing(Exception):
    """There is nothing of that name."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where the page is served, and for whom: HOST:PORT, and the name to begin with."""

    address: str
    by: str


class Local:
    """The pages of one review."""

    def __init__(
        self, session: Session, host: Host, *, door: Door, bug: Callable[[BaseException], None]
    ) -> None:
        self.session, self.host, self.door = session, host, door
        self.acts = Acts(session, bug=bug)
        self._books: OrderedDict[tuple[str, str], FileBook] = OrderedDict()

    def routes(self) -> list[Route]:
        """Give what is served, below the path of the door."""
        number = "{begin:int}"
        return [
            Route("/", self.shell),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/page.css", self.css),
            Route("/page.js", self.script),
            Route("/batch", self.batch),
            Route("/batch/{id}", self.batch),
            Route("/batch/{id}/{revision:int}", self.batch),
            Route("/vouchers/{id}/{revision:int}", self.vouchers),
            Route("/rows/{id}/{revision:int}/{file:int}/" + number, self.rows),
            Route("/trace/{id}/{revision:int}", self.trace),
            Route("/receipt/{id}/{revision:int}/{entry}/{number:int}", self.receipt),
            Route("/difference/{id}/{before:int}/{after:int}", self.difference),
            Route("/changed/{id}", self.changed),
            Route("/compared/{before}/{after}", self.compared),
            Route("/as-it-was/{id}/{revision:int}", self.as_it_was),
            Route("/history", self.history),
            Route("/state", self.state),
            Route("/act/{name}", self.act, methods=["POST"]),
        ]

    # ── coming in ──

    def shell(self, request: Request) -> Response:
        """Give the page that brings the token; with the cookie it leads on."""
        if self.door.knows(request.cookies.get(COOKIE)):
            return RedirectResponse("batch", 303)
        return self._page("shell.html.j2", {"is_used": self.door.is_used})

    async def enter(self, request: Request) -> Response:
        """Exchange the token for the cookie."""
        cookie = self.door.enter(read_parts(await request.body()).get("token"))
        if cookie is None:
            return JSONResponse({"is_in": False}, 403)
        answer = JSONResponse({"is_in": True})
        answer.set_cookie(
            COOKIE, cookie, path=f"/{self.door.path}", httponly=True, samesite="strict"
        )
        return answer

    def css(self, _: Request) -> Response:
        return Response(style(), media_type="text/css")

    def script(self, _: Request) -> Response:
        return Response(own("page.js"), media_type="text/javascript")

    # ── pages ──

    def batch(self, request: Request) -> Response:
        """Show the batch that waits, or one by its id, as it is or was in a revision."""
        wanted, revision = request.path_params.get("id"), request.path_params.get("revision")
        stands = self.session.state(wanted)
        values = {"stands": stands, "is_newest": revision in (None, stands.revision)}
        try:
            seen = self.session.view(wanted, revision=revision)
        except EtlError as error:  # made by another version, put away, or changed: say what is left
            if not stands.batch_id:
                raise
            moments = self.session.moments(stands.batch_id)
            lines = {one.batch_id: one for one in self.session.history()}
            which = {"problems": error.problems, "moments": moments, "revision": revision,
                     "line": lines.get(stands.batch_id)}  # fmt: skip
            return self._page("plain.html.j2", {**values, **which}, status=409)
        if seen is None:
            return self._page("plain.html.j2", {**values, "history": self.session.history()[:10]})
        drawer = seen.drawer
        keys = drawer.find() if drawer else []
        shown = {one.entry: one for one in stands.decisions}
        concerned = [*shown, *stands.refused, *(one.entry for one in stands.repeats)]
        concerned += [entry for asked in stands.questions for entry in asked.items]
        return self._page(
            "review.html.j2",
            {
                **values,
                **self._vouchers(seen, keys, begin=0),
                "opening": opening(seen.view, stands if values["is_newest"] else None),
                "seen": seen,
                "batch_id": stands.batch_id,
                "revisions": self.session.revisions(stands.batch_id),
                "items": drawer.items(concerned) if drawer else {},
                "moments": self.session.moments(stands.batch_id),
                "books": self._first_pages(seen),
                "taken_back": _taken_back(seen) if stands.word == "withdrawn" else {},
            },
            view=seen.view,
        )

    def history(self, _: Request) -> Response:
        values = {"stands": self.session.state(), "history": self.session.history()}
        return self._page("history.html.j2", values)

    def as_it_was(self, request: Request) -> Response:
        """Show review.html of a revision as it was written; nothing in it may run or ask."""
        asked = request.path_params
        page = self.session.page_as_it_was(asked["id"], asked["revision"])
        headers = {"content-security-policy": _REPORT_POLICY}
        return HTMLResponse(page, headers=headers)

    def difference(self, request: Request) -> Response:
        """Show what differs between two revisions of a batch."""
        wanted = request.path_params["id"]
        before, after = request.path_params["before"], request.path_params["after"]
        values = {
            "stands": self.session.state(wanted),
            "left": {"name": f"revision {before}", "path": f"{wanted}/{before}"},
            "right": {"name": f"revision {after}", "path": f"{wanted}/{after}"},
            "difference": (told := self.session.difference(wanted, before, after)),
            "items": self._named(told, (wanted, before), (wanted, after)),
        }
        return self._page("difference.html.j2", values)

    def changed(self, request: Request) -> Response:
        """Say in a dialog what is otherwise than in what a person looked at or approved before."""
        wanted, by = request.path_params["id"], request.query_params.get("by", "")[:80]
        values: dict[str, Any] = {"batch_id": wanted, "problem": None, "items": {}}
        try:
            found = values["changed"] = self.session.changed(wanted, by=by)
        except EtlError as error:
            values |= {"problem": error.problems[0], "changed": None}
            return self._page("changed.html.j2", values)
        if found is not None:
            seen = self.session.view(wanted)
            told = found.compared.found
            entries = [one.item_id for one in (*told.items[:NAMED], *told.cells[:NAMED])]
            values["items"] = seen.drawer.items(entries) if seen and seen.drawer else {}
        return self._page("changed.html.j2", values)

    def compared(self, request: Request) -> Response:
        """Show what differs between two batches."""
        sides = [self.session.state(request.path_params[name]) for name in ("before", "after")]
        names = {one.batch_id: one.name for one in self.session.history()}
        left, right = ({"name": names[one.batch_id], "path": one.batch_id} for one in sides)
        values = {
            "stands": sides[1], "left": left, "right": right,
            "difference": (told := self.session.compared(left["path"], right["path"])),
            "items": self._named(told, (left["path"], None), (right["path"], None)),
        }  # fmt: skip
        return self._page("difference.html.j2", values)

    def _named(self, told: Any, *sides: tuple[str, int | None]) -> dict[str, Any]:
        """Give what is known of the items of a comparison, from whichever side can be seen."""
        entries = list(
            {one.item_id: None for one in (*told.found.items[:SHOWN], *told.found.cells[:SHOWN])}
        )
        items: dict[str, Any] = {}
        for batch, revision in sides:
            with suppress(EtlError):  # an old one that cannot be made again
                seen = self.session.view(batch, revision=revision)
                items |= seen.drawer.items(entries) if seen and seen.drawer else {}
        return items

    # ── parts of pages ──

    def vouchers(self, request: Request) -> Response:
        """Give the next vouchers: of all, of those with remarks, of those that hold some words."""
        seen = self._seen(request)
        asked = request.query_params
        drawer = seen.drawer
        if drawer is None:
            raise Missing
        item = asked.get("item", "")[:128]
        keys = drawer.of_item(item) if item else drawer.find(
            asked.get("find", "")[:100], is_noted=asked.get("noted") == "1"
        )  # fmt: skip
        values = self._vouchers(seen, keys, begin=read_number(asked.get("from")))
        stands = self.session.state(request.path_params["id"])
        return self._page(
            "vouchers.html.j2", {**values, "stands": stands, "seen": seen}, view=seen.view
        )

    def _vouchers(self, seen: Any, keys: list[int], *, begin: int) -> dict[str, Any]:
        chosen = keys[begin : begin + VOUCHERS]
        drawer = seen.drawer
        rows = self.session.places(seen, drawer.items_of(chosen)) if drawer and chosen else {}
        end = begin + len(chosen)
        return {
            "vouchers": drawer.vouchers(chosen, rows=rows) if drawer else (),
            "begin": begin, "found": len(keys), "next": end if end < len(keys) else None,
        }  # fmt: skip

    def rows(self, request: Request) -> Response:
        """Give lines of an output file, as cells and raw."""
        seen, place = self._seen(request), request.path_params["file"]
        page = self._book(seen, place).page(request.path_params["begin"], LINES)
        values = {"page": page, "file": place, "seen": seen, "batch_id": request.path_params["id"]}
        return self._page("rows.html.j2", values)

    def _first_pages(self, seen: Any) -> list[Any]:
        return [self._book(seen, place).page(1, LINES) for place in range(len(seen.view.files))]

    def _book(self, seen: Any, place: int) -> FileBook:
        if not 0 <= place < len(seen.view.files):
            raise Missing
        name = seen.view.files[place].name
        key = (seen.content, name)
        if key not in self._books:
            self._books[key] = self.session.book(seen, name)
            while len(self._books) > _BOOKS:
                self._books.popitem(last=False)
        return self._books[key]

    def trace(self, request: Request) -> Response:
        """Follow a value back: of a line of a file, or all of an item."""
        seen, asked = self._seen(request), request.query_params
        column = asked.get("column")
        file, name = asked.get("file"), ""
        if file is not None:
            place = read_number(file)
            if place >= len(seen.view.files):
                raise Missing
            name = seen.view.files[place].name
        found = self.session.trace(
            seen, asked.get("item", "")[:128], file=name, row=read_number(asked.get("row")),
            column=None if column is None else read_number(column),
        )  # fmt: skip
        values = {"trace": found, "seen": seen, "batch_id": request.path_params["id"]}
        return self._page("trace.html.j2", values, view=seen.view)

    def receipt(self, request: Request) -> Response:
        """Give a receipt: an image or a PDF to be shown, anything else as a file to be kept."""
        asked = request.path_params
        found = self.session.receipt(self._seen(request), asked["entry"], asked["number"])
        name = quote(found.name.replace("/", " ").replace("\\", " ")[:100] or "receipt")
        how = "inline" if found.media_type else "attachment"
        headers = {
            "content-disposition": f"{how}; filename*=UTF-8''{name}",
            "content-security-policy": _RECEIPT_POLICY,
        }
        kind = found.media_type or "application/octet-stream"
        return Response(found.content, media_type=kind, headers=headers)

    # ── state and acts ──

    def state(self, request: Request) -> Response:
        stands = self.session.state(request.query_params.get("batch") or None)
        progress = self.acts.progress
        return JSONResponse({
            "batch": stands.batch_id, "content": stands.content, "revision": stands.revision,
            "state": stands.state, "word": stands.word, "minutes": stands.minutes_left,
            "seconds": stands.seconds_left, "time": stands.time_words,
            "is_lapsed": stands.is_lapsed,
            "progress": progress.document() if progress else None,
        })  # fmt: skip

    async def act(self, request: Request) -> Response:
        """Do what a person has decided."""
        from starlette.concurrency import run_in_threadpool

        parts = read_parts(await request.body())
        name = request.path_params["name"]
        return JSONResponse(await run_in_threadpool(self.acts.do, name, parts))

    def _seen(self, request: Request) -> Any:
        asked = request.path_params
        seen = self.session.view(asked["id"], revision=asked["revision"])
        if seen is None:
            raise Missing
        return seen

    def _page(
        self, name: str, values: Mapping[str, Any], *, view: Any = None, status: int = 200
    ) -> Response:
        given = {
            "base": f"/{self.door.path}", "act_token": self.door.act_token, "by": self.host.by,
            **values,
        }  # fmt: skip
        return HTMLResponse(write(name, given, view=view), status)

    # ── what goes wrong ──

    def problem(self, _: Request, error: Exception) -> Response:
        """Show what is wrong, and what to do, on a page of its own."""
        problems = error.problems if isinstance(error, EtlError) else ()
        return self._problem(problems, 409)

    def missing(self, _: Request, __: Exception) -> Response:
        fix = "go back to the batch"
        return self._problem([Problem("", "there is nothing at this address", "", fix)], 404)

    def wrong(self, _: Request, error: Exception) -> Response:
        return JSONResponse({"is_done": False, "is_running": False, "says": str(error)}, 400)

    def _problem(self, problems: Any, status: int) -> Response:
        given = {"base": f"/{self.door.path}", "act_token": self.door.act_token,
                 "by": self.host.by, "problems": problems}  # fmt: skip
        return HTMLResponse(write("plain.html.j2", {**given, "stands": None}), status)


def _taken_back(seen: Any) -> dict[str, Any]:
    """Give the items that stood in the files of a batch; the first are named."""
    entries = [str(one["id"]) for one in seen.items if one["vouchers"]]
    named = seen.drawer.items(entries[:NAMED_BACK]) if seen.drawer else {}
    return {"count": len(entries), "items": named, "entries": entries[:NAMED_BACK]}


def make_app(
    session: Session,
    host: Host,
    *,
    door: Door,
    bug: Callable[[BaseException], None],
    active: Callable[[], None],
) -> tuple[Guard, Acts]:
    """Make the local page of a session; only requests that the guard lets through reach it."""
    local = Local(session, host, door=door, bug=bug)
    app = Starlette(
        routes=[Mount(f"/{door.path}", routes=local.routes())],
        exception_handlers={
            EtlError: local.problem, Missing: local.missing, Wrong: local.wrong,
            404: local.missing, 405: local.wrong,
        },
    )  # fmt: skip
    return Guard(app, host=host.address, door=door, active=active), local.acts


__all__ = ["Host", "make_app"]
