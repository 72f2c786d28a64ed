"""A review with single keys, on a terminal: look, answer, approve, release; minutes in sight.

look ──> key ──> screen, or act on the content that was looked at ──> look again
          └─ nobody presses one: the minutes left are said anew, and whether the batch changed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from etl.cli import keys, screens, talk
from etl.cli.live import Told, Turn
from etl.cli.outcomes import say_wrapped, told_of
from etl.cli.review_looks import (
    Looked,
    entry_of,
    first_lines,
    item_lines,
    look,
    overview_lines,
    session_of,
    shown_of,
    where_items_are,
    why_lines,
)
from etl.cli.review_prompt import KEYS, key_lines
from etl.cli.review_vouchers import Leaf
from etl.cli.reviewing import check_released, say_act
from etl.errors import EtlError
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.live.outcomes import Outcome
    from etl.live.session import ReviewSession

#: Seconds after which the minutes left are said anew while nobody presses a key.
SECONDS_BETWEEN = 20
STALE = "REL-2"


def review_with_keys(turn: Turn, *, by: str) -> Told | None:
    """Let a person go through what waits, key by key; None where there is nothing to read."""
    heard: list[Outcome] = []
    session = session_of(turn, heard)
    with turn.telling.during("review"):
        _situation, looked = look(session, by=by)
    if looked is None:
        return None
    return _Reviewing(turn, session, heard, looked=looked, by=by).go()


class _Reviewing:
    """One person at one terminal, with one batch."""

    def __init__(
        self, turn: Turn, session: ReviewSession, heard: list[Outcome], *, looked: Looked, by: str
    ) -> None:
        self._turn, self._session, self._heard = turn, session, heard
        self._looked, self._by = looked, by
        self._leaf = Leaf(looked)
        self._noted: set[str] = set()
        self._changed = ""
        self._last: Outcome | None = None
        self._does: Mapping[str, Callable[[], None]] = {
            "v": lambda: self._show_voucher(1), " ": lambda: self._show_voucher(1),
            "p": lambda: self._show_voucher(-1),
            "w": self._why, "/": self._find, "i": self._items, "n": self._notes,
            "x": self._rejections, "r": self._reject, "u": self._undo, "a": self._approve,
            "l": self._release, "d": self._discard, "s": self._again, "m": self._more,
            "?": self._help,
        }  # fmt: skip

    def go(self) -> Told:
        """Take keys until the person leaves or the batch is done with."""
        self._summary()
        while not self._is_over():
            key = self._next_key()
            if key in ("q", keys.END):
                break
            act = self._does.get(key)
            if act is None:
                talk.say(f"{key!r} does nothing here; ? tells the keys")
                continue
            try:
                act()
            except EtlError as error:
                self._refused(error)
        self._remember()
        return self._told()

    # ── waiting for a key ──

    def _next_key(self) -> str:
        """Tell the keys, and wait for one; what is left of the hour stays in sight meanwhile."""
        talk.say("")
        for line in key_lines(self._looked, self._leaf, width=screens.width()):
            talk.say(line)
        said = ""
        while True:
            prompt = self._prompt()
            if prompt != said:
                start = "\r" if said else ""
                click.echo(f"{start}{prompt:<{len(said)}}", err=True, nl=False)
                said = prompt
            key = keys.pressed(SECONDS_BETWEEN)
            if key in ("\n", "\r"):
                continue
            if key:
                talk.say("" if key == keys.END else talk.printable(key))
                return key.casefold()
            self._look_aside()

    def _prompt(self) -> str:
        from etl.review.terminal import sight

        situation = self._looked.situation
        changed = ", changed (s shows it)" if self._changed else ""
        return f"{sight(situation)}{changed}. Your key: "

    def _look_aside(self) -> None:
        """Ask how it stands while nobody presses a key."""
        from dataclasses import replace

        situation = self._session.state(self._looked.situation.batch_id)
        self._changed = "" if situation.content == self._looked.content else situation.content
        self._looked = replace(self._looked, situation=situation)

    def _is_over(self) -> bool:
        return self._looked.situation.state not in ("staged", "approved", "started")

    # ── screens ──

    def _show_voucher(self, step: int) -> None:
        screens.show(self._leaf.turn(step, width=screens.width()))

    def _why(self) -> None:
        entry = self._leaf.entry or self._ask_item("why of which item?")
        if entry:
            screens.show(why_lines(self._looked, entry))

    def _find(self) -> None:
        words = keys.answered("find (empty: all vouchers)")
        screens.show(self._leaf.find(words, width=screens.width()))

    def _items(self) -> None:
        screens.show(item_lines(self._looked))

    def _rejections(self) -> None:
        from etl.review.terminal import MANY, Line, rejections

        shown = shown_of(self._turn, self._looked)
        lines = rejections(self._looked.viewed.view.cures, shown, few=MANY)
        screens.show(lines or [Line("nothing was rejected", "good")])

    def _summary(self) -> None:
        screens.show(first_lines(self._turn, self._looked, has_keys=True))

    def _again(self) -> None:
        self._look()
        self._summary()

    def _more(self) -> None:
        screens.show(overview_lines(self._turn, self._looked, has_keys=True))

    def _help(self) -> None:
        for name, key in KEYS.items():
            talk.say(f"  {name}  {key.does}")

    # ── acts, each told in a line ──

    def _notes(self) -> None:
        from etl.review.terminal import MANY, Line, remarks

        shown = shown_of(self._turn, self._looked)
        asked = {question.code for question in self._looked.situation.open_questions}
        # What is asked stands last: just above the question.
        notes = sorted(self._looked.viewed.view.notes, key=lambda one: one.code in asked)
        lines = remarks(notes, shown, few=MANY)
        if lines or not self._looked.situation.repeats:
            screens.show(lines or [Line("there are no notes", "good")])
        answers = {}
        for question in self._looked.situation.open_questions:
            said = keys.answered(f"your answer to {question.code} (empty: later):")
            if said:
                answers[question.code] = said
        decisions = self._asked_of_repeats()
        if answers or decisions:
            self._do(lambda: self._session.answer(
                decisions, answers, by=self._by, content=self._looked.content
            ))  # fmt: skip

    def _asked_of_repeats(self) -> dict[str, dict[str, str]]:
        """Ask what is to become of the items that were booked before."""
        from etl.review.terminal import FEW, booked_before, called

        repeats = self._looked.situation.repeats  # what was said of one can be said otherwise
        decisions: dict[str, dict[str, str]] = {}
        if not repeats:
            return decisions
        shown = shown_of(self._turn, self._looked)
        # What they are asked about stays on the screen: each takes two lines.
        screens.show(booked_before(shown, few=max(FEW, screens.height() // 2 - FEW)))
        many = f"all {len(repeats)}: " if len(repeats) > 1 else ""
        later = "later" if self._looked.situation.open_repeats else "as it is"
        click.echo(f"{many}b already booked, g again, o one by one, Enter {later}: ", err=True,
                   nl=False)  # fmt: skip
        key = self._letter()
        for one in repeats if key in "bgo" else ():
            said = key
            if key == "o":
                named = talk.printable(called(one.entry, shown))
                click.echo(f"{named}\n  b already booked, g again, Enter {later}: ", err=True,
                           nl=False)  # fmt: skip
                said = self._letter()
            if said in ("b", "g"):
                decisions[one.entry] = {"do": "already_booked" if said == "b" else "again"}
        return decisions

    def _letter(self) -> str:
        key = keys.pressed().casefold()
        talk.say(key if key.isprintable() else "")
        return key if key.isalpha() else "-"

    def _reject(self) -> None:
        entry = self._ask_item("reject which item?")
        reason = keys.answered("why? Pleo shows it:") if entry else ""
        if not reason:
            talk.say("nothing was rejected: it needs an item and a reason")
            return
        self._do(lambda: self._session.reject(
            entry, reason=reason, by=self._by, content=self._looked.content
        ))  # fmt: skip

    def _undo(self) -> None:
        said = self._looked.situation.decisions
        for one in said:
            reason = f": {one.reason}" if one.reason else ""
            talk.say(
                talk.printable(f"  {self._name(one.entry)}  {one.does.replace('_', ' ')}{reason}")
            )
        if not said:
            talk.say("nothing was said of any item yet")
            return
        default = self._name(said[0].entry) if len(said) == 1 else ""
        entry = self._ask_item("undo it for which item?", default=default)
        if entry:
            self._do(lambda: self._session.undo(entry, by=self._by, content=self._looked.content))

    def _must_answer_first(self) -> bool:
        """Say what has to be answered before an approval, and which key asks for it."""
        situation = self._looked.situation
        waits = [f"{one.meaning} ({one.code})" for one in situation.open_questions]
        if count := len(situation.open_repeats):
            named = counted(count, "item")
            waits.append(
                f"whether {named} that came before {'is' if count == 1 else 'are'} booked already"
            )
        if waits:
            say_wrapped(f"first answer, with key n: {'; '.join(waits)}")
        return bool(waits)

    def _approve(self) -> None:
        if self._must_answer_first():
            return
        if self._looked.is_known and self._looked.situation.may("approve"):
            talk.say("all of it was reviewed or approved before and is unchanged")
        elif not self._is_confirmed(f"approve as {self._by}?"):
            return
        self._remember()
        self._do(lambda: self._session.approve(by=self._by, content=self._looked.content))

    def _release(self) -> None:
        if self._must_answer_first() or not self._is_confirmed(
            f"approve as {self._by}, and release?"
        ):
            return
        self._remember()
        self._do(self._carry_out)
        from etl.review.terminal import next_steps

        if self._looked.situation.word == "released":
            shown = shown_of(self._turn, self._looked)
            screens.show(next_steps(self._looked.viewed.view, shown))

    def _carry_out(self) -> Outcome:
        outcome = self._session.release(
            by=self._by, content=self._looked.content, tell=self._turn.telling
        )
        check_released(outcome)
        return outcome

    def _discard(self) -> None:
        if self._is_confirmed("forget this batch?"):
            self._do(lambda: self._session.discard(by=self._by, content=self._looked.content))

    def _is_confirmed(self, question: str) -> bool:
        from etl.review.terminal import sight

        is_agreed = keys.agreed(f"{sight(self._looked.situation)}: {question}")
        if not is_agreed:
            talk.say("nothing was done")
        return is_agreed

    def _ask_item(self, question: str, *, default: str = "") -> str:
        """Ask for an item; the one of the voucher that is shown is the default."""
        name = keys.answered(question, default=default or self._name(self._leaf.entry))
        return entry_of(self._looked, name) if name else ""

    def _name(self, entry: str) -> str:
        return self._looked.names.get(entry, entry)

    def _do(self, act: Callable[[], Outcome]) -> None:
        """Do an act, say what came of it, and look again."""
        self._heard.clear()
        with self._turn.telling.during("review"):
            outcome = act()
        self._last = outcome
        is_answer = outcome.word in ("staged", "approved") or outcome.batch is None
        if is_answer:
            say_wrapped(outcome.says)
        else:
            say_act(self._turn, outcome, list(self._heard))
        self._look()
        if is_answer:
            screens.show(where_items_are(self._looked))

    def _look(self) -> None:
        """Look at the batch again, as it is now."""
        batch = self._looked.situation.batch_id
        with self._turn.telling.during("review"):
            _situation, looked = look(self._session, batch, by=self._by)
        self._changed = ""
        if looked is None:
            self._look_aside()
            return
        has_changed = looked.content != self._looked.content
        self._looked = looked
        if has_changed:
            self._leaf = self._leaf.over(looked)

    def _refused(self, error: EtlError) -> None:
        """Say why an act was not done; what was looked at may not be there any more."""
        talk.show_problems([self._turn.named(problem) for problem in error.problems])
        self._look()
        if any(problem.code == STALE for problem in error.problems):
            self._summary()

    # ── at the end ──

    def _remember(self) -> None:
        """Remember which items were looked at, and no others, for when they come again."""
        seen = sorted(self._leaf.seen - self._noted)
        if not seen or self._looked.situation.state != "staged":
            return
        try:
            outcome = self._session.seen(seen, by=self._by, content=self._looked.content)
        except EtlError as error:
            talk.show_problems(error.problems)
            return
        self._noted.update(seen)
        say_wrapped(outcome.says)

    def _told(self) -> Told:
        if self._last is not None:
            return told_of(self._turn, self._last)
        return Told(self._looked.situation.word)
