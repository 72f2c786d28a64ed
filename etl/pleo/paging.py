"""Walks through the pages of a list, and stops where they do not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from etl.pleo import refusing
from etl.pleo.exchange import Query, Question
from etl.pleo.reading import Page

#: More pages than any job has; a server that never ends is told from one that is slow.
MAX_PAGES = 1000
MAX_RECORDS = 200_000
#: Pleo's cursors are short; what is longer is not sent on.
MAX_CURSOR = 4096


@dataclass(slots=True)
class Walk:
    """The pages read so far of one list."""

    question: Question
    count: int = 0
    _cursors: set[str] = field(default_factory=set)
    _named: set[frozenset[str]] = field(default_factory=set)
    _totals: set[int] = field(default_factory=set)
    _pages: int = 0

    def take(self, page: Page, ids: Sequence[str]) -> str | None:
        """Take a page with the ids of its elements, and give the cursor of the next; None: ended.

        An id is empty where an element has none.
        Raises: ListsDisagree.
        """
        self._pages += 1
        self._take_ids([one.casefold() for one in ids])
        self.count += len(page.elements)
        if page.total is not None:
            self._totals.add(page.total)
        if not page.has_next:
            self._check_count()
            return None
        return self._next(page)

    def _take_ids(self, ids: Sequence[str]) -> None:
        """Note the ids of a page, to tell a page that comes twice from a record that does.

        The same ids as on a page before: the way is at fault, and to read again may help. One id
        on pages that are different otherwise, or twice on one, may be how Pleo has the list; then
        to read again would never help. Pleo's total, where it gives one, decides at the end. What
        passes is handed on: a job with an entry twice is refused as a whole (JOB-8), so that
        nothing is booked twice (export rules R118, R121). If it was the way after all, no harm is
        done: Pleo is told at the release only, and the next run takes the refusal back.
        """
        named = frozenset(one for one in ids if one)
        if named and named in self._named:
            raise self._wrong("one came twice")
        self._named.add(named)

    def _check_count(self) -> None:
        if len(self._totals) > 1:
            raise self._wrong("their total changed while they were read")
        total = next(iter(self._totals), None)
        if total is not None and total != self.count:
            raise self._wrong(f"{total} records were announced, {self.count} came")

    def _next(self, page: Page) -> str:
        cursor = page.end_cursor
        if not page.elements:
            raise self._wrong("one in the middle is empty")
        if not cursor or len(cursor) > MAX_CURSOR:
            raise self._wrong("more are announced, without a cursor to ask for them")
        if cursor in self._cursors:
            raise self._wrong("one is followed by itself or by one before it")
        if self._pages >= MAX_PAGES or self.count > MAX_RECORDS:
            raise self._wrong(f"there are more than {MAX_PAGES} of them, or {MAX_RECORDS} records")
        self._cursors.add(cursor)
        return cursor

    def _wrong(self, why: str) -> Exception:
        return refusing.disagreeing(why, self.question)


def page_query(query: Query, *, limit: int | None, after: str | None) -> Query:
    """Give the query of one page: the same filters for each, and where it begins."""
    more = [("limit", str(limit))] if limit is not None else []
    return [*query, *more, *([("after", after)] if after is not None else [])]
