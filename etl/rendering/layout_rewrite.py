"""Check a layout for Jinja's sandbox, and rewrite its tree so that its work is counted.

A record finds the innermost row that has it; everything printed and every turn of a loop is
counted; marks show where rows of postings begin and end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from etl.documents import near_match
from etl.errors import Problem, UserMustFix
from etl.rendering import layout_sandbox as sandbox
from etl.rendering.layout_names import (
    FILE_CHILDREN,
    FILE_LIST,
    LOOP,
    NAMES,
    LayoutNames,
    cell_column,
)
from etl.rendering.layout_source import Source, start_of
from etl.rendering.layout_words import NEAREST_FORM_JINJA, refused_words

#: Everything that a layout in Jinja may be made of.
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro,
    nodes.CallBlock, nodes.Assign, nodes.AssignBlock, nodes.With, nodes.Name, nodes.NSRef,
    nodes.Const, nodes.Tuple, nodes.List, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call,
    nodes.Getitem, nodes.Getattr, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Keyword,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.FloorDiv, nodes.Mod, nodes.Neg,
    nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip


def rewrite_layout(
    tree: nodes.Template, source: Source, *, names: LayoutNames
) -> tuple[nodes.Template, Mapping[str, frozenset[str]]]:
    """Check and rewrite a layout for the sandbox.

    Gives: the tree to run, and the columns that each list must have.
    Raises: UserMustFix with every problem (LAY-2, LAY-3).
    """
    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    stored |= {node.name for node in tree.find_all(nodes.Macro)}
    rewriter = _Rewriter(source, names, stored=frozenset(stored))
    new = rewriter.visit(tree)
    if rewriter.problems:
        raise UserMustFix(rewriter.problems)
    uses = {
        frame: frozenset(column for record, column in rewriter.used if record in carried)
        | frozenset(names.flags.get(frame, ()))
        for frame, carried in names.carried.items()
    }
    names_used = frozenset(f"{record}.{NAMES}" for record in rewriter.names_used)
    uses[FILE_LIST] = uses.get(FILE_LIST, frozenset()) | names_used
    return new, uses


class _Rewriter(NodeTransformer):
    def __init__(self, source: Source, names: LayoutNames, *, stored: frozenset[str]) -> None:
        self.source = source
        self.names = names
        self.stored = stored
        self.problems: list[Problem] = []
        #: Loop names and macro parameters around this place, outer ones first.
        self.rows: list[str] = []
        self.in_capture = False
        self.used: set[tuple[str, str]] = set()
        self.names_used: set[str] = set()

    # ── what is allowed ──

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, _ALLOWED):
            self.refuse(node)
            return node
        return super().visit(node, *args, **kwargs)

    def refuse(self, node: nodes.Node) -> None:
        fix = next(
            (form for kind, form in NEAREST_FORM_JINJA if isinstance(node, kind)),
            "arrange finished cells; whatever changes a value belongs into a column",
        )
        self.complain(
            "LAY-2", node, what=f"{refused_words(node)} is not allowed in a layout", fix=fix
        )

    def complain(self, code: str, node: nodes.Node, *, what: str, fix: str) -> None:
        self.problems.append(self.source.problem(code, start_of(node), what=what, fix=fix))

    def unknown(self, node: nodes.Node, kind: str, *, name: str, choices: Iterable[str]) -> None:
        known = sorted(choices)
        near = near_match(name, known)
        fix = f'did you mean "{near}"?' if near else f"known here: {', '.join(known)}"
        self.complain("LAY-3", node, what=f'unknown {kind} "{name}"', fix=fix)

    # ── names and values ──

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        name = node.name
        if node.ctx != "load":
            if name in self.names.records or name in FILE_CHILDREN or name in (LOOP, FILE_LIST):
                fix = "choose another name"
                self.complain(
                    "LAY-3", node, what=f'"{name}" is a name of the template already', fix=fix
                )
            elif name.startswith("_"):
                fix = "begin the name with a letter"
                self.complain("LAY-3", node, what=f'the name "{name}" begins with _', fix=fix)
            return node
        if name in self.names.records:
            self.use(name, None)
            return self.record(node, name)
        known = {LOOP, "caller", "namespace", *FILE_CHILDREN, *self.stored}
        if name not in known or name.startswith("_"):
            self.unknown(node, "name", name=name, choices={*known, *self.names.records})
        return node

    def visit_NSRef(self, node: nodes.NSRef) -> nodes.Node:
        if node.attr.startswith("_"):
            fix = "begin the name with a letter"
            self.complain("LAY-3", node, what=f'the name "{node.attr}" begins with _', fix=fix)
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        return self.member(node, node.attr)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        argument = node.arg
        if isinstance(argument, nodes.Neg) and isinstance(argument.node, nodes.Const):
            argument = nodes.Const(-1 if argument.node.value == 1 else None)
            node.arg = argument
        if not isinstance(argument, nodes.Const) or type(argument.value) not in (int, str):
            fix = "write a name in quotes, or a whole number"
            self.complain(
                "LAY-2", node, what="a computed place is not allowed in a layout", fix=fix
            )
            return node
        return self.member(node, argument.value)

    def member(self, node: nodes.Getattr | nodes.Getitem, name: str | int) -> nodes.Node:
        if isinstance(name, str) and name.startswith("_"):
            self.complain(
                "LAY-2", node, what=f'the name "{name}" begins with _', fix="use another name"
            )
            return node
        owner = node.node
        if isinstance(owner, nodes.Name) and owner.name in self.names.records:
            record = owner.name
            cells = (*self.names.records[record], NAMES)
            if name not in cells:
                self.unknown(
                    node, "cell", name=f"{record}.{name}", choices=[f"{record}.{c}" for c in cells]
                )
                return node
            if name == NAMES:
                self.names_used.add(record)
                return _call(node, sandbox.NAMES_OF, arguments=[nodes.Const(record)])
            self.use(record, str(name))
            node.node = self.record(owner, record)
            return node
        if name in self.names.records:
            for cell in (None, *self.names.records[str(name)]):
                self.use(str(name), cell)
            self.names_used.add(str(name))
        node.node = self.visit(owner)
        return node

    def use(self, record: str, cell: str | None) -> None:
        self.used.add((record, cell_column(record, cell)))

    def record(self, node: nodes.Node, name: str) -> nodes.Call:
        rows: list[nodes.Expr] = [nodes.Name(row, "load") for row in reversed(self.rows)]
        return _call(node, sandbox.RECORD, arguments=[nodes.Const(name), *rows])

    def visit_Const(self, node: nodes.Const) -> nodes.Node:
        if not isinstance(node.value, str | int) and node.value is not None:
            self.refuse(node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        return _call(node, sandbox.JOIN, arguments=[self.visit(each) for each in node.nodes])

    def visit_Operand(self, node: nodes.Operand) -> nodes.Node:
        self.generic_visit(node)
        if node.op in ("in", "notin"):
            node.expr = _call(node, sandbox.SEARCHED, arguments=[node.expr])
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        is_named = isinstance(node.node, nodes.Name) and node.node.name in (
            "caller", "namespace", *self.stored,
        )  # fmt: skip
        is_plain = node.dyn_args is None and node.dyn_kwargs is None
        is_space = is_named and getattr(node.node, "name", "") == "namespace"
        if not is_named or not is_plain or (is_space and node.args):
            fix = "call macros of this layout, caller() or namespace(name=value)"
            self.complain("LAY-2", node, what="this call is not allowed in a layout", fix=fix)
            return node
        return self.generic_visit(node)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        if node.name not in sandbox.FILTERS:
            self.unknown(node, "filter", name=node.name, choices=sandbox.FILTERS)
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        if node.name not in sandbox.TESTS:
            self.unknown(node, "test", name=node.name, choices=sandbox.TESTS)
        return self.generic_visit(node)

    # ── statements ──

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        node.nodes = [
            each
            if isinstance(each, nodes.TemplateData)
            else _call(each, sandbox.OUT, arguments=[self.visit(each)])
            for each in node.nodes
        ]
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            self.complain(
                "LAY-2", node, what="a recursive loop is not allowed", fix="write the loops out"
            )
        size = _fixed_characters(node.body)
        node.iter = _call(node, sandbox.SEARCHED, arguments=[self.visit(node.iter)])
        node.target = self.visit(node.target)
        around = self.rows
        variable = node.target.name if isinstance(node.target, nodes.Name) else None
        self.rows = [*around, *(each.name for each in _names_stored(node.target))]
        if node.test is not None:
            node.test = self.visit(node.test)
        node.body = [self.visit(each) for each in node.body]
        self.rows = around
        node.else_ = [self.visit(each) for each in node.else_]
        if variable is None or self.in_capture:
            node.body.insert(0, _print(node, sandbox.STEP, arguments=[nodes.Const(size)]))
        else:
            row = nodes.Name(variable, "load")
            node.body.insert(0, _print(node, sandbox.OPEN, arguments=[row, nodes.Const(size)]))
            node.body.append(_print(node, sandbox.CLOSE, arguments=[]))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self.body_with(node, [argument.name for argument in node.args], around=())

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        node.call = self.visit(node.call)
        return self.body_with(node, [argument.name for argument in node.args], around=self.rows)

    def body_with(
        self, node: nodes.Macro | nodes.CallBlock, names: list[str], *, around: Iterable[str]
    ) -> nodes.Node:
        for argument in node.args:
            self.visit(argument)
        if isinstance(node, nodes.Macro):
            self.visit_Name(nodes.Name(node.name, "store", lineno=node.lineno))
        node.defaults = [self.visit(each) for each in node.defaults]
        before, self.rows = self.rows, [*around, *names]
        size = _fixed_characters(node.body)
        node.body = [self.visit(each) for each in node.body]
        node.body.insert(0, _print(node, sandbox.STEP, arguments=[nodes.Const(size)]))
        self.rows = before
        return node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:
        # Marks inside of captured text would count as characters of it.
        before, self.in_capture = self.in_capture, True
        self.generic_visit(node)
        self.in_capture = before
        return node


def _names_stored(target: nodes.Node) -> list[nodes.Name]:
    return [target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name))


def _fixed_characters(body: Iterable[nodes.Node]) -> int:
    return sum(len(text.data) for node in body for text in node.find_all(nodes.TemplateData))


def _call(at: nodes.Node, part: str, *, arguments: list[nodes.Expr]) -> nodes.Call:
    call = nodes.Call(nodes.Name(part, "load"), arguments, [], None, None)
    return call.set_lineno(at.lineno, override=True)  # type: ignore[return-value]


def _print(at: nodes.Node, part: str, *, arguments: list[nodes.Expr]) -> nodes.Output:
    return nodes.Output([_call(at, part, arguments=arguments)], lineno=at.lineno)
