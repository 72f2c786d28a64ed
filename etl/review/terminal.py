"""The review on a terminal: the same view model in lines of at most 80 columns.

Plain lines, each with the name of a style; what is said never hangs on colour. No character from
outside reaches the terminal that could steer it. Calls and paths stay whole, whatever their
length: they are there to be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from etl.review.marks import mark
from etl.review.model import AsideGroup, Cause, Concerned, CureGroup, NoteGroup, ReviewView
from etl.review.opening import opening
from etl.review.situation import Question, Repeat, Situation
from etl.review.summary import (
    SIGNS,
    checks_of,
    counts_of,
    files_of,
    fit,
    told,
    totals_of,
    wrapped,
)
from etl.review.terminal_lines import Line as Line
from etl.review.terminal_lines import Shown as Shown
from etl.review.terminal_totals import sums
from etl.review.words import grouped
from etl.sentences import counted

#: Items that a summary names under a remark, a cause or a question; a screen of its own has more.
FEW = 3
MANY = 50
#: Kinds of remarks and causes that a summary has.
MAX_GROUPS = 8
#: Lines that what changed may take.
CHANGES = 2
EMPLOYEE = "employee"


def overview(view: ReviewView, shown: Shown) -> list[Line]:
    """Give the whole review in a few screens: what decides comes first, what to type last."""
    blocks = (
        [*head(view, shown), *changes(shown)],
        checks(view, shown.width),
        [] if shown.is_old else questions(shown),
        totals(view, shown.width),
        booked_before(shown, few=MAX_GROUPS),
        set_aside(view.aside, shown),
        remarks(view.notes, shown, few=FEW),
        rejections(view.cures, shown, few=FEW),
        sums(view, shown.width),
        _files(view, shown),
        next_steps(view, shown),
    )
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [Line(""), *block] if lines else block
    return lines


def sight(situation: Situation) -> str:
    """Say what must always be in sight: the minutes left, and the approvals."""
    parts = []
    if situation.minutes_left is not None:
        parts.append(f"{counted(situation.minutes_left, 'minute')} left")
    elif situation.is_lapsed:
        parts.append("lapsed")
    elif situation.time_words:
        parts.append("minutes left not known")
    parts.append(f"{given(situation)} of {situation.needed} approved")
    return ", ".join(parts)


def given(situation: Situation) -> int:
    """Count the persons who have approved; the same name counts once."""
    return len({one.by.strip().casefold() for one in situation.approvals})


def item_words(name: str, title: str, amount: Decimal | None, *, currency: str) -> str:
    """Name an item in a line: its id and amount, which are never cut, and whose it is."""
    money = "" if amount is None else f"{currency} {grouped(amount)}"
    return "  ".join(part for part in (name, money, title) if part)


def changes(shown: Shown, *, most: int = CHANGES) -> list[Line]:
    """Say in a line or two what changed since this person looked last."""
    lines = list(wrapped("  ", shown.changed, width=shown.width)) if shown.changed else []
    if len(lines) > most:
        lines[most - 1] += " …"
    return list(_styled(lines[:most], shown.width, "look"))


# ── sections ────────────────────────────────────────────────────────────────────────────────


def head(view: ReviewView, shown: Shown) -> list[Line]:
    """Say which batch this is, what was found or what became of it, and where its items are."""
    situation, width = shown.situation, shown.width
    is_newest = shown.revision == situation.revision
    first = opening(view, situation if is_newest else None)
    batch = f"batch {situation.number}, revision {shown.revision}"
    lines = [Line(fit(f"{situation.company}: {batch} ({situation.batch_id})", width), "title")]
    lead = f"[{SIGNS[first.state]}] "
    lines += _styled(wrapped(lead, first.headline, width=width), width, first.state)
    lines += _styled(counts_of(view, width), width)
    if not is_newest:
        newer = f"this is revision {shown.revision}; revision {situation.revision} is the newest"
        lines += _styled(wrapped("  ", newer, width=width), width, "look")
    stands = f"{situation.word}: {situation.sentence}"
    lines += _styled(wrapped("  ", stands, width=width), width)
    if situation.state in ("staged", "approved", "started"):
        style = "stop" if situation.is_urgent or situation.is_lapsed else ""
        if not shown.has_keys:  # the keys have it always in sight
            lines += _styled(wrapped("  ", sight(situation), width=width), width, style)
        if situation.time_words and not situation.is_lapsed:
            lines += _styled(wrapped("  ", situation.time_words, width=width), width)
    lines += _styled(
        (f"  approved by {one.by}, {one.at} UTC" for one in situation.approvals), width
    )
    return lines + _reviewed_before(view, shown)


def _reviewed_before(view: ReviewView, shown: Shown) -> list[Line]:
    known = shown.situation.reviewed_before
    if not known or shown.is_old:
        return []
    verb = "was" if known == 1 else "were"
    words = f"{known} of {counted(view.counts.listed, 'item')} {verb} reviewed or approved on"
    words += f" {shown.situation.reviewed_on} and {'is' if known == 1 else 'are'} unchanged"
    return _styled(wrapped("  ", words, width=shown.width), shown.width, "good")


def checks(view: ReviewView, width: int) -> list[Line]:
    """Say whether every control holds, and name those that do not."""
    is_good = all(check.holds for check in view.control.checks)
    style = "good" if is_good else "stop"
    first, *others = checks_of(view)
    lines = [Line(fit(first, width), style)]
    for other in others:
        lines += _styled(wrapped("  ", other.strip(), width=width), width, "stop")
    return lines


def questions(shown: Shown) -> list[Line]:
    """Give what must be answered before the batch can be approved, and how."""
    situation, width = shown.situation, shown.width
    asked = situation.open_questions
    repeats = situation.open_repeats
    if not asked and not repeats:
        return []
    lines = [Line("Answer first (key n)" if shown.has_keys else "Answer first", "title")]
    for question in asked:
        lines += _question(question, shown)
    if repeats:
        verb = "was" if len(repeats) == 1 else "were"
        words = f"{counted(len(repeats), 'item')} {verb} booked before (see below)"
        lines += _styled(wrapped("  ", words, width=width), width, "ask")
        name = shown.name(repeats[0].entry) if len(repeats) == 1 else "all"
        lines += (
            []
            if shown.has_keys
            else [
                Line(f"    {shown.call(f'--already-booked {name}')}", "whole"),
                Line("      it stays as it is in your books", "faint"),
                Line(f"    {shown.call(f'--again {name}')}", "whole"),
                Line("      it is booked once more", "faint"),
            ]
        )
    return lines


def _question(question: Question, shown: Shown) -> list[Line]:
    width = shown.width
    words = f"{question.meaning} ({question.code}, {counted(len(question.items), 'item')})"
    lines = _styled(wrapped("  ", words, width=width), width, "ask")
    for entry in question.items[:FEW]:
        lines.append(Line(fit(f"    {called(entry, shown)}", width)))
    lines += _more(len(question.items) - FEW, "item", "    ")
    if question.before:
        lines += _styled(wrapped("    ", question.before, width=width), width)
    if not shown.has_keys:
        call = shown.call(f'--answer {question.code}="what you found"')
        lines.append(Line(f"    {call}", "whole"))
    return lines


def totals(view: ReviewView, width: int) -> list[Line]:
    """Give debit and credit, and what moves on each of Pleo's wallets."""
    return [Line(fit(line, width), "title" if line[:1].strip() else "") for line in totals_of(view)]


