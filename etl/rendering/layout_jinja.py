"""Layouts that say `engine: jinja`: checked, metered, then run row by row in the sandbox.

The sandbox has no way out and no endless work: see layout_rewrite and layout_sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from jinja2 import Template, TemplateError, nodes, runtime

from etl.errors import UserMustFix
from etl.frames import FILE_KEY
from etl.rendering import layout_sandbox as sandbox
from etl.rendering.layout_lines import LaidOut, first_lines
from etl.rendering.layout_names import FILE_CHILDREN, FILE_LIST, LayoutNames
from etl.rendering.layout_rewrite import rewrite_layout
from etl.rendering.layout_sandbox import LayoutEnvironment, LayoutTooLong, Row
from etl.rendering.layout_source import Source

_COMPILED_NAME = "<layout>"


@dataclass(frozen=True, slots=True)
class JinjaLayout:
    """A layout ready to run in the sandbox."""

    source: Source
    names: LayoutNames
    tree: nodes.Template
    uses: Mapping[str, frozenset[str]]

    def render(self, lists: Mapping[str, pl.DataFrame]) -> LaidOut:
        """Lay out every file; see layouts.Layout.render.

        Raises: UserMustFix LAY-5 (more work than its limits), LAY-6 (failed while it ran).
        """
        environment = LayoutEnvironment(self.names, sandbox.meter_for(lists))
        tables = sandbox.make_tables(lists)
        code = environment.compile(self.tree, self.source.name, _COMPILED_NAME)
        template = Template.from_code(environment, code, environment.globals)
        files = lists[FILE_LIST][FILE_KEY].to_list()
        texts: list[str] = []
        found: list[tuple[str, int, int]] = []
        for at, key in enumerate(files):
            environment.file = Row(tables[FILE_LIST], at)
            known = {
                name: tables[child.frame].belonging(child.key, key)
                for name, child in FILE_CHILDREN.items()
                if child.frame in tables
            }
            marked = self._run(template, known)
            text, lines = _take_marks(marked)
            texts.append(text)
            found += lines
        rows = pl.DataFrame(
            found, schema={"frame": pl.String, "key": pl.Int64, "line": pl.Int64}, orient="row"
        )
        by_frame = {
            frame: rows.filter(pl.col("frame") == frame).select(
                pl.col("key").cast(pl.UInt32), "line"
            )
            for frame in rows["frame"].unique()
        }
        frame = pl.DataFrame(
            {FILE_KEY: lists[FILE_LIST][FILE_KEY], "text": pl.Series(texts, dtype=pl.String)}
        )
        return LaidOut(frame, first_lines(by_frame, lists))

    def _run(self, template: Template, known: Mapping[str, Any]) -> str:
        try:
            return "".join(template.root_render_func(template.new_context(dict(known))))
        except LayoutTooLong as error:
            raise self._stopped("LAY-5", template, error=error, what=str(error)) from None
        except RecursionError as error:
            what = "macros call each other without end"
            raise self._stopped("LAY-5", template, error=error, what=what) from None
        except (TemplateError, TypeError) as error:
            if isinstance(error, TypeError) and not _is_of_layout(error):
                raise
            what = f"the layout failed: {str(error) or type(error).__name__}"
            raise self._stopped("LAY-6", template, error=error, what=what) from None

    def _stopped(
        self, code: str, template: Template, *, error: Exception, what: str
    ) -> UserMustFix:
        offset = 0
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == _COMPILED_NAME:
                offset = template.get_corresponding_lineno(step.tb_lineno)
            step = step.tb_next
        fix = "correct the layout: cells are text; work values out in the columns of template.yaml"
        return UserMustFix(self.source.problem(code, offset, what=what, fix=fix))


def make_jinja_layout(tree: nodes.Template, source: Source, *, names: LayoutNames) -> JinjaLayout:
    """Check a layout and make it ready for the sandbox.

    Raises: UserMustFix with every problem (LAY-2, LAY-3).
    """
    new, uses = rewrite_layout(tree, source, names=names)
    return JinjaLayout(source, names, new, uses)


def _is_of_layout(error: Exception) -> bool:
    """Say whether an error arose in the layout itself, or where Jinja calls its macros."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code.co_filename in (
        _COMPILED_NAME, runtime.__file__,
    )  # fmt: skip


def _take_marks(marked: str) -> tuple[str, list[tuple[str, int, int]]]:
    """Take the marks out of a text; give the rows that print something and their lines.

    Gives: the text, and (list, key, line) with the line of the first character that is no line
    end.
    """
    pieces = marked.split(sandbox.MARK)
    found: list[tuple[str, int, int]] = []
    waiting: list[tuple[str, int]] = []  # rows around this place: mark, characters before it
    line, characters = 1, 0
    begun: list[int | None] = []
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            blank = len(piece) - len(piece.lstrip("\n"))
            if blank < len(piece):
                begun = [line + blank if begin is None else begin for begin in begun]
            line += piece.count("\n")
            characters += len(piece)
        elif piece != sandbox.CLOSE:
            waiting.append((piece, characters))
            begun.append(None)
        else:
            mark, before = waiting.pop()
            begin = begun.pop()
            if mark and characters > before:
                frame, key = mark.split(" ")
                found.append((frame, int(key), line if begin is None else begin))
    return "".join(pieces[::2]), found
