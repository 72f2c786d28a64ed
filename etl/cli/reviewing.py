"""What a reviewer says of the batch that waits, in one call: answers, approval, release, discard.

answers ──> one new revision ──> approve it ──> release it
                 each bound to the content of the one before; a stale one is refused
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.batches.states import State
from etl.cli import talk
from etl.cli.completing import complete_code, complete_item
from etl.cli.live import Told, Turn
from etl.cli.outcomes import say_outcome, told_of
from etl.cli.review_looks import ALL, Looked, entry_of, look, session_of, write_workbook
from etl.cli.standing import say_standing
from etl.errors import Problem, UserMustFix
from etl.files import shown_path

if TYPE_CHECKING:
    from etl.live.outcomes import Outcome
    from etl.live.session import ReviewSession
    from etl.review.situation import Situation

#: Option -> what is done with the items that it names.
ANSWERS = {
    "rejected": "reject",
    "already_booked": "already_booked",
    "again": "again",
    "undone": "undo",
}
_OPTION = {does: "--" + does.replace("_", "-") for does in ANSWERS.values()}

#: Characters of a content hash that tell it from every other one.
MIN_CONTENT = 12


@dataclass(frozen=True, slots=True)
class Acts:
    """What a call says and does; in this order.

    items    per answer the names of items
    reason   of the rejections
    notes    code of a note that must be answered -> the answer
    content  the hash, or its beginning, that it is decided on; empty: whatever waits
    """

    items: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reason: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    approves: bool = False
    releases: bool = False
    discards: bool = False
    content: str = ""

    @property
    def answers(self) -> bool:
        return bool(self.notes) or any(self.items.values())

    def __bool__(self) -> bool:
        return self.answers or self.approves or self.releases or self.discards


def act_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which a batch is answered, approved, released, discarded."""
    item: dict[str, Any] = {
        "multiple": True, "metavar": "ITEM", "shell_complete": complete_item,
    }  # fmt: skip
    for option in (
        click.option("--content", metavar="HASH", default="",
                     help="Act only if this content still waits; the first 12 characters do."),
        click.option("--discard", "discards", is_flag=True, help="Forget what is staged."),
        click.option("--release", "releases", is_flag=True,
                     help="Approve what is staged, and release it, unasked."),
        click.option("--approve", "approves", is_flag=True,
                     help="Approve what is staged, unasked."),
        click.option("--answer", "answered", multiple=True, metavar="CODE=TEXT",
                     shell_complete=complete_code,
                     help="Answer a note that must be answered; may be repeated."),
        click.option("--again", "again", help="Book an item once more that was booked before;"
                     " all for each of them.", **item),
        click.option("--already-booked", "already_booked", help="An item stays as it was booked"
                     " before; all for each of them.", **item),
        click.option("--undo", "undone", help="Forget what was said of an item; all for each"
                     " that was booked before.", **item),
        click.option("--reason", metavar="TEXT", help="Why --reject; Pleo shows it."),
        click.option("--reject", "rejected", help="Reject an item; may be repeated.", **item),
    ):  # fmt: skip
        function = option(function)
    return function


def read_acts(given: Mapping[str, Any]) -> Acts:
    """Read the options of act_options."""
    notes = {}
    for text in given["answered"]:
        code, sign, words = text.partition("=")
        if not sign or not words.strip() or not code.strip():
            raise click.UsageError(f'"{text}" is not CODE=TEXT')
        notes[code.strip()] = words.strip()
    reason = (given["reason"] or "").strip()
    if bool(given["rejected"]) != bool(reason):
        raise click.UsageError("--reject needs --reason, and --reason needs --reject")
    for_all = [
        f"{_OPTION[does]} all"
        for option, does in ANSWERS.items()
        if any(_means_all(does, one) for one in given[option])
    ]
    if len(for_all) > 1:
        raise click.UsageError(f"{' and '.join(for_all)} exclude each other")
    acts = Acts(
        {does: given[name] for name, does in ANSWERS.items()}, reason, notes,
        approves=given["approves"], releases=given["releases"], discards=given["discards"],
        content=given["content"].strip().casefold(),
    )  # fmt: skip
    if acts.discards and (acts.answers or acts.approves or acts.releases):
        raise click.UsageError("--discard excludes answers, --approve and --release")
    if acts.content and not acts:
        raise click.UsageError("--content says what an act is decided on; it needs an act")
    if acts.content and len(acts.content) < MIN_CONTENT:
        raise click.UsageError(f"--content takes {MIN_CONTENT} characters or more of the hash")
    return acts


