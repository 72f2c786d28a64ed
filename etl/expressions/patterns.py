"""Patterns for `matching`: a small, checked part of regular expressions.

    [0-9]  [^A-Z]  .  ( )  a|b  ?  *  +  {3}  {2,5}     and \\ before a sign that means itself

A pattern always covers the whole text. Shorthands such as \\d (which match foreign digits, T12),
references back, look-around, and repeats of repeats are refused. What is accepted is written
anew with every sign escaped, so that it means the same to every engine.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

MAX_PATTERN = 200
#: Most copies of one sign that counted repeats may ask for, all of them multiplied.
MAX_COPIES = 500
_SIGNS = set("\\.[](){}|?*+^$")
_SHORTHANDS = {"d": "[0-9]", "w": "[A-Za-z0-9_]", "s": "a blank"}
_REPEAT = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")


class PatternRefused(ValueError):
    """A pattern that is not in the subset; the text says what and `fix` says what instead."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class _Piece:
    """Checked pattern text, how many copies its repeats ask for, and whether it is unbounded."""

    text: str
    copies: int = 1
    unbounded: bool = False


def check_pattern(pattern: str) -> str:
    """Give a pattern in the spelling that engines are given, for the whole text.

    Raises: PatternRefused.
    """
    if not pattern or len(pattern) > MAX_PATTERN:
        raise PatternRefused(
            f"a pattern has 1 to {MAX_PATTERN} characters", "write a shorter pattern"
        )
    body = pattern
    if body.startswith("^"):
        body = body[1:]
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    reader = _Reader(body)
    piece = reader.alternatives()
    if reader.more():
        raise PatternRefused(
            f'")" without "(" in "{pattern}"', "remove it, or write \\) for the sign itself"
        )
    return rf"\A(?:{piece.text})\z"


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.text)

    def peek(self) -> str:
        return self.text[self.at] if self.more() else ""

    def take(self) -> str:
        sign = self.peek()
        self.at += 1
        return sign

    def alternatives(self) -> _Piece:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        return _Piece(
            "|".join(branch.text for branch in branches),
            sum(branch.copies for branch in branches),
            any(branch.unbounded for branch in branches),
        )

    def sequence(self) -> _Piece:
        pieces = []
        while self.more() and self.peek() not in "|)":
            pieces.append(self.repeated(self.single()))
        copies = sum(piece.copies for piece in pieces)
        if copies > MAX_COPIES:
            raise PatternRefused(
                f"the pattern repeats to {copies} signs; {MAX_COPIES} are allowed",
                "use smaller numbers in { }, or +",
            )
        text = "".join(piece.text for piece in pieces)
        return _Piece(text, copies, any(piece.unbounded for piece in pieces))

    def single(self) -> _Piece:
        sign = self.take()
        if sign == "(":
            return self.group()
        if sign == "[":
            return _Piece(self.character_class())
        if sign == "\\":
            return _Piece(_escape(self.escaped()))
        if sign == ".":
            return _Piece(".")
        if sign in "^$":
            raise PatternRefused(
                f'"{sign}" inside a pattern', "leave it out: a pattern covers the whole text"
            )
        if sign in "?*+{":
            raise PatternRefused(
                f'"{sign}" has nothing to repeat', f"write \\{sign} for the sign itself"
            )
        return _Piece(_escape(sign))

    def group(self) -> _Piece:
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self.peek() == "?":
            raise PatternRefused(
                f'"({self.text[self.at : self.at + 2]}" is not allowed (look-around, flags, names)',
                "use plain groups ( ), or two tests joined with and",
            )
        inner = self.alternatives()
        if self.take() != ")":
            raise PatternRefused('"(" is not closed', "add the missing )")
        return _Piece(f"(?:{inner.text})", inner.copies, inner.unbounded)

    def escaped(self) -> str:
        sign = self.take()
        if sign in _SHORTHANDS:
            raise PatternRefused(
                f'the shorthand "\\{sign}" is not allowed', f"write {_SHORTHANDS[sign]}"
            )
        if sign.isdigit():
            raise PatternRefused(
                f'"\\{sign}" is not allowed (a reference to an earlier group)',
                "write the part out again",
            )
        if sign not in string.punctuation or sign == "":
            raise PatternRefused(f'the escape "\\{sign}"', "write the character itself")
        return sign

    def character_class(self) -> str:
        """Read what follows "[": characters and ranges up to "]"."""
        negated = self.peek() == "^"
        if negated:
            self.take()
        members: list[str] = []
        while self.more() and self.peek() != "]":
            first = self.member()
            after = self.text[self.at + 1 : self.at + 2]
            if self.peek() == "-" and after not in ("]", ""):
                self.take()
                last = self.member()
                if first > last:
                    raise PatternRefused(
                        f'the range "{first}-{last}" runs backwards', f'write "{last}-{first}"'
                    )
                members.append(f"{_escape(first)}-{_escape(last)}")
            else:
                members.append(_escape(first))
        if self.take() != "]" or not members:
            raise PatternRefused('"[" without members or without "]"', "write for example [0-9]")
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def member(self) -> str:
        sign = self.take()
        if sign == "[":
            raise PatternRefused('"[" inside [ ]', "write \\[ for the sign itself")
        return self.escaped() if sign == "\\" else sign

    def repeated(self, piece: _Piece) -> _Piece:
        """Read a repeat behind a piece, if one follows."""
        sign = self.peek()
        if sign == "" or sign not in "?*+{":
            return piece
        if sign == "{":
            low, high = self.counts()
            text = f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"
        else:
            self.take()
            low, high = (1 if sign == "+" else 0), (1 if sign == "?" else None)
            text = sign
        if self.peek() and self.peek() in "?*+{":
            raise PatternRefused(
                f'a repeat of a repeat ("{text}{self.peek()}")', "keep one of the two"
            )
        if piece.unbounded and (high is None or high > 1):
            raise PatternRefused(
                f'a repeat ("{text}") of a group that repeats without end',
                "repeat only inside the group, or count: {1,9}",
            )
        copies = piece.copies * max(low, high or 1, 1)
        return _Piece(piece.text + text, copies, piece.unbounded or high is None)

    def counts(self) -> tuple[int, int | None]:
        found = _REPEAT.match(self.text, self.at)
        if found is None:
            raise PatternRefused(
                '"{" that is no count', "write {3} or {2,5}, or \\{ for the sign itself"
            )
        self.at = found.end()
        low = int(found[1])
        high = low if found[2] is None else (int(found[3]) if found[3] else None)
        if high is not None and high < low:
            raise PatternRefused(f'"{found[0]}" counts backwards', f"write {{{high},{low}}}")
        return low, high


def _escape(sign: str) -> str:
    return f"\\{sign}" if sign in _SIGNS or sign in "-&~#" else sign