def booked_before(shown: Shown, *, few: int) -> list[Line]:
    """Give the items that an earlier batch has booked: voucher, date, and what was said."""
    repeats = shown.situation.repeats
    if not repeats:
        return []
    lines = [Line("Booked before", "title")]
    # Those that wait for an answer first; those that stay as they are need no list.
    open_ = shown.situation.open_repeats
    again = [one for one in repeats if not one.is_open and _does(one, shown.situation) == "again"]
    listed = [*open_, *again]
    for one in listed[:few]:
        lines.append(Line(fit(f"  {called(one.entry, shown)}", shown.width)))
        words = f"{one.earlier}: {_said_of(one, shown.situation)}"
        style = "ask" if one.is_open else ""
        lines += _styled(wrapped("    ", words, width=shown.width), shown.width, style)
    lines += _more(len(listed) - few, "item", "  ")
    stays = len(repeats) - len(listed)
    if stays:
        lines.append(Line(f"  you said already booked of {counted(stays, 'item')}"))
    return lines


def _does(repeat: Repeat, situation: Situation) -> str:
    said = situation.said_of(repeat.entry)
    return said.does if said else ""


def _said_of(repeat: Repeat, situation: Situation) -> str:
    does = _does(repeat, situation)
    return f"you said {does.replace('_', ' ')}" if does else "waits for your answer"


