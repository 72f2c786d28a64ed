"""Layouts in Jinja's sandbox: what they may do more, and that nothing gets out or runs on."""

from __future__ import annotations

import time
import tracemalloc

import polars as pl
import pytest

from etl.errors import UserMustFix
from etl.rendering.layouts import load_layout
from tests.unit.rendering_layouts.lists import NAMES, batch


def text_of(source: str, lists: dict[str, pl.DataFrame] | None = None) -> str:
    layout = load_layout(source, name="layout.j2", names=NAMES, engine="jinja")
    return str(layout.render(lists or batch()).texts["text"][0])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # A macro knows the record of the row that it is given.
        ("{% macro m(p) %}<{{ trans.account }}{{ p.trans.text }}>{% endmacro %}"
         "{% for p in postings %}{{ m(p) }}{% endfor %}", "<4663taxi><1575tax><1360><4660hotel>"),
        ("{% macro m(v) %}{% for p in v.postings %}{{ trans.account }} {% endfor %}{% endmacro %}"
         "{% for v in vouchers %}{{ m(v) }}| {% endfor %}", "4663 1575 1360 | 4660 | "),
        ("{% for v in vouchers %}{% for p in v.postings %}{{ ver.text }}{{ trans.account }},"
         "{% endfor %}{% endfor %}", "Taxi4663,Taxi1575,Taxi1360,Hotel4660,"),
        ("{% set ns = namespace(n=0) %}{% for p in postings %}{% set ns.n = ns.n + 2 %}"
         "{% endfor %}{{ ns.n }}", "8"),
        ("{% set x %}a{{ head.date }}{% endset %}{{ x }}{{ x }}", "a20260301a20260301"),
        ("{{ postings | length }}{{ (postings | first).trans.account }}", "44663"),
        ("{{ (postings | last).trans }}", "4660;50.00"),
        ("{% for p in postings | reverse %}{{ trans.account }} {% endfor %}",
         "4660 1360 1575 4663 "),
        ("{{ postings[0].trans.account }}{{ postings[-1]['trans']['account'] }}", "46634660"),
        ("{{ ['a', 'b', 3] | join(', ') }}", "a, b, 3"),
        ("{{ missing.x | default('none') if false else 'y' }}{% set missing = head %}", "y"),
        ("{{ 'a' ~ head.date ~ 7 }}", "a202603017"),
        ("{{ head.date if postings else 'x' }}", "20260301"),
        ("{% if '26' in head.date and 7 % 2 == 1 and (7 // 2) is odd %}yes{% endif %}", "yes"),
        ("{% macro m() %}[{{ caller() }}]{% endmacro %}"
         "{% call m() %}{{ head.date }}{% endcall %}", "[20260301]"),
        ("{% for p in postings %}{% if p.is_contra %}{{ trans.account }}{% endif %}{% endfor %}",
         "1360"),
        ("{% with x = head.date %}{{ x }}{% endwith %}{{ row.names }}", "20260301Konto;Gegenkonto"),
    ],
)  # fmt: skip
def test_what_a_layout_in_jinja_may_do_more(source: str, text: str) -> None:
    assert text_of(source) == text


def test_lines_are_known_through_macros() -> None:
    source = (
        "{% macro m(v) %}\n{{ ver.text }}\n{% for p in v.postings %}\n{{ trans.account }}\n"
        "{% endfor %}\n{% endmacro %}\nhead\n{% for v in vouchers %}\n{{ m(v) }}{% endfor %}\n"
    )
    layout = load_layout(source, name="layout.j2", names=NAMES, engine="jinja")
    laid_out = layout.render(batch())
    text = laid_out.texts["text"][0].split("\n")
    accounts = ["4663", "1575", "1360", "4660"]
    assert [text[line - 1] for line in laid_out.lines["line"]] == accounts


REFUSED = [
    "{{ ''.__class__ }}", "{{ head.__class__ }}", "{{ head['__class__'] }}", "{{ ''['__mro__'] }}",
    "{{ postings.__len__() }}", "{{ postings.append(1) }}", "{{ head.date.format(1) }}",
    "{{ ''.join(['a']) }}", "{{ self }}", "{{ self.x() }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}", "{{ request }}", "{{ lipsum() }}", "{{ cycler('a') }}", "{{ joiner() }}",
    "{{ range(10) }}", "{{ dict(a=1) }}", "{{ lipsum.__globals__ }}", "{{ namespace.__init__ }}",
    "{{ namespace([1]) }}", "{{ namespace(**head) }}", "{{ ().__class__ }}",
    "{{ head | attr('__class__') }}", "{{ head.date | format }}", "{{ postings | map('upper') }}",
    "{{ postings | selectattr('x') }}", "{{ head.date | replace('2', 'x') }}",
    "{{ head | pprint }}",
    "{{ head | safe }}", "{{ head.date | upper }}", "{{ head | tojson }}",
    "{{ 'x' | center(9999) }}",
    "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}",
    "{% block x %}{% endblock %}", "{% filter upper %}x{% endfilter %}", "{% do 1 %}",
    "{% autoescape true %}{% endautoescape %}", "{% debug %}", "{{ 2 ** 9 }}", "{{ 1 / 2 }}",
    "{{ {'a': 1} }}", "{{ 'abc'[0:2] }}", "{{ postings[loop] }}", "{{ postings[1 + 1] }}",
    "{{ _out('x') }}", "{{ _open }}", "{% set _record = 1 %}", "{% set trans = 1 %}",
    "{% set loop = 1 %}", "{% macro trans() %}{% endmacro %}", "{% macro m(head) %}{% endmacro %}",
    "{% for head in postings %}{% endfor %}", "{% for p in postings recursive %}{% endfor %}",
    "{{ head is mapping }}", "{{ head is sameas head }}", "{{ x }}", "{{ haed.date }}",
    "{{ head.daet }}", "{{ 1.5 }}", "{{ head.date() }}", "{{ loop.cycle('a') }}",
    "{{ postings | list | batch(2) }}", "{{ loop._iterable }}", "{% set ns.__x__ = 1 %}",
    "{{ m.__globals__ }}{% macro m() %}{% endmacro %}", "{{ caller.__func__ }}",
]  # fmt: skip