def do_acts(turn: Turn, acts: Acts, *, by: str, xlsx: Path | None = None) -> Told:
    """Do what a call says of the batch that waits, and say what came of each.

    Raises: UserMustFix CLI-5 where nothing waits; REL-2 where it is not what was looked at; and
    whatever stops an act: what was done before it stays.
    """
    heard: list[Outcome] = []
    session = session_of(turn, heard)
    with turn.telling.during("review"):
        situation = session.state()
        if not situation.batch_id:
            raise UserMustFix(nothing_staged(turn))
        content = _content(situation, acts.content)
        done: list[Outcome] = []
        if acts.answers:
            decisions = _decisions(look(session)[1], acts)
            outcome = session.answer(decisions, acts.notes, by=by, content=content)
            say_act(turn, outcome, heard, goes_on=acts.approves or acts.releases)
            done.append(outcome)
            content = content if outcome.batch is None else outcome.batch.content or content
        if xlsx is not None:
            _write(look(session)[1], xlsx)
        if acts.approves or acts.releases or acts.discards:
            done.append(_end(turn, session, acts, by=by, content=content))
            say_act(turn, done[-1], heard)
        _say_what_is_left(turn, session)
    return _told(turn, done, heard)


def _say_what_is_left(turn: Turn, session: ReviewSession) -> None:
    """Say the minutes left and the approvals, where something still waits."""
    from etl.review.terminal import sight

    situation = session.state()
    if situation.state in ("staged", "approved"):
        with turn.telling.paused():
            talk.say(f"  {sight(situation)}")


def _end(turn: Turn, session: ReviewSession, acts: Acts, *, by: str, content: str) -> Outcome:
    if acts.discards:
        return session.discard(by=by, content=content)
    if not acts.releases:
        return session.approve(by=by, content=content)
    outcome = session.release(by=by, content=content, tell=turn.telling)
    check_released(outcome)
    return outcome


def check_released(outcome: Outcome) -> None:
    """Make sure that a release did not end at an approval.

    Raises: HeldElsewhere REVIEW-4 where another person must approve.
    """
    from etl.live.approving import second_name_missing

    batch = outcome.batch
    is_approved_only = outcome.word == "waiting" and batch is not None and batch.approvals
    if is_approved_only and batch is not None and batch.state is State.STAGED:
        raise second_name_missing(batch)


def _content(situation: Situation, wanted: str) -> str:
    """Give the content that an act is decided on.

    Raises: UserMustFix REL-2 where something else waits.
    """
    if wanted and not situation.content.startswith(wanted):
        what = f"batch {situation.number} is not what was looked at: revision {situation.revision}"
        fix = "look at it again with `pleo-etl review`, then decide; nothing was changed now"
        where = f"content {situation.content[:12]}"
        raise UserMustFix(Problem("REL-2", f"{what} waits now", where, fix))
    return situation.content


def _decisions(looked: Looked | None, acts: Acts) -> dict[str, dict[str, str]]:
    """Give per item what is said of it; an item that is named goes before all of them.

    Raises: UsageError where two things are said of one item.
    """
    for_all: dict[str, dict[str, str]] = {}
    named: dict[str, dict[str, str]] = {}
    said: dict[str, str] = {}
    for does, names in acts.items.items():
        decision = {"do": does} | ({"reason": acts.reason} if does == "reject" else {})
        for name in names:
            if looked is not None and _means_all(does, name):
                for_all |= dict.fromkeys(_that_came_before(looked), decision)
                continue
            entry = name if looked is None else entry_of(looked, name)
            option = f"{_OPTION[does]} {name}"
            if named.setdefault(entry, decision) != decision:
                raise click.UsageError(f"{said[entry]} and {option} are about one item: say one")
            said[entry] = option
    return for_all | named


def _means_all(does: str, name: str) -> bool:
    return does in ("already_booked", "again", "undo") and name.strip().casefold() == ALL


def _that_came_before(looked: Looked) -> list[str]:
    """Give every item that was booked before, whatever was said of it until now.

    Raises: UserMustFix JOB-12 where there is none.
    """
    repeats = looked.situation.repeats
    if not repeats:
        what = "no item of this batch was booked before with the same postings"
        fix = "`pleo-etl review` shows the batch and what may be said of its items"
        raise UserMustFix(Problem("JOB-12", what, ALL, fix))
    return [one.entry for one in repeats]


def _write(looked: Looked | None, path: Path) -> None:
    if looked is not None:
        write_workbook(looked, path)
        talk.say(f"written: {shown_path(path)}")


def say_act(
    turn: Turn, outcome: Outcome, heard: Sequence[Outcome], *, goes_on: bool = False
) -> None:
    """Say what an act came to, after what it has finished first."""
    for one in heard:
        if one is not outcome:
            say_outcome(one, turn)
    batch = outcome.batch
    is_ours = batch is not None and batch.state in (State.APPROVED, State.STAGED)
    say_outcome(outcome, turn, goes_on=goes_on or is_ours)
    if batch is not None and is_ours and not goes_on:
        with turn.telling.paused():
            say_standing(batch, option=turn.option)


def _told(turn: Turn, done: Sequence[Outcome], heard: Sequence[Outcome]) -> Told:
    *before, last = done
    return told_of(turn, last, [one for one in (*heard, *before) if one is not last])


def nothing_staged(turn: Turn) -> Problem:
    """Say that there is nothing to approve or to release."""
    fix = f"fetch the export that waits in Pleo with `pleo-etl run{turn.option}`"
    return Problem("CLI-5", "nothing is staged", f"company {turn.name}", fix)
