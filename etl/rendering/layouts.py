"""Layouts: Jinja text that arranges finished cells (design: expressions and layouts).

    layout.j2 ──> tokens ──> line rule ──> tree ──> check ─┬─> columns: Polars, the whole batch
                                                           └─> jinja: sandbox, row by row

Both ways give the same bytes for every layout that both can run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.rendering.layout_check import check_layout
from etl.rendering.layout_columns import lay_out
from etl.rendering.layout_jinja import JinjaLayout, make_jinja_layout
from etl.rendering.layout_lines import LaidOut
from etl.rendering.layout_names import FILE_LIST, LayoutNames, clashing_names
from etl.rendering.layout_sandbox import LayoutEnvironment, Meter
from etl.rendering.layout_source import Source, parse_layout
from etl.rendering.layout_tree import FILE_LOOP, Block, Cell, columns_read, loops_of

__all__ = ["LaidOut", "Layout", "LayoutNames", "load_layout", "read_layout"]

Engine = Literal["polars", "jinja"]


@dataclass(frozen=True, slots=True)
class Layout:
    """A checked layout. `uses` gives, for every list, the text and boolean columns it needs.

    `moved` gives a problem of an inline layout its place in the template.
    """

    uses: Mapping[str, frozenset[str]]
    program: Block | JinjaLayout
    moved: Callable[[Problem], Problem] | None = None

    @property
    def once(self) -> frozenset[str]:
        """Give the records that stand in every file, outside of loops and conditions."""
        if isinstance(self.program, JinjaLayout):
            return frozenset()
        return frozenset(part.column for part in self.program if isinstance(part, Cell))

    def render(self, lists: Mapping[str, pl.DataFrame], *, newline: str = "\n") -> LaidOut:
        """Lay out the files of a batch.

        Needs: lists with the keys of layout_names.CHILDREN and the columns of `uses`, rows in
        output order; cells are finished text without line ends, null is empty.
        Gives: the text of every file with `newline` at the end of its lines, and the first line
        of every posting.
        Raises: UserMustFix LAY-5, LAY-6 (engine jinja only).
        """
        if isinstance(self.program, JinjaLayout):
            laid_out = self._run_jinja(self.program, lists)
        else:
            laid_out = lay_out(self.program, lists)
        if newline == "\n":
            return laid_out
        texts = laid_out.texts.with_columns(
            pl.col("text").str.replace_all("\n", newline, literal=True)
        )
        return LaidOut(texts, laid_out.lines)

    def _run_jinja(self, program: JinjaLayout, lists: Mapping[str, pl.DataFrame]) -> LaidOut:
        try:
            return program.render(lists)
        except UserMustFix as error:
            if self.moved is None:
                raise
            raise UserMustFix([self.moved(problem) for problem in error.problems]) from None


def load_layout(source: str, *, name: str, names: LayoutNames, engine: Engine = "polars") -> Layout:
    """Check a layout and make it ready to run.

    Needs: name as messages call the file; names that the template offers.
    Raises: UserMustFix with every problem: LAY-1 to LAY-5, each with file, line and column.
    """
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    layout = Source(name, text)
    clashes = [
        layout.problem(
            "LAY-3",
            0,
            what=f'the cell "{column}" has a name that layouts use themselves',
            fix="rename the column or the record in template.yaml",
        )
        for column in clashing_names(names)
    ]
    if clashes:
        raise UserMustFix(clashes)
    tree = parse_layout(layout, LayoutEnvironment(names, Meter(0, 0)))
    if engine == "jinja":
        program = make_jinja_layout(tree, layout, names=names)
        return Layout(program.uses, program)
    block = check_layout(tree, layout, names=names)
    return Layout(_uses(block), block)


def read_layout(path: Path, *, name: str) -> str:
    """Read the text of a layout file.

    Raises: UserMustFix DOC-4 (not there), LAY-1 (not UTF-8).
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserMustFix(
            Problem("DOC-4", f"cannot read {name}: {error.strerror}", name, "check the name")
        ) from None
    except UnicodeDecodeError as error:
        problem = Problem(
            "LAY-1", f"byte {error.start} is not UTF-8", name, "save the file as UTF-8"
        )
        raise UserMustFix(problem) from None


def _uses(block: Block) -> Mapping[str, frozenset[str]]:
    frames = {FILE_LOOP: FILE_LIST} | {loop.number: loop.frame for loop in loops_of(block)}
    keys = {loop.key for loop in loops_of(block)}
    uses: dict[str, set[str]] = {}
    for part in block:
        for loop, column in columns_read(part):
            if column not in keys:
                uses.setdefault(frames[loop], set()).add(column)
    return {frame: frozenset(columns) for frame, columns in uses.items()}