@pytest.mark.parametrize("source", REFUSED)
def test_escapes_are_refused_when_the_layout_is_loaded(source: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        load_layout(source, name="layout.j2", names=NAMES, engine="jinja")
    assert {problem.code for problem in caught.value.problems} <= {"LAY-1", "LAY-2", "LAY-3"}
    assert all(problem.where.startswith("layout.j2:1:") for problem in caught.value.problems)


FAILING = [
    "{{ postings }}", "{{ true }}", "{{ [].append }}", "{{ postings[0] }}", "{{ postings[99] }}",
    "{{ loop }}", "{{ loop.index }}",
    "{{ caller() }}", "{{ trans.account }}", "{{ vouchers[0].nothing }}", "{{ head.date + 1 }}",
    "{{ head.date * 10 }}", "{{ 'x' * 1000000000 }}", "{{ '%s' % head.date }}", "{{ 7 // 0 }}",
    "{{ 1 < 'a' }}", "{{ head.date | length }}", "{{ 7 | length }}", "{{ 1 in 2 }}",
    "{% for p in 5 %}{% endfor %}", "{% for p in postings %}{{ p.nothing }}{% endfor %}",
    "{{ m }}{% macro m() %}{% endmacro %}", "{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m(1) }}",
    "{% set ns = namespace(a=1) %}{{ ns.b }}", "{% set ns = namespace(a=1) %}{{ ns }}",
    "{% set x = 1 %}{% set x.y = 2 %}", "{{ 1000000 * 10000000 }}", "{{ objects | first }}",
    "{{ head.date.x }}", "{{ [head] }}", "{{ vouchers[0].postings.pop }}", "{{ namespace }}",
    "{{ m.name }}{% macro m() %}{% endmacro %}", "{% set f = namespace %}{{ f.mro }}",
    "{% macro m() %}{% endmacro %}{{ m(1, 2) }}",
]  # fmt: skip


@pytest.mark.parametrize("source", FAILING)
def test_what_cannot_be_seen_at_load_fails_with_its_place(source: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        text_of(f"\n{source}")
    (problem,) = caught.value.problems
    assert problem.code in ("LAY-5", "LAY-6")
    assert problem.where.startswith("layout.j2:2:")


ENDLESS = [
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro a() %}{{ b() }}{{ b() }}{% endmacro %}"
    "{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% set ns = namespace(x='xxxxxxxxxx') %}{% for a in postings %}{% for b in postings %}"
    "{% for c in postings %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{% endfor %}{% endfor %}",
    "{% set ns = namespace(x=['xxxxxxxxxx']) %}{% for a in postings %}{% for b in postings %}"
    "{% for c in postings %}{% set ns.x = [ns.x | join, ns.x | join] %}{% endfor %}{% endfor %}"
    "{% endfor %}",
    "{% for a in postings %}" * 6 + "{% for x in [" + "1," * 60 + "] %}x{% endfor %}"
    + "{% endfor %}" * 6,
    "{% set a %}xxxxxxxxxxxxxxxxxxxx{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
    "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 60,
    "{% set a = ['x'] %}" + "{% set a = [a | join, a | join] %}" * 60,
    "{% macro m(n) %}{% for a in postings %}{{ m(n) }}{% endfor %}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}" + "x" * 200_000 + "{% endmacro %}"
    + "{% for a in postings %}{% for b in postings %}{% for c in postings %}{{ m() }}"
    "{% endfor %}{% endfor %}{% endfor %}",
]  # fmt: skip


@pytest.mark.parametrize("source", ENDLESS)
def test_endless_work_ends_soon_and_small(source: str) -> None:
    tracemalloc.start()
    begin = time.perf_counter()
    try:
        with pytest.raises(UserMustFix) as caught:
            text_of(source)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [problem.code for problem in caught.value.problems] == ["LAY-5"]
    assert peak < 256 * 1024 * 1024
    assert time.perf_counter() - begin < 10  # two seconds without the tracing of memory


def test_loops_inside_each_other_are_few_in_jinja_too() -> None:
    source = "{% for a in postings %}" * 7 + "{% endfor %}" * 7
    with pytest.raises(UserMustFix, match="LAY-5"):
        load_layout(source, name="layout.j2", names=NAMES, engine="jinja")
