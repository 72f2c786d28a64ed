"""A review as a person goes through it: look, answer, approve, release, and what comes after.

    look    without the lock, as often as one likes
    act     lock ─> finish what was begun ─> is it still what was looked at? ─> do it ─> unlock

Every act carries the content hash that it was decided on, and may carry the name of its request.
One that is sent twice is done once; one that was decided on other content is refused.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from etl.batches.ledger import Batch
from etl.batches.ledger.applying import approvers
from etl.batches.states import State
from etl.clock import Clock
from etl.errors import Problem, UserMustFix
from etl.live import answers, releasing
from etl.live.approving import approve
from etl.live.desk import Desk, Tell, open_desk, silent
from etl.live.finishing import finish
from etl.live.last_words import REJECT, UNDO
from etl.live.looking import Looking
from etl.live.outcomes import Outcome, name_of
from etl.live.reviewing import answer, review
from etl.live.staging import stage_next
from etl.pleo.travel import Transport
from etl.sentences import counted
from etl.workspace import Workspace

#: Requests that are remembered, so that one that comes again does nothing.
REMEMBERED = 256


def _nobody(_: Outcome) -> None:
    """Hear what was finished, and say it to nobody."""


class ReviewSession(Looking):
    """The review of one company, for the terminal and for the local page."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        *,
        clock: Clock | None = None,
        transport: Transport | None = None,
        tell: Tell = silent,
        remark: Tell = silent,
        hear: Callable[[Outcome], None] = _nobody,
    ) -> None:
        """Open nothing yet: every look and every act does so for its own time.

        Needs: who hears what is being done, what a person has to know besides the outcome, and
        what an earlier command had begun and this one has finished.
        """
        super().__init__(workspace, name, clock=clock, transport=transport)
        self._tell, self._remark, self._hear = tell, remark, hear
        self._one_at_a_time = threading.Lock()
        self._done: OrderedDict[str, tuple[str, Outcome]] = OrderedDict()

    # ── answers, each bound to the content that was looked at ──

    def reject(
        self, entry: str, *, reason: str, by: str, content: str, request: str = ""
    ) -> Outcome:
        """Hold an item back; Pleo shows the reason."""
        said = {"do": REJECT, "reason": reason.strip()}
        return self.answer({entry: said}, {}, by=by, content=content, request=request)

    def undo(self, entry: str, *, by: str, content: str, request: str = "") -> Outcome:
        """Forget what was said of an item."""
        return self.answer({entry: {"do": UNDO}}, {}, by=by, content=content, request=request)

    def answer_note(
        self, code: str, text: str, *, by: str, content: str, request: str = ""
    ) -> Outcome:
        """Answer a note that blocks the approval."""
        return self.answer({}, {code: text.strip()}, by=by, content=content, request=request)

    def answer(
        self,
        decisions: Mapping[str, Mapping[str, str]],
        notes: Mapping[str, str],
        *,
        by: str,
        content: str,
        request: str = "",
    ) -> Outcome:
        """Say several things at once, of items and of notes; one revision follows from them."""

        def do(desk: Desk) -> Outcome:
            batch = desk.unsettled()
            if batch is not None and _is_said(batch, decisions, notes):
                return Outcome(
                    word="unchanged", says="that was said before; nothing has changed", batch=batch
                )
            batch = self._current(desk, content)
            if any(not text for text in notes.values()):
                raise _no_answer(batch)
            return answer(desk, batch, by=by, decisions=decisions, notes=notes)

        said = f"{content} {sorted(decisions.items())!s} {sorted(notes.items())!s}"
        return self._act("answer", do, by=by, content=said, request=request)

    def approve(self, *, by: str, content: str, request: str = "") -> Outcome:
        """Say that exactly this content may be released; a reversal goes out with the last name."""

        def do(desk: Desk) -> Outcome:
            batch = self._current(desk, content)
            if (reverses := batch.facts.get("reverses")) is not None:
                return answers.reverse(desk, str(reverses), by=by)
            return self._approved(desk, self._approve(desk, batch, by=by, content=content))

        return self._act("approve", do, by=by, content=content, request=request)

    def release(
        self, *, by: str, content: str, request: str = "", tell: Tell | None = None
    ) -> Outcome:
        """Approve what was looked at, where that is not done, and release it.

        What it came to is said also where it was released before. With too few approvals it is
        approved only.
        """

        def do(desk: Desk) -> Outcome:
            batch = self._released(desk, content)
            if batch is not None:
                return Outcome(**releasing.outcome_of(desk, batch))
            batch = self._current(desk, content)
            if batch.state is State.STAGED and not batch.facts.get("refusal"):
                batch = self._approve(desk, batch, by=by, content=content)
                if batch.state is State.STAGED:
                    return self._approved(desk, batch)
            return releasing.release(desk, batch, by=by)

        return self._act("release", do, by=by, content=content, request=request, tell=tell)

    def seen(self, entries: Sequence[str], *, by: str, content: str, request: str = "") -> Outcome:
        """Remember which items a person has looked at, for when they come again."""

        def do(desk: Desk) -> Outcome:
            batch = self._current(desk, content)
            if batch.state is State.STAGED and batch.revision and entries:
                batch = review(desk, batch, by=by, entries=entries)
            count = counted(len(entries), "item")
            return Outcome(word=str(batch.state), says=f"noted: {count} looked at", batch=batch)

        what = f"{content} {','.join(sorted(entries))}"
        return self._act("seen", do, by=by, content=what, request=request)

    def discard(self, *, by: str, content: str, request: str = "") -> Outcome:
        """Give up a batch of which nothing is out."""

        def do(desk: Desk) -> Outcome:
            return answers.discard(desk, self._current(desk, content), by=by)

        return self._act("discard", do, by=by, content=content, request=request)

    def fetch(self, *, by: str = "", request: str = "") -> Outcome:
        """Stage the oldest export that waits in Pleo."""
        return self._act("run", stage_next, by=by, content="", request=request)

    # ── what is said of a batch that was released ──

    def imported(
        self, batch: str, *, by: str, refused: Sequence[str] = (), request: str = ""
    ) -> Outcome:
        """Say that the ERP has a batch, but for some items."""

        def do(desk: Desk) -> Outcome:
            return answers.mark_imported(desk, batch, by=by, refused=refused)

        what = ",".join(sorted(refused))
        return self._act("imported", do, by=by, content=f"{batch} {what}", request=request)

    def withdraw(self, batch: str, *, by: str, request: str = "") -> Outcome:
        """Take back a batch that nobody has imported."""

        def do(desk: Desk) -> Outcome:
            return answers.withdraw(desk, batch, by=by)

        return self._act("withdraw", do, by=by, content=batch, request=request)

    def reissue(self, batch: str, *, by: str, content: str, request: str = "") -> Outcome:
        """Take a batch back that nobody has imported, for its items to be exported anew in Pleo."""

        def do(desk: Desk) -> Outcome:
            found = desk.ledger.find(desk.company_id, batch)
            if found.content != content:
                raise _changed(found)
            return answers.withdraw(desk, found, by=by)

        return self._act("reissue", do, by=by, content=f"{batch} {content}", request=request)

    def reverse(self, batch: str, *, by: str, request: str = "") -> Outcome:
        """Book a batch the other way round."""

        def do(desk: Desk) -> Outcome:
            return answers.reverse(desk, batch, by=by)

        return self._act("reverse", do, by=by, content=batch, request=request)

    def settle(self, batch: str, *, imported: bool, by: str, request: str = "") -> Outcome:
        """Say whether the ERP has the files of a quarantined batch."""

        def do(desk: Desk) -> Outcome:
            return answers.settle(desk, batch, imported=imported, by=by)

        return self._act("settle", do, by=by, content=f"{batch} {imported}", request=request)

    # ── how an act is done ──

    def _act(
        self,
        what: str,
        do: Callable[[Desk], Outcome],
        *,
        by: str,
        content: str,
        request: str,
        tell: Tell | None = None,
    ) -> Outcome:
        """Do an act as the only one, after what was begun; the same request gets the same answer.

        Raises: HeldElsewhere LOCK-1 and whatever stops it; it may be sent again then.
        """
        print_ = f"{what}\n{by}\n{content}"
        with self._one_at_a_time:
            if request in self._done:
                before, outcome = self._done[request]
                if before != print_:
                    raise _other_request(what)
                return outcome
            with open_desk(
                self.workspace, self.name, what=f"pleo-etl review ({what})", clock=self.clock,
                transport=self._transport, tell=tell or self._tell,
            ) as opened:  # fmt: skip
                desk = replace(opened, remark=self._remark)
                finished = finish(desk)
                for one in finished:
                    self._hear(one)
                outcome = _came_of(finished, content) or do(desk)
            self._job = None
            if request:
                self._done[request] = (print_, outcome)
                while len(self._done) > REMEMBERED:
                    self._done.popitem(last=False)
            return outcome

    def _current(self, desk: Desk, content: str) -> Batch:
        """Give the batch that waits, if it is still what was looked at."""
        batch = desk.unsettled()
        if batch is None:
            raise _nothing_waits(desk)
        if batch.content != content:
            raise _changed(batch)
        return batch

    def _released(self, desk: Desk, content: str) -> Batch | None:
        """Give the batch of this content that was released before."""
        if (waiting := desk.unsettled()) is not None and waiting.content == content:
            return None
        closed = desk.ledger.batches(desk.company_id, states=[State.CLOSED])
        return next((one for one in reversed(closed) if one.content == content), None)

    def _approve(self, desk: Desk, batch: Batch, *, by: str, content: str) -> Batch:
        """Approve once: a name that is on the content already is not written down again."""
        known = approvers(batch.approvals, by="") - {""}
        is_said = by.strip().casefold() in known and len(known) < desk.approvals
        if is_said or batch.state is not State.STAGED:
            return batch
        return approve(desk, batch, by=by, content=content)

    def _approved(self, desk: Desk, batch: Batch) -> Outcome:
        names = " and ".join(one.by for one in batch.approvals)
        says = f"{name_of(batch)} is approved by {names}"
        if batch.state is State.STAGED:
            given = len(approvers(batch.approvals, by="") - {""})
            more = f"{given} of {desk.approvals} approvals are given"
            return Outcome(
                word="waiting", says=f"{says}: {more}", batch=batch,
                next_step="another person looks at the same content and approves it",
            )  # fmt: skip
        return Outcome(word="approved", says=says, batch=batch, next_step="release it")


