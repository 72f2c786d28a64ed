"""From Jinja's tree to a checked layout: what is not allowed is refused by name.

The list of what is allowed is short, and it is the sandbox: nothing else reaches a compiler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import nodes

from etl.documents import near_match
from etl.errors import Problem, UserMustFix
from etl.rendering.layout_names import (
    CHILDREN,
    FILE_CHILDREN,
    FILE_LIST,
    LOOP,
    LOOP_COUNTERS,
    LOOP_FLAGS,
    NAMES,
    SINGULAR,
    LayoutNames,
    cell_column,
)
from etl.rendering.layout_source import Source, start_of
from etl.rendering.layout_tree import (
    FILE_LOOP,
    Block,
    Both,
    Cell,
    Choice,
    Condition,
    Counter,
    Either,
    Filled,
    Flag,
    Loop,
    LoopFlag,
    Not,
    Part,
    Text,
)
from etl.rendering.layout_words import NEAREST_FORM, refused_words

MAX_BRANCHES = 100
MAX_LOOPS = 200


@dataclass(frozen=True, slots=True)
class _Scope:
    """A loop around the place that is being checked."""

    number: int
    variable: str
    frame: str
    parent: int


def check_layout(tree: nodes.Template, source: Source, *, names: LayoutNames) -> Block:
    """Check a layout and give its parts.

    Raises: UserMustFix with every problem (LAY-2, LAY-3, LAY-4), each with its place.
    """
    checker = _Checker(source, names)
    block = checker.block(tree.body)
    if checker.problems:
        raise UserMustFix(checker.problems)
    return block


class _Checker:
    def __init__(self, source: Source, names: LayoutNames) -> None:
        self.source = source
        self.names = names
        self.problems: list[Problem] = []
        self.scopes = [_Scope(FILE_LOOP, FILE_LIST, FILE_LIST, FILE_LOOP)]
        self.loops = 0
        #: The loop whose `loop.*` may be named; None outside, and in the filter of a for.
        self.counting: list[int | None] = [None]

    # ── statements ──

    def block(self, body: Sequence[nodes.Node]) -> Block:
        parts: list[Part] = []
        for node in body:
            if isinstance(node, nodes.Output):
                for piece in node.nodes:
                    parts += self.output(piece)
            elif isinstance(node, nodes.If):
                parts.append(self.choice(node))
            elif isinstance(node, nodes.For):
                parts += self.loop(node)
            else:
                self.refuse(node)
        return tuple(parts)

    def output(self, node: nodes.Expr) -> Iterator[Part]:
        if isinstance(node, nodes.TemplateData):
            if node.data:
                yield Text(node.data)
        elif isinstance(node, nodes.Const) and _is_literal(node.value):
            yield Text(str(node.value))
        elif isinstance(node, nodes.Name):
            yield from self.whole_record(node)
        elif isinstance(node, nodes.Getattr | nodes.Getitem):
            yield from self.member(node)
        else:
            self.refuse(node)

    def choice(self, node: nodes.If) -> Choice:
        if len(node.elif_) > MAX_BRANCHES:
            what = f"more than {MAX_BRANCHES} elif in one if"
            self.complain("LAY-5", node, what=what, fix="decide in the value of a column")
            return Choice((), ())
        branches = [
            (condition, self.block(branch.body))
            for branch in (node, *node.elif_)
            if (condition := self.condition(branch.test)) is not None
        ]
        return Choice(tuple(branches), self.block(node.else_))

    def loop(self, node: nodes.For) -> Iterator[Loop]:
        if node.recursive:
            self.complain(
                "LAY-2", node, what="a recursive loop is not allowed", fix="write the loops out"
            )
            return
        variable = self.loop_variable(node.target)
        parent, frame, key = self.list_of(node.iter)
        if variable is None or frame is None:
            return
        self.loops += 1
        if self.loops > MAX_LOOPS:
            what = f"more than {MAX_LOOPS} loops"
            self.complain("LAY-5", node, what=what, fix="loop once and decide inside of the loop")
            return
        number = self.loops
        self.scopes.append(_Scope(number, variable, frame, parent))
        self.counting.append(None)
        only = self.condition(node.test) if node.test is not None else None
        self.counting[-1] = number
        body = self.block(node.body)
        self.counting.pop()
        self.scopes.pop()
        yield Loop(number, parent, frame, key, only, body, self.block(node.else_))

    def loop_variable(self, target: nodes.Node) -> str | None:
        if not isinstance(target, nodes.Name):
            self.complain(
                "LAY-2", target, what="a loop has one name", fix="write for voucher in vouchers"
            )
            return None
        name = target.name
        taken = {scope.variable for scope in self.scopes[1:]}
        if name in self.names.records:
            what = "a record"
        elif name in FILE_CHILDREN or name in (LOOP, FILE_LIST):
            what = "a name of the layout language"
        elif name in taken:
            what = "the name of a loop around it"
        else:
            return name
        self.complain(
            "LAY-3", target, what=f'"{name}" cannot name the rows of a loop, it is {what}',
            fix=f"choose another name, such as for each_{name} in",
        )  # fmt: skip
        return None

    def list_of(self, node: nodes.Node) -> tuple[int, str | None, str]:
        """Give the loop that a list belongs to, the list's frame and its key."""
        if isinstance(node, nodes.Name):
            if node.name not in FILE_CHILDREN:
                choices = [*FILE_CHILDREN, *self.inner_lists()]
                self.unknown(node, "list", name=node.name, choices=choices)
            elif len(self.scopes) > 1:
                inner = [name for name in self.inner_lists() if name.endswith(f".{node.name}")]
                fix = inner[0] if inner else "close the loop around it first"
                what = f'"{node.name}" are those of the whole file, inside a loop over other rows'
                self.complain("LAY-2", node, what=what, fix=f"write {fix}" if inner else fix)
            else:
                child = FILE_CHILDREN[node.name]
                return FILE_LOOP, child.frame, child.key
            return FILE_LOOP, None, ""
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            for scope in reversed(self.scopes[1:]):
                if scope.variable == node.node.name:
                    child_or_none = CHILDREN.get(scope.frame, {}).get(node.attr)
                    if child_or_none is not None:
                        return scope.number, child_or_none.frame, child_or_none.key
            written = f"{node.node.name}.{node.attr}"
            self.unknown(node, "list", name=written, choices=[*FILE_CHILDREN, *self.inner_lists()])
            return FILE_LOOP, None, ""
        self.refuse(node)
        return FILE_LOOP, None, ""

    def inner_lists(self) -> list[str]:
        return [
            f"{scope.variable}.{name}"
            for scope in self.scopes[1:]
            for name in CHILDREN.get(scope.frame, {})
        ]

    # ── values ──

    def whole_record(self, node: nodes.Name) -> Iterator[Part]:
        if node.name in self.names.records:
            yield from self.cell(node, node.name, name=None)
            return
        self.not_a_record(node, node.name)

    def member(self, node: nodes.Getattr | nodes.Getitem) -> Iterator[Part]:
        pair = _owner_and_name(node)
        if pair is None:
            self.refuse(node)
            return
        owner, name = pair
        if owner == LOOP:
            if name in LOOP_COUNTERS:
                if (number := self.counted(node)) is not None:
                    yield Counter(number, name)
            elif name in LOOP_FLAGS:
                fix = f"use it in a condition: {{% if loop.{name} %}}"
                self.complain(
                    "LAY-2", node, what=f"loop.{name} is a condition and has no text", fix=fix
                )
            else:
                self.unknown(node, "name", name=f"loop.{name}", choices=_loop_names())
        elif owner in self.names.records:
            yield from self.cell(node, owner, name=name)
        else:
            self.not_a_record(node, owner)

    def cell(self, node: nodes.Node, record: str, *, name: str | None) -> Iterator[Cell]:
        known = self.names.records[record]
        if name == NAMES:
            yield Cell(FILE_LOOP, cell_column(record, NAMES))
            return
        if name is not None and name not in known:
            self.unknown(node, "cell", name=f"{record}.{name}",
                         choices=[f"{record}.{cell}" for cell in (*known, NAMES)])  # fmt: skip
            return
        number = self.home(node, record)
        if number is not None:
            yield Cell(number, cell_column(record, name))

    def home(self, node: nodes.Node, record: str) -> int | None:
        """Give the loop whose row holds a record: the outermost that has the same values."""
        carried = self.names.carried
        by_number = {scope.number: scope for scope in self.scopes}
        for scope in reversed(self.scopes):
            if record in carried.get(scope.frame, ()):
                while scope.number != FILE_LOOP and record in carried.get(
                    by_number[scope.parent].frame, ()
                ):
                    scope = by_number[scope.parent]
                return scope.number
        loops = [_loop_over(frame) for frame in self.names.carriers(record) if frame in SINGULAR]
        fix = f"put it inside {' or '.join(loops)}" if loops else "correct the record's values"
        what = f'record "{record}" has no values here'
        self.complain("LAY-4", node, what=what, fix=fix)
        return None

    # ── conditions ──

    def condition(self, node: nodes.Node) -> Condition | None:
        if isinstance(node, nodes.Not):
            inner = self.condition(node.node)
            return None if inner is None else Not(inner)
        if isinstance(node, nodes.And | nodes.Or):
            left, right = self.condition(node.left), self.condition(node.right)
            if left is None or right is None:
                return None
            return Both(left, right) if isinstance(node, nodes.And) else Either(left, right)
        if isinstance(node, nodes.Name):
            if node.name in self.names.records:
                fix = f"name one of its cells: {node.name}.<cell>"
                self.complain("LAY-2", node, what="a whole record is no condition", fix=fix)
            elif node.name in FILE_CHILDREN:
                self.refuse_list_condition(node, node.name)
            else:
                self.not_a_record(node, node.name)
            return None
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            return self.member_condition(node)
        self.refuse(node)
        return None

    def member_condition(self, node: nodes.Getattr | nodes.Getitem) -> Condition | None:
        pair = _owner_and_name(node)
        if pair is None:
            self.refuse(node)
            return None
        owner, name = pair
        if owner == LOOP:
            if name in LOOP_FLAGS:
                number = self.counted(node)
                return None if number is None else LoopFlag(number, name)
            if name in LOOP_COUNTERS:
                fix = "use loop.first, loop.last, or the else of the loop"
                self.complain("LAY-2", node, what=f"loop.{name} is a number, no condition", fix=fix)
            else:
                self.unknown(node, "name", name=f"loop.{name}", choices=_loop_names())
            return None
        if owner in self.names.records:
            cells = list(self.cell(node, owner, name=name))
            return Filled(cells[0].loop, cells[0].column) if cells else None
        return self.row_flag(node, owner, name=name)

    def row_flag(self, node: nodes.Node, owner: str, *, name: str) -> Condition | None:
        for scope in reversed(self.scopes[1:]):
            if scope.variable != owner:
                continue
            column = f"{SINGULAR[scope.frame]}.{name}"
            flags = self.names.flags.get(scope.frame, ())
            if column in flags:
                return Flag(scope.number, column)
            if name in CHILDREN.get(scope.frame, {}):
                self.refuse_list_condition(node, f"{owner}.{name}")
            else:
                shown = [flag.replace(SINGULAR[scope.frame], owner, 1) for flag in flags]
                self.unknown(
                    node, "boolean", name=f"{owner}.{name}", choices=shown, rest=_CELL_INSTEAD
                )
            return None
        self.not_a_record(node, owner)
        return None

    def counted(self, node: nodes.Node) -> int | None:
        number = self.counting[-1]
        if number is None:
            fix = "use it inside the loop; the filter of a for knows cells and booleans only"
            self.complain("LAY-4", node, what="there is no loop here that counts", fix=fix)
        return number

    # ── problems ──

    def complain(self, code: str, node: nodes.Node, *, what: str, fix: str) -> None:
        self.problems.append(self.source.problem(code, start_of(node), what=what, fix=fix))

    def refuse(self, node: nodes.Node) -> None:
        words = refused_words(node)
        fix = next((form for kind, form in NEAREST_FORM if isinstance(node, kind)), _CELL_INSTEAD)
        self.complain("LAY-2", node, what=f"{words} is not allowed in a layout", fix=fix)

    def refuse_list_condition(self, node: nodes.Node, written: str) -> None:
        fix = f"write {{% for … in {written} %}} … {{% else %}} … {{% endfor %}}"
        self.complain("LAY-2", node, what=f'"{written}" is a list, no condition', fix=fix)

    def unknown(
        self, node: nodes.Node, kind: str, *, name: str, choices: Sequence[str], rest: str = ""
    ) -> None:
        near = near_match(name, list(choices))
        known = f"known here: {', '.join(sorted(choices))}" if choices else rest
        fix = f'did you mean "{near}"?' if near else known or rest or "remove it"
        self.complain("LAY-3", node, what=f'unknown {kind} "{name}"', fix=fix)

    def not_a_record(self, node: nodes.Node, name: str) -> None:
        if any(scope.variable == name for scope in self.scopes[1:]):
            what = f'"{name}" is the row of a loop and has no text of its own'
            self.complain("LAY-3", node, what=what, fix=_CELL_INSTEAD)
        else:
            self.unknown(
                node, "record", name=name, choices=list(self.names.records), rest=_CELL_INSTEAD
            )


_CELL_INSTEAD = "put the value into a column of a record and write {{ record.column }}"


def _is_literal(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _owner_and_name(node: nodes.Getattr | nodes.Getitem) -> tuple[str, str] | None:
    """Read `a.b` or `a['b']`; anything deeper is None."""
    if not isinstance(node.node, nodes.Name):
        return None
    if isinstance(node, nodes.Getattr):
        return node.node.name, node.attr
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.node.name, node.arg.value
    return None


def _loop_names() -> list[str]:
    return [f"loop.{name}" for name in (*LOOP_COUNTERS, *LOOP_FLAGS)]


def _loop_over(frame: str) -> str:
    written = frame if frame in FILE_CHILDREN else "posting.objects"
    return f"{{% for {SINGULAR[frame]} in {written} %}}"
