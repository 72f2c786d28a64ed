"""What a layout prints: the line rule, loops, conditions, line numbers. Worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from etl.rendering.layouts import LaidOut, LayoutNames, load_layout, read_layout
from tests.unit.rendering_layouts.lists import NAMES, batch, table

Engine = Literal["polars", "jinja"]
pytestmark = pytest.mark.parametrize("engine", ["polars", "jinja"])


def lay_out(source: str, engine: Engine, lists: dict[str, pl.DataFrame] | None = None) -> LaidOut:
    return load_layout(source, name="layout.j2", names=NAMES, engine=engine).render(
        lists or batch()
    )


def text_of(source: str, engine: Engine) -> str:
    return str(lay_out(source, engine).texts["text"][0])


SIE = """\
#GEN {{ head.date }}
{% for object in objects %}
#OBJEKT {{ objekt.dim }} {{ objekt.code }}
{% endfor %}
{% for voucher in vouchers %}
#VER {{ ver.date }} "{{ ver.text }}"
{
  {% for posting in voucher.postings %}
#TRANS {{ trans.account }} {{ '{' }}{% for object in posting.objects %}\
{{ objekt.dim }} {{ objekt.code }}{% if not loop.last %} {% endif %}{% endfor %}} {{ trans.amount }}
  {% endfor %}
}
{% endfor %}
"""


def test_a_nested_layout_prints_line_by_line(engine: Engine) -> None:
    assert text_of(SIE, engine) == (
        '#GEN 20260301\n#VER 20260302 "Taxi"\n{\n'
        "#TRANS 4663 {1 Nord 6 P7} 100.00\n#TRANS 1575 {} 19.00\n#TRANS 1360 {} -119.00\n}\n"
        '#VER 20260303 "Hotel"\n{\n#TRANS 4660 {1 Süd} 50.00\n}\n'
    )


def test_every_posting_knows_its_first_line(engine: Engine) -> None:
    assert lay_out(SIE, engine).lines.rows() == [(11, 4), (12, 5), (13, 6), (14, 10)]


def test_two_loops_over_the_same_postings_split_them(engine: Engine) -> None:
    source = (
        "{% for voucher in vouchers %}\n"
        "{% for posting in voucher.postings if posting.is_contra %}\nTRNS {{ trans.account }}\n"
        "{% endfor %}\n"
        "{% for posting in voucher.postings if not posting.is_contra %}\n"
        "SPL {{ trans.account }} {{ loop.index }}/{{ loop.length }}\n{% endfor %}\nEND\n"
        "{% endfor %}\n"
    )
    laid_out = lay_out(source, engine)
    assert laid_out.texts["text"][0] == (
        "TRNS 1360\nSPL 4663 1/2\nSPL 1575 2/2\nEND\nSPL 4660 1/1\nEND\n"
    )
    assert laid_out.lines.rows() == [(11, 2), (12, 3), (13, 1), (14, 5)]


def test_the_line_rule(engine: Engine) -> None:
    source = (
        "{# a comment\nover two lines #}\n"
        "  {% if head.date %} {# and a comment #}\t\n"
        "one\n"
        "\n"
        "two {% if head.date %}\n"
        "{% endif %}{{ head.date }}\n"
        "{% endif %}{% if not head.date %}x{% endif %}"
    )
    assert text_of(source, engine) == "one\n\ntwo \n20260301\n"


def test_a_layout_without_a_last_line_end_keeps_none(engine: Engine) -> None:
    assert text_of("{{ head.date }}", engine) == "20260301"


def test_windows_line_ends_in_the_layout_are_plain_ones(engine: Engine) -> None:
    assert text_of("{% if head.date %}\r\nx\r\n{% endif %}\r\n", engine) == "x\n"


def test_the_line_ends_of_the_file_are_put_in_last(engine: Engine) -> None:
    layout = load_layout("a\n{{ head.date }}\n", name="l", names=NAMES, engine=engine)
    assert layout.render(batch(), newline="\r\n").texts["text"][0] == "a\r\n20260301\r\n"


def test_raw_text_keeps_its_braces(engine: Engine) -> None:
    assert text_of("{% raw %}\n{{ no }}\n{% endraw %}\n", engine) == "{{ no }}\n"


def test_what_looks_like_a_layout_in_a_cell_is_printed_as_it_stands(engine: Engine) -> None:
    lists = batch()
    hostile = "{{ head.date }}{% raw %}{# x #}"
    lists["vouchers"] = lists["vouchers"].with_columns(pl.lit(hostile).alias("ver.text"))
    source = "{% for voucher in vouchers %}{{ ver.text }}|{% endfor %}"
    assert lay_out(source, engine, lists).texts["text"][0] == f"{hostile}|{hostile}|"


def test_a_null_cell_prints_nothing_and_is_no_condition(engine: Engine) -> None:
    source = (
        "{% for posting in postings %}"
        "{% if trans.text %}({{ trans.text }}){% else %}-{% endif %}{% endfor %}"
    )
    assert text_of(source, engine) == "(taxi)(tax)-(hotel)"


def test_else_of_a_loop_is_printed_where_it_has_no_rows(engine: Engine) -> None:
    source = (
        "{% for object in objects %}x{% else %}no objects{% endfor %}\n"
        "{% for posting in postings %}{% for object in posting.objects if objekt.code %}"
        "{{ objekt.code }} {% else %}- {% endfor %}{% endfor %}"
    )
    assert text_of(source, engine) == "no objects\nNord P7 - - Süd "


def test_a_loop_counter_in_the_else_is_that_of_the_loop_around(engine: Engine) -> None:
    source = (
        "{% for posting in postings %}{% for object in posting.objects %}"
        "{{ loop.index }}{% else %}[{{ loop.index }}]{% endfor %}{% endfor %}"
    )
    assert text_of(source, engine) == "12[2][3]1"


def test_names_and_whole_records(engine: Engine) -> None:
    rows = "{% for posting in postings %}\n{{ row }}\n{% endfor %}\n"
    assert text_of(f"{{{{ row.names }}}}\n{rows}", engine) == "Konto;Gegenkonto\na\nb\nc\nd\n"
    assert lay_out(rows, engine).lines["line"].to_list() == [1, 2, 3, 4]


def test_a_cell_of_any_name_is_reached_in_brackets(engine: Engine) -> None:
    source = "{% for p in postings %}{{ row['Gegenkonto (ohne BU-Schlüssel)'] }}{% endfor %}"
    assert text_of(source, engine) == "1234"


def test_a_voucher_in_one_line_gives_its_line_to_its_postings(engine: Engine) -> None:
    laid_out = lay_out("head\n{% for voucher in vouchers %}\n{{ ver.text }}\n{% endfor %}", engine)
    assert laid_out.lines.rows() == [(11, 2), (12, 2), (13, 2), (14, 3)]


def test_a_posting_that_prints_nothing_has_no_line(engine: Engine) -> None:
    source = "{% for p in postings %}{% if trans.text %}{{ trans.text }}\n{% endif %}{% endfor %}"
    assert lay_out(source, engine).lines.rows() == [(11, 1), (12, 2), (14, 3)]


def test_a_posting_that_begins_with_a_line_end_stands_on_the_next_line(engine: Engine) -> None:
    source = "head{% for p in postings %}\n{{ trans.account }}{% endfor %}\n"
    assert lay_out(source, engine).lines["line"].to_list() == [2, 3, 4, 5]


def test_every_file_has_its_own_rows_and_line_numbers(engine: Engine) -> None:
    lists = batch()
    lists["file"] = table(
        {"file.key": [0, 1, 2]}, {"head.date": ["A", "B", "C"], "row.names": ["n"] * 3}
    )
    key = pl.Series("file.key", [0, 0, 0, 2], dtype=pl.UInt32)
    lists["postings"] = lists["postings"].with_columns(key)
    source = "{{ head.date }}\n{% for p in postings %}\n{{ trans.account }}\n{% endfor %}"
    laid_out = lay_out(source, engine, lists)
    assert laid_out.texts["text"].to_list() == ["A\n4663\n1575\n1360\n", "B\n", "C\n4660\n"]
    assert laid_out.lines["line"].to_list() == [2, 3, 4, 2]


def test_an_outer_list_may_be_looped_over_again_inside(engine: Engine) -> None:
    lists = batch()
    lists["attachments"] = table(
        {"file.key": [0, 0], "voucher.key": [7, 7]},
        {"doc.name": ["x", "y"]},
    )
    names = LayoutNames(
        {**NAMES.records, "doc": ("name",)}, {**NAMES.carried, "attachments": frozenset({"doc"})}
    )
    source = (
        "{% for v in vouchers %}{% for p in v.postings %}{{ trans.account }}:"
        "{% for a in v.attachments %}{{ doc.name }}{% endfor %} {% endfor %}{% endfor %}"
    )
    layout = load_layout(source, name="l", names=names, engine=engine)
    assert layout.render(lists).texts["text"][0] == "4663:xy 1575:xy 1360:xy 4660: "


def test_an_empty_batch_prints_its_fixed_lines(engine: Engine) -> None:
    lists = {name: rows.clear() if name != "file" else rows for name, rows in batch().items()}
    laid_out = lay_out(SIE, engine, lists)
    assert laid_out.texts["text"].to_list() == ["#GEN 20260301\n"]
    assert laid_out.lines.is_empty()


def test_no_file_at_all(engine: Engine) -> None:
    lists = {name: rows.clear() for name, rows in batch().items()}
    assert lay_out(SIE, engine, lists).texts.is_empty()


def test_a_layout_says_which_columns_it_needs(engine: Engine) -> None:
    layout = load_layout(SIE, name="l", names=NAMES, engine=engine)
    assert {"trans.account", "trans.amount"} <= layout.uses["postings"]
    assert "trans.text" not in layout.uses["postings"]


def test_a_layout_file_is_read_as_utf_8(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "layout.j2"
    path.write_bytes("\ufeffÖl {{ head.date }}\n".encode())
    assert text_of(read_layout(path, name="layout.j2"), engine) == "Öl 20260301\n"
