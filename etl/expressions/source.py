"""The text of an expression: parsed by Jinja's own parser, every node with its column.

Jinja keeps line numbers only. Here each token carries the offset of its first character where
Jinja expects a line number, so every node and every syntax error has an exact place.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from etl.documents import Place
from etl.errors import Problem, UserMustFix

#: CVE-2024-56326, CVE-2024-56201 and CVE-2025-27516 are fixed from here on.
JINJA_FLOOR = (3, 1, 6)
MAX_LENGTH = 10_000
MAX_BRACKETS = 20
MAX_OPERATORS = 120
MAX_TOKENS = 4_000

_RAW = tuple[int, str, str]
_TAGS = {
    "block_begin": "a {% … %} tag",
    "raw_begin": "a {% raw %} tag",
    "comment_begin": "a {# … #} comment",
    "linecomment_begin": "a comment",
    "linestatement_begin": "a line statement",
}
_WORDS = {"and", "or", "not", "if", "is", "in"}
_HINTS = {
    "got '='": "compare with ==",
    "char '&'": "write and",
    "unexpected '|'": "write or between conditions; a single | stands before a filter",
    "char '!'": "write not, or != to compare",
    "char '?'": "write a if condition else b",
    "char '$'": "write the name alone, without $",
    'char "\'"': "close the quote",
    "char '\"'": "close the quote",
}


def require_jinja() -> None:
    """Refuse to start on a Jinja below the floor.

    Raises: UserMustFix EXP-11.
    """
    found = version("jinja2")
    numbers = tuple(int(part) for part in re.findall(r"[0-9]+", found)[:3])
    if numbers < JINJA_FLOOR:
        floor = ".".join(str(part) for part in JINJA_FLOOR)
        raise UserMustFix(
            Problem(
                "EXP-11",
                f"Jinja {found} is installed, and versions below {floor} can be broken out of",
                "",
                f'install a newer one: pip install "jinja2>={floor}"',
            )
        )


@cache
def _environment() -> Environment:
    require_jinja()
    return Environment(keep_trailing_newline=True)  # noqa: S701 - parses only, renders nothing


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed text: its parts in order, plain text or an expression.

    `shift` is what was put before the text to parse it (the braces of a bare expression).
    """

    text: str
    place: Place
    parts: tuple[str | nodes.Expr, ...]
    shift: int = 0

    def problem(self, code: str, offset: int, what: str, fix: str) -> Problem:
        """Make a problem at a character of the text."""
        return Problem(code, what, str(_at(self.place, self.text, offset - self.shift)), fix)


def parse(text: str, place: Place) -> Source:
    """Parse a text with any number of {{ expressions }}.

    Raises: UserMustFix EXP-1 (not valid), EXP-2 (tags, comments), EXP-10 (too much).
    """
    _check_length(text, place)
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return Source(text, place, (text,))
    return _parse(text, place, 0)


def parse_bare(text: str, place: Place) -> Source:
    """Parse one expression that stands without braces; see parse."""
    _check_length(text, place)
    source = _parse("{{ " + text + " }}", place, len("{{ "))
    if len(source.parts) != 1 or isinstance(source.parts[0], str):
        raise UserMustFix(
            source.problem(
                "EXP-1", source.shift, "this is not one expression", "write one without {{ }}"
            )
        )
    return source


@lru_cache(maxsize=4096)
def _parse(text: str, place: Place, shift: int) -> Source:
    """Parse a text; a template is compiled several times in a run, and parsed once."""
    source = Source(text[shift : len(text) - shift], place, (), shift)
    environment = _environment()
    try:
        raw = list(_positioned(text, environment))
        problems = list(_refusals(raw, source))
        if problems:
            raise UserMustFix(problems)
        parser = Parser(environment, "")
        with warnings.catch_warnings():
            # Jinja reads '\d' as Python does, which warns; what patterns may hold is our rule.
            warnings.simplefilter("ignore", DeprecationWarning)
            parser.stream = TokenStream(environment.lexer.wrap(iter(raw)), None, None)
            tree = parser.parse()
    except TemplateSyntaxError as error:
        raise UserMustFix(_syntax_problem(error, source, text)) from None
    return Source(source.text, place, tuple(_parts(tree)), shift)


