"""The text of a layout: its tokens, the line rule, and Jinja's tree with exact places.

A line that holds only tags vanishes; every other line keeps its end. The rule is applied to the
tokens, not to the text, and every token carries its offset in the text as the number that Jinja
takes for a line. So each node of the tree knows line and column, whatever vanished.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from etl.documents import Place
from etl.errors import Problem, UserMustFix

MAX_LAYOUT_CHARACTERS = 262_144
MAX_TAG_TOKENS = 200
MAX_NESTED_TAGS = 20
MAX_LOOPS_DEEP = 6

_TAG_ENDS = {"block_end", "variable_end", "comment_end"}
_INVISIBLE = {"block_begin", "block_end", "comment_begin", "comment", "comment_end",
              "raw_begin", "raw_end"}  # fmt: skip
_OPENING = {"for", "if", "macro", "call", "filter", "with", "block", "autoescape"}
_BRACE_BEFORE_TAG = re.compile(r"\{\{%|\{\{\{|\{\{#")
_BRACE_FIX = "write a { directly before {% or {{ as {{ '{' }}"

_Token = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a layout and what messages call its file."""

    name: str
    text: str

    def place(self, offset: int) -> Place:
        """Give the place of a character; lines and columns count from 1."""
        offset = min(max(offset, 0), len(self.text))
        line_start = self.text.rfind("\n", 0, offset) + 1
        return Place(self.name, self.text.count("\n", 0, offset) + 1, offset - line_start + 1)

    def problem(self, code: str, offset: int, *, what: str, fix: str) -> Problem:
        """Make a problem at a character."""
        return Problem(code, what, str(self.place(offset)), fix)


def start_of(node: nodes.Node) -> int:
    """Give the offset at which a construct begins; Jinja notes that of its dot or operator."""
    while True:
        if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Call):
            node = node.node
        elif isinstance(node, nodes.Compare):
            node = node.expr
        elif isinstance(node, nodes.Tuple) and node.items:
            node = node.items[0]
        elif node.lineno is None:  # a scope that Jinja makes itself
            return next((start_of(child) for child in node.iter_child_nodes()), 0)
        else:
            return node.lineno


def parse_layout(source: Source, environment: Environment) -> nodes.Template:
    """Parse a layout under the line rule; `lineno` of every node is its offset in the text.

    Raises: UserMustFix LAY-1 (not valid Jinja), LAY-2 (whitespace control), LAY-5 (too large).
    """
    if len(source.text) > MAX_LAYOUT_CHARACTERS:
        raise UserMustFix(
            source.problem(
                "LAY-5",
                0,
                what=f"the layout has {len(source.text)} characters, "
                f"{MAX_LAYOUT_CHARACTERS} are allowed",
                fix="move fixed text into the values of columns, or shorten the layout",
            )
        )
    tokens = list(_tokens(source, environment))
    _check_sizes(source, tokens)
    tokens = _apply_line_rule(tokens)
    parser = Parser(environment, "", source.name)
    try:
        parser.stream = TokenStream(
            environment.lexer.wrap(tokens, source.name), source.name, source.name
        )
        return parser.parse()
    except TemplateSyntaxError as error:
        raise UserMustFix(_syntax_problem(source, error.lineno, message=error.message)) from None


def _tokens(source: Source, environment: Environment) -> Iterator[_Token]:
    """Give Jinja's raw tokens with offsets; together they are the whole text."""
    if "\0" in source.text:
        offset = source.text.index("\0")
        raise UserMustFix(
            source.problem("LAY-1", offset, what="a NUL character in the layout", fix="remove it")
        )
    offset = 0
    try:
        for _line, kind, value in environment.lexer.tokeniter(source.text, source.name):
            if kind.endswith(("_begin", "_end")) and ("-%" in value or value[2:3] in ("-", "+")):
                raise UserMustFix(_control_problem(source, offset, value=value))
            if kind.endswith("_end") and value[:1] in ("-", "+"):
                raise UserMustFix(_control_problem(source, offset, value=value))
            yield offset, kind, value
            offset += len(value)
    except TemplateSyntaxError as error:
        line_start = sum(len(line) + 1 for line in source.text.split("\n")[: error.lineno - 1])
        at = max(line_start, offset)
        raise UserMustFix(_syntax_problem(source, at, message=error.message)) from None