def set_aside(groups: Sequence[AsideGroup], shown: Shown) -> list[Line]:
    """Give the items that are in no file though nothing is wrong with them, and why."""
    lines = [Line("Not booked here", "title")] if groups else []
    for group in groups:
        lead = f"  {counted(group.count, 'item'):>9}  "
        lines += _styled(wrapped(lead, group.title, width=shown.width), shown.width)
        lines += _concerned(group.concerned[:FEW], shown)
        lines += _more(group.count - len(group.concerned[:FEW]), "item", " " * 13)
    return lines


def remarks(notes: Sequence[NoteGroup], shown: Shown, *, few: int) -> list[Line]:
    """Give what is worth a look, blocking ones first, each with the items concerned."""
    if not notes:
        return []
    lines = [Line("To look at", "title")]
    groups = notes if few > FEW else notes[:MAX_GROUPS]
    for group in groups:
        lead = f"  {counted(group.count, group.noun):>9}  "
        sign = "answer: " if group.is_blocking else ""
        text = f"{sign}{group.meaning} ({group.code})"
        style = "ask" if group.is_blocking else "look"
        lines += _styled(wrapped(lead, text, width=shown.width), shown.width, style)
        if group.before:
            lines += _styled(wrapped(" " * 13, group.before, width=shown.width), shown.width)
        lines += _concerned(group.concerned[:few], shown)
        lines += _more(group.count - len(group.concerned[:few]), group.noun, " " * 13)
    return lines + _more(len(notes) - len(groups), "remark", "  ")


def rejections(cures: Sequence[CureGroup], shown: Shown, *, few: int) -> list[Line]:
    """Give what stops items by who can cure it: the cure first, then what Pleo's users read."""
    lines: list[Line] = []
    for cure in cures:
        lines += _styled(wrapped("  ", cure.title, width=shown.width), shown.width)
        listed = cure.causes if few > FEW else cure.causes[:MAX_GROUPS]
        for cause in listed:
            lines += _cause(cause, shown, few=few)
        lines += _more(len(cure.causes) - len(listed), "cause", "    ")
    return [Line("Rejected, by who can cure it", "title"), *lines] if lines else []


def _cause(cause: Cause, shown: Shown, *, few: int) -> list[Line]:
    width, inner = shown.width, " " * 13
    lead = f"  {counted(cause.items, 'item'):>9}  "
    text = f"{told(cause.title)} ({cause.code})"
    lines = _styled(wrapped(lead, text, width=width), width, "look")
    if few > FEW:
        read = f'Pleo shows: "{cause.pleo_words}" ({cause.failure_words})'
        lines += _styled(wrapped(inner, read, width=width), width, "faint")
    elif cause.fix and cause.messages:
        because = "" if cause.is_said else "because "
        lines += _styled(wrapped(inner, f"{because}{told(cause.details[0])}", width=width), width)
    is_at_pleo = cause.cured_by == EMPLOYEE
    lines += _concerned(cause.concerned[:few], shown, with_links=is_at_pleo)
    return lines + _more(cause.problems - len(cause.concerned[:few]), "problem", inner)


