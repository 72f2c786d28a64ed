"""Parameters: what a company gives once, checked against what the template declares."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from etl.documents import near_match
from etl.errors import Problem
from etl.expressions.patterns import PatternRefused, check_pattern
from etl.rendering.document import Parameter

#: Every template has it (R105): entries arrive as drafts unless the company says otherwise.
POSTING_STATE = "posting_state"
DRAFT, FINAL = "draft", "final"
BUILT_IN: Mapping[str, Parameter] = {
    POSTING_STATE: Parameter(
        type="enum",
        values=(DRAFT, FINAL),
        default=DRAFT,
        help="whether entries arrive as drafts or final, where the format can say so",
    )
}

_MONEY = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?\Z")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,6})?\Z")
_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_DIGITS = re.compile(r"[0-9]+\Z")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
MAX_LENGTH = 200


#: Reads the text of a parameter of some type.
Reader = Callable[[str, Parameter], object]


class _NotValid(ValueError):
    """Says what a value should have been."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where parameters are given: on the command line, or in the workspace.

    where  what messages call the place
    way    how one is given there; {name} stands for its name
    """

    where: str
    way: str


ON_COMMAND_LINE = Door("-p", "give -p {name}=VALUE")


def check_values(
    declared: Mapping[str, Parameter], given: Mapping[str, str], *, door: Door
) -> tuple[dict[str, object], list[Problem]]:
    """Give the typed value of every parameter, and every problem with what was given.

    Needs: given, texts by name; door, where a person gives them.
    """
    problems = [
        Problem(
            "TPL-14", f'the template has no parameter "{name}"', door.where,
            _hint(name, declared),
        )
        for name in sorted(set(given) - set(declared))
    ]  # fmt: skip
    values: dict[str, object] = {}
    for name, parameter in declared.items():
        text = given.get(name, parameter.default)
        try:
            values[name] = _value_of(parameter, text)
        except _NotValid as refused:
            shown = "is missing" if text in (None, "") else f'is "{text}"'
            means = f" ({parameter.help})" if parameter.help else ""
            what = f'parameter "{name}" {shown}; it must be {refused}'
            fix = door.way.format(name=name) + means
            problems.append(Problem("TPL-14", what, door.where, fix))
    return values, problems


def declaration_problems(name: str, parameter: Parameter) -> Iterator[str]:
    """Say what is wrong with how a template declares a parameter."""
    if parameter.type == "enum" and not parameter.values:
        yield f'parameter "{name}" is an enum without values'
    limited = parameter.min is not None or parameter.max is not None
    if limited and parameter.type in ("date", "flag", "enum"):
        yield f'parameter "{name}" of type {parameter.type} has no min or max'
    if parameter.pattern is not None and parameter.type not in ("text", "digits"):
        yield f'parameter "{name}" of type {parameter.type} has no pattern'
    if parameter.pattern is not None:
        try:
            check_pattern(parameter.pattern)
        except PatternRefused as refused:
            yield f'pattern of parameter "{name}": {refused}; {refused.fix}'
            return
    texts = [*(parameter.values or ())]
    if parameter.default is not None:
        texts.append(parameter.default)
    for text in texts:
        try:
            _value_of(parameter, text)
        except _NotValid as refused:
            yield f'"{text}" of parameter "{name}" must be {refused}'


def _value_of(parameter: Parameter, text: str | None) -> object:
    if text is None or text == "":
        if parameter.optional or (text == "" and parameter.default == ""):
            return None
        raise _NotValid(_wanted(parameter))
    if parameter.values is not None and text not in parameter.values:
        raise _NotValid("one of " + ", ".join(parameter.values))
    value = _READERS[parameter.type](text, parameter)
    size = len(text) if isinstance(value, str) else value
    too_small = parameter.min is not None and size < parameter.min  # type: ignore[operator]
    too_large = parameter.max is not None and size > parameter.max  # type: ignore[operator]
    if too_small or too_large:
        raise _NotValid(_wanted(parameter))
    return value


def _text(text: str, parameter: Parameter) -> str:
    if len(text) > MAX_LENGTH or any(ord(char) < 32 for char in text):
        raise _NotValid(f"at most {MAX_LENGTH} characters on one line")
    if parameter.pattern is not None and not _matches(parameter.pattern, text):
        raise _NotValid(f"written as {parameter.pattern} says")
    return text


def _matches(pattern: str, text: str) -> bool:
    """Match a whole text; Python writes the end of a text as \\Z, other engines as \\z."""
    return re.match(check_pattern(pattern).removesuffix(r"\z") + r"\Z", text) is not None


def _digits(text: str, parameter: Parameter) -> str:
    if not _DIGITS.match(text):
        raise _NotValid("digits only")
    return _text(text, parameter)


def _number(pattern: re.Pattern[str], make: Callable[[str], object]) -> Reader:
    def read(text: str, parameter: Parameter) -> object:
        if not pattern.match(text):
            raise _NotValid(_wanted(parameter))
        return make(text)

    return read


def _date(text: str, parameter: Parameter) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _NotValid("a date written YYYY-MM-DD") from None


def _flag(text: str, parameter: Parameter) -> bool:
    if text not in _FLAGS:
        raise _NotValid("yes or no")
    return _FLAGS[text]


_READERS: Mapping[str, Reader] = {
    "text": _text,
    "digits": _digits,
    "enum": _text,
    "integer": _number(_INTEGER, int),
    "amount": _number(_MONEY, Decimal),
    "decimal": _number(_DECIMAL, Decimal),
    "date": _date,
    "flag": _flag,
}
_KINDS = {
    "text": "a text", "digits": "digits", "enum": "one of its values", "integer": "a whole number",
    "amount": "an amount such as 10.50", "decimal": "a number such as 0.5",
    "date": "a date written YYYY-MM-DD", "flag": "yes or no",
}  # fmt: skip


def _wanted(parameter: Parameter) -> str:
    """Say in words what a parameter takes."""
    if parameter.values is not None:
        return "one of " + ", ".join(parameter.values)
    of_length = parameter.type in ("text", "digits")
    unit = " characters" if of_length else ""
    low, high = parameter.min, parameter.max
    limits = {
        (True, True): f" from {low} to {high}{unit}",
        (True, False): f" of at least {low}{unit}",
        (False, True): f" of at most {high}{unit}",
        (False, False): "",
    }[low is not None, high is not None]
    return _KINDS[parameter.type] + limits


def _hint(name: str, declared: Mapping[str, Parameter]) -> str:
    near = near_match(name, set(declared))
    return f'did you mean "{near}"?' if near else f"it has: {', '.join(sorted(declared))}"