def _positioned(text: str, environment: Environment) -> Iterator[_RAW]:
    """Give Jinja's raw tokens with offset + 1 where the line number stood."""
    offset = 0
    try:
        for _, kind, value in environment.lexer.tokeniter(text, None):
            yield offset + 1, kind, value
            offset += len(value)
    except TemplateSyntaxError as error:
        found = re.search(r" at ([0-9]+)$", error.message or "")
        error.lineno = (int(found[1]) if found else offset) + 1
        raise


def _refusals(raw: list[_RAW], source: Source) -> Iterator[Problem]:
    """Refuse what no value may contain, and what would parse too deep."""
    depth = deepest = operators = 0
    for place, kind, value in raw:
        if kind in _TAGS:
            yield source.problem(
                "EXP-2", place - 1, f"{_TAGS[kind]} is not allowed in a value",
                "write {{ a if condition else b }}; loops and tags belong into the layout",
            )  # fmt: skip
        elif kind in ("variable_begin", "variable_end") and value not in ("{{", "}}"):
            yield source.problem(
                "EXP-2", place - 1, f'whitespace control "{value.strip()}" is not allowed',
                "write {{ and }}, with a blank before a minus sign",
            )  # fmt: skip
        elif kind == "operator":
            depth += (value in "([{") - (value in ")]}")
            deepest = max(deepest, depth)
            operators += value not in "()[]{}.,"
        elif kind == "name":
            operators += value in _WORDS
    for found, limit, what in (
        (deepest, MAX_BRACKETS, "levels of brackets"),
        (operators, MAX_OPERATORS, "operators"),
        (len(raw), MAX_TOKENS, "words and signs"),
    ):
        if found > limit:
            yield source.problem(
                "EXP-10", source.shift, f"the expression has {found} {what}; {limit} are allowed",
                "put the cases into a table and use lookup, or split it with let",
            )  # fmt: skip
            return


def _parts(tree: nodes.Template) -> Iterator[str | nodes.Expr]:
    for output in tree.body:
        assert isinstance(output, nodes.Output)
        for node in output.nodes:
            yield node.data if isinstance(node, nodes.TemplateData) else node


def _check_length(text: str, place: Place) -> None:
    if len(text) > MAX_LENGTH:
        raise UserMustFix(
            Problem(
                "EXP-10",
                f"the value has {len(text)} characters; {MAX_LENGTH} are allowed",
                str(place),
                "put the cases into a table and use lookup, or split it with let",
            )
        )


def _syntax_problem(error: TemplateSyntaxError, source: Source, text: str) -> Problem:
    offset = min(error.lineno - 1, max(len(text) - 1, 0))
    message = re.sub(r" at [0-9]+$", "", error.message or "not valid")
    message = message.replace("end of print statement", "}}").replace("end of template", "the end")
    fix = next(
        (hint for sign, hint in _HINTS.items() if sign in message),
        "check brackets, quotes and operators up to this place",
    )
    return source.problem("EXP-1", offset, f"not a valid expression: {message}", fix)


def _at(place: Place, text: str, offset: int) -> Place:
    """Move the place of a text to one of its characters, where the file is known that well."""
    if place.shift is None:
        return place
    before = text[: max(offset, 0)]
    lines = before.count("\n")
    if lines:
        return Place(place.file, place.line + lines, len(before) - before.rindex("\n"))
    return Place(place.file, place.line, place.column + place.shift + len(before))


def control_character(text: str) -> str | None:
    """Name the first character that no cell may hold: a control character or half a pair."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            return f"U+{ord(character):04X}"
    return None