def _concerned(
    concerned: Iterable[Concerned], shown: Shown, *, with_links: bool = False
) -> list[Line]:
    lines: list[Line] = []
    inner = " " * 13
    for one in concerned:
        if one.item_id:
            facts = (one.title, str(one.date or ""), one.person)
            title = "  ".join(fact for fact in facts if fact)
            words = item_words(shown.name(one.item_id), title, one.amount, currency=one.currency)
            lines.append(Line(fit(inner + words, shown.width)))
        elif one.where:
            lines.append(Line(fit(f"{inner}at {one.where}", shown.width)))
        if one.detail:
            lines += _styled(
                wrapped(inner + "  ", told(one.detail), width=shown.width), shown.width, "faint"
            )
        if with_links and one.url:
            lines.append(Line(f"{inner}  {mark(one.url)}", "whole"))
    return lines


def _files(view: ReviewView, shown: Shown) -> list[Line]:
    lines = [
        Line(fit(line, shown.width), "title" if line[:1].strip() else "") for line in files_of(view)
    ]
    if shown.page:
        lines += [Line("Read"), Line(f"  {shown.page}", "whole")]
    return lines


def next_steps(view: ReviewView, shown: Shown) -> list[Line]:
    """Say what to type next."""
    situation = shown.situation
    if shown.is_old:
        return _import_steps(view, shown)
    if shown.has_keys:
        return []
    lines = [Line("Next", "title")]
    calls: list[tuple[str, str]] = []
    if situation.is_lapsed:
        calls.append((f"pleo-etl run{shown.option}", "when it was exported again in Pleo"))
    elif situation.open_questions or situation.open_repeats:
        lines += _styled(
            wrapped("  ", "answer what is asked above", width=shown.width), shown.width
        )
    elif situation.may("approve"):
        calls.append((shown.call("--approve"), "these files may be released"))
    if situation.may("release"):
        calls.append((f"pleo-etl release{shown.option}", "puts them out, reports to Pleo"))
    if situation.may("reject"):
        calls.append((shown.call('--reject ITEM --reason "why"'), "holds an item back"))
        calls.append((shown.call("--item ITEM"), "shows why it is booked as it is"))
    return [*lines, *_calls(calls, shown.width)]


def _import_steps(view: ReviewView, shown: Shown) -> list[Line]:
    situation = shown.situation
    if situation.word != "released" or not view.files:
        return []
    lines = [Line("Import", "title"), Line(f"  {mark(situation.folder)}", "whole")]
    for place, step in enumerate(view.import_steps, start=1):
        lines += _styled(wrapped(f"  {place}. ", step, width=shown.width), shown.width)
    call = f"pleo-etl imported {situation.number}{shown.option}"
    return [*lines, *_calls([(call, "when your ERP has taken them")], shown.width)]


# ── layout ──────────────────────────────────────────────────────────────────────────────────


def _calls(calls: Sequence[tuple[str, str]], width: int) -> Iterator[Line]:
    """Give calls and what they do, one below the other; calls stay whole, to be copied."""
    column = max((len(call) for call, _ in calls), default=0)
    for call, does in calls:
        line = f"  {call:<{column}}  {does}"
        if len(line) <= width:
            yield Line(line, "whole")
        else:
            yield Line(f"  {call}", "whole")
            yield Line(f"    {does}", "faint")


def called(entry: str, shown: Shown) -> str:
    """Name an item by its id, amount and title."""
    title = shown.titles.get(entry, "")
    return f"{shown.name(entry)}  {title}" if title else shown.name(entry)


def _more(count: int, noun: str, lead: str) -> list[Line]:
    return [Line(f"{lead}and {counted(count, f'more {noun}')}", "faint")] if count > 0 else []


def _styled(lines: Iterable[str], width: int, style: str = "") -> list[Line]:
    return [Line(fit(line, width), style) for line in lines]