def _came_of(finished: Sequence[Outcome], content: str) -> Outcome | None:
    """Give what became of this content where it was finished just now; None while it waits."""
    last = finished[-1] if finished else None
    if last is None or last.batch is None or last.batch.content != content:
        return None
    return None if last.batch.state is State.STAGED else last


def _is_said(
    batch: Batch, decisions: Mapping[str, Mapping[str, str]], notes: Mapping[str, str]
) -> bool:
    """Say whether all of it was said already, so that there is nothing to do."""
    told = batch.facts.get("decisions") or {}
    answered = batch.facts.get("notes") or {}

    def stands(entry: str, one: Mapping[str, str]) -> bool:
        before = told.get(entry, {"do": UNDO})
        same = before["do"] == one["do"] and before.get("reason", "") == one.get("reason", "")
        return bool(same)

    is_told = all(stands(entry, one) for entry, one in decisions.items())
    return is_told and all(bool(answered.get(code) == text) for code, text in notes.items())


# ── what is refused, and why ────────────────────────────────────────────────────────────────


def _nothing_waits(desk: Desk) -> UserMustFix:
    what = "nothing waits to be reviewed any more: it was released, discarded or has lapsed"
    fix = "`pleo-etl history` says what became of it"
    return UserMustFix(Problem("REL-1", what, f"company {desk.name}", fix))


def _changed(batch: Batch) -> UserMustFix:
    what = f"{name_of(batch)} has changed since you looked at it: it is revision {batch.revision}"
    where = f"content {str(batch.content)[:12]}"
    fix = "look at it again, then decide; nothing was changed now"
    return UserMustFix(Problem("REL-2", what, where, fix))


def _no_answer(batch: Batch) -> UserMustFix:
    fix = "say in a few words what you found; it stays with the batch"
    return UserMustFix(Problem("JOB-12", "the answer is empty", name_of(batch), fix))


def _other_request(what: str) -> UserMustFix:
    fix = "look at the batch again, then decide"
    return UserMustFix(Problem("REL-2", "this request was used for another act", what, fix))
