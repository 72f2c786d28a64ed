"""What a layout may not say: refused at load, by name, with place and the nearest allowed form."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from etl.errors import Problem, UserMustFix
from etl.rendering.layouts import LayoutNames, load_layout, read_layout
from tests.unit.rendering_layouts.lists import NAMES, batch


def problems(source: str, engine: str = "polars", names: LayoutNames = NAMES) -> list[Problem]:
    with pytest.raises(UserMustFix) as caught:
        load_layout(source, name="layout.j2", names=names, engine=engine)  # type: ignore[arg-type]
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("source", "code", "where", "what", "fix"),
    [
        ("a\n  {{ trans.acount }}\n", "LAY-3", "2:6", 'unknown cell "trans.acount"',
         'did you mean "trans.account"?'),
        ("{{ tarns.account }}", "LAY-3", "1:4", 'unknown record "tarns"', 'did you mean "trans"?'),
        ("{{ parameters.journal }}", "LAY-3", "1:4", 'unknown record "parameters"', "known here:"),
        ("{% for v in vuchers %}{% endfor %}", "LAY-3", "1:13", 'unknown list "vuchers"',
         'did you mean "vouchers"?'),
        ("{% for v in vouchers %}\n{% for p in v.posting %}\n{% endfor %}\n{% endfor %}", "LAY-3",
         "2:13", 'unknown list "v.posting"', 'did you mean "v.postings"?'),
        ("{% for p in postings %}{% if p.is_contr %}{% endif %}{% endfor %}", "LAY-3", "1:30",
         'unknown boolean "p.is_contr"', 'did you mean "p.is_contra"?'),
        ("{% for p in postings %}{{ p.amount }}{% endfor %}", "LAY-3", "1:27",
         '"p" is the row of a loop and has no text of its own', "{{ record.column }}"),
        ("{{ loop.idx }}", "LAY-3", "1:4", 'unknown name "loop.idx"', 'did you mean "loop.index"'),
        ("{% for trans in postings %}{% endfor %}", "LAY-3", "1:8",
         '"trans" cannot name the rows of a loop, it is a record', "choose another name"),
        ("{{ trans.account }}", "LAY-4", "1:4", 'record "trans" has no values here',
         "put it inside {% for posting in postings %}"),
        ("{{ loop.index }}", "LAY-4", "1:4", "there is no loop here that counts", "inside the"),
        ("{% for p in postings if loop.first %}{% endfor %}", "LAY-4", "1:25",
         "there is no loop here that counts", "the filter of a for knows cells and booleans"),
        ("{% for v in vouchers %}{% for p in postings %}{% endfor %}{% endfor %}", "LAY-2", "1:36",
         '"postings" are those of the whole file', "write v.postings"),
        ("{% for v in vouchers %}{% for o in objects %}{% endfor %}{% endfor %}", "LAY-2", "1:36",
         '"objects" are those of the whole file', "close the loop around it first"),
        ("{{ head.date | upper }}", "LAY-2", "1:16", "a filter is not allowed",
         "use the filter in the value of the column"),
        ("{{ head.date ~ 'x' }}", "LAY-2", "1:4", "~ is not allowed", "side by side"),
        ("{% if head.date == 'x' %}{% endif %}", "LAY-2", "1:7", "a comparison is not allowed",
         "compare in the value of a column"),
        ("{% if head.date is defined %}{% endif %}", "LAY-2", "1:17", "a test with is",
         "not empty"),
        ("{{ head.date if head.date else 'x' }}", "LAY-2", "1:4", "a … if … else value",
         "{% if record.cell %}"),
        ("{% if head %}{% endif %}", "LAY-2", "1:7", "a whole record is no condition",
         "head.<cell>"),
        ("{% if objects %}{% endif %}", "LAY-2", "1:7", '"objects" is a list, no condition',
         "{% else %}"),
        ("{% for v in vouchers %}{% if v.postings %}{% endif %}{% endfor %}", "LAY-2", "1:30",
         '"v.postings" is a list, no condition', "{% else %}"),
        ("{% for v in vouchers %}{{ loop.first }}{% endfor %}", "LAY-2", "1:27",
         "loop.first is a condition and has no text", "{% if loop.first %}"),
        ("{% for v in vouchers %}{% if loop.index %}{% endif %}{% endfor %}", "LAY-2", "1:30",
         "loop.index is a number, no condition", "loop.first"),
        ("{% set x = 1 %}", "LAY-2", "1:4", "set is not allowed", "engine: jinja"),
        ("{% macro m() %}{% endmacro %}", "LAY-2", "1:4", "macro is not allowed", "engine: jinja"),
        ("{% include 'x' %}", "LAY-2", "1:4", "include is not allowed", "one file"),
        ("{% for a, b in vouchers %}{% endfor %}", "LAY-2", "1:8", "a loop has one name", "for"),
        ("{% for v in vouchers recursive %}{% endfor %}", "LAY-2", "1:4", "a recursive loop",
         "write the loops out"),
        ("{{ 1.5 }}", "LAY-2", "1:4", "this literal is not allowed", "outside of the tags"),
        ("{{ head.date.x }}", "LAY-2", "1:4", "a name inside a cell is not allowed", "column"),
        ("{{ head[0] }}", "LAY-2", "1:4", "a place inside a cell is not allowed", "column"),
        ("{{ range(3) }}", "LAY-2", "1:4", "a call is not allowed", "column"),
        ("  {%- if head.date %}{% endif %}", "LAY-2", "1:3", 'whitespace control "{%-"',
         "leave the - or + out"),
        ("x {{ head.date -}} y", "LAY-2", "1:16", 'whitespace control "-}}"', "leave"),
        ("{#- x #}", "LAY-2", "1:1", 'whitespace control "{#-"', "leave"),
        ("{% raw -%}{% endraw %}", "LAY-2", "1:1", "whitespace control", "leave"),
        ("a\n{{% for v in vouchers %}{% endfor %}", "LAY-1", "2:1",
         "a { stands directly before a tag", "write a { directly before {% or {{ as {{ '{' }}"),
        ("{{{ head.date }}}", "LAY-1", "1:1", "a { stands directly before a tag", "{{ '{' }}"),
        ("a\nb {{ head.date }\n", "LAY-1", "2:16", "not valid Jinja", "close every"),
        ("a\n{% for v in vouchers %}\n", "LAY-1", "2:22", "not valid Jinja", "endfor"),
        ("a\n{% foo %}", "LAY-1", "2:4", "unknown tag 'foo'", "close every"),
        ("a\0b", "LAY-1", "1:2", "a NUL character", "remove it"),
        ("a" * 262_145, "LAY-5", "1:1", "262145 characters", "shorten"),
        ("{% if " + "not " * 201 + "head.date %}{% endif %}", "LAY-5", "1:803",
         "more than 200 things in one tag", "simplify"),
        ("{% if head.date %}" * 21 + "{% endif %}" * 21, "LAY-5", "1:364",
         "more than 20 tags inside each other", "simplify"),
        ("{% for v in vouchers %}" * 7 + "{% endfor %}" * 7, "LAY-5", "1:142",
         "more than 6 loops inside each other", "simplify"),
        ("{% for v in vouchers %}{% endfor %}" * 201, "LAY-5", "1:7004", "more than 200 loops",
         "loop once"),
        ("{% if head.date %}" + "{% elif head.date %}" * 101 + "{% endif %}", "LAY-5", "1:4",
         "more than 100 elif", "column"),
    ],
)  # fmt: skip
def test_a_refusal_names_code_place_and_way_out(
    source: str, code: str, where: str, what: str, fix: str
) -> None:
    first = problems(source)[0]
    assert (first.code, first.where) == (code, f"layout.j2:{where}")
    assert what in first.what
    assert fix in first.fix


def test_all_problems_are_told_at_once() -> None:
    found = problems("{{ haed.date }}\n{{ trans.account }}\n{{ head.date | upper }}\n")
    assert [(problem.code, problem.where) for problem in found] == [
        ("LAY-3", "layout.j2:1:4"),
        ("LAY-4", "layout.j2:2:4"),
        ("LAY-2", "layout.j2:3:16"),
    ]


@pytest.mark.parametrize("cell", ["key", "is_contra", "names"])
def test_a_cell_may_not_take_a_name_of_the_lists(cell: str) -> None:
    names = LayoutNames({"posting": (cell,)}, {"postings": frozenset({"posting"})})
    (problem,) = problems("x", names=names)
    assert problem.code == "LAY-3"
    assert f'"posting.{cell}"' in problem.what


def test_a_layout_file_that_is_missing_or_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "layout.j2"
    with pytest.raises(UserMustFix, match="DOC-4"):
        read_layout(path, name="layout.j2")
    path.write_bytes(b"\xff")
    with pytest.raises(UserMustFix, match="LAY-1"):
        read_layout(path, name="layout.j2")


def test_a_bomb_of_fixed_text_is_refused_before_it_is_written() -> None:
    lists = batch()
    rows = 10_000
    one = lists["postings"].head(1)
    lists["postings"] = pl.concat([one] * rows).with_columns(
        pl.int_range(rows, dtype=pl.UInt32).alias("posting.key")
    )
    text = "x" * 250_000
    layout = load_layout(f"{{% for p in postings %}}{text}{{% endfor %}}", name="l", names=NAMES)
    with pytest.raises(UserMustFix, match="LAY-5"):
        layout.render(lists)