def _control_problem(source: Source, offset: int, *, value: str) -> Problem:
    # Jinja's lexer has already dropped the blanks before a tag that asks for it.
    found = source.text.find(value.strip(), offset)
    return source.problem(
        "LAY-2",
        found if found >= 0 else offset,
        what=f'whitespace control "{value.strip()}" is not allowed',
        fix="leave the - or + out: a line that holds only tags vanishes, every other keeps its end",
    )


def _check_sizes(source: Source, tokens: list[_Token]) -> None:
    """Refuse what would exhaust a recursive parser."""
    in_tag = depth = loops = 0
    stack: list[str] = []
    previous = ""
    for offset, kind, value in tokens:
        if kind == "block_begin" or kind == "variable_begin":
            in_tag, previous = 0, kind
            continue
        in_tag = 0 if kind in _TAG_ENDS else in_tag + (kind not in ("whitespace", "data"))
        if previous == "block_begin" and kind == "name":
            if value in _OPENING:
                stack.append(value)
            elif value.startswith("end") and stack:
                stack.pop()
            depth, loops = len(stack), stack.count("for")
        if kind != "whitespace":
            previous = kind
        for what, size, limit in (
            ("things in one tag", in_tag, MAX_TAG_TOKENS),
            ("tags inside each other", depth, MAX_NESTED_TAGS),
            ("loops inside each other", loops, MAX_LOOPS_DEEP),
        ):
            if size > limit:
                raise UserMustFix(
                    source.problem(
                        "LAY-5", offset, what=f"more than {limit} {what}", fix="simplify the layout"
                    )
                )


def _apply_line_rule(tokens: list[_Token]) -> list[_Token]:
    """Drop the blanks and the end of every line that holds only tags."""
    kept: list[_Token] = []
    line: list[_Token] = []
    for token in _split_at_line_ends(tokens):
        line.append(token)
        if token[1] == "data" and token[2].endswith("\n"):
            kept += _line(line)
            line = []
    return kept + _line(line)


def _line(line: list[_Token]) -> list[_Token]:
    has_tag = any(kind in _INVISIBLE for _offset, kind, _value in line)
    inside = False
    for _offset, kind, value in line:
        if kind in ("block_begin", "comment_begin"):
            inside = True
        elif kind in ("block_end", "comment_end"):
            inside = False
        elif not inside and not (kind in _INVISIBLE or (kind == "data" and not value.strip())):
            return line
    if not has_tag:
        return line
    return [token for token in line if token[1] != "data"]


def _split_at_line_ends(tokens: list[_Token]) -> Iterator[_Token]:
    for offset, kind, value in tokens:
        if kind != "data":
            yield offset, kind, value
            continue
        for piece in value.split("\n")[:-1]:
            yield offset, kind, piece + "\n"
            offset += len(piece) + 1
        last = value.rsplit("\n", 1)[-1]
        if last:
            yield offset, kind, last


def _syntax_problem(source: Source, offset: int, *, message: str | None) -> Problem:
    brace = _BRACE_BEFORE_TAG.search(source.text)
    if brace is not None:
        return source.problem(
            "LAY-1", brace.start(), what="a { stands directly before a tag", fix=_BRACE_FIX
        )
    said = (message or "it cannot be read").strip().rstrip(".")
    said = re.sub(r"\s*Jinja was looking for.*", "", said).rstrip(".")
    return source.problem(
        "LAY-1",
        offset,
        what=f"the layout is not valid Jinja: {said[:1].lower()}{said[1:]}",
        fix="close every {{ with }}, every {% with %}, every for with endfor, every if with endif",
    )
