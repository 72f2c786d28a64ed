"""Shapes that break out of, stall or confuse Jinja: none of them gets past compiling."""

from __future__ import annotations

import pytest

from etl.errors import UserMustFix
from etl.expressions import compile_value
from tests.unit.expressions.frame import PLACE, SCOPE, values

EXPRESSIONS = [
    # attributes that lead to Python
    "''.__class__.__mro__[1].__subclasses__()",
    "item.__class__",
    "item.note.__class__.__base__",
    "item.note.__init__.__globals__",
    "item['__class__']",
    "item.note['__class__']",
    "('a' ~ 'b').upper",
    "[].__class__",
    "{}.__class__",
    "none.__class__",
    "true.__class__",
    "(1).__class__",
    "self.__init__",
    "self._TemplateReference__context",
    "cycler.__init__.__globals__.os",
    "joiner.__init__",
    "namespace.__init__",
    "lipsum.__globals__['os'].popen('id').read()",
    "request.application.__globals__",
    "config.items()",
    "loop.index",
    "super()",
    "caller()",
    "varargs",
    "_",
    # calls
    "range(10)",
    "range(999999999)",
    "dict(a=1)",
    "lipsum(n=100000)",
    "cycler(1, 2)",
    "item.note.upper()",
    "item.delete()",
    "'{0.__class__}'.format(item)",
    "'{a.b}'.format_map(item)",
    "'%s' % item.note",
    "'%(x)s' % {'x': item}",
    "'a'.join(['b'])",
    "(item.note)()",
    "item.note(*[1])",
    "item.note(**{})",
    # CVE-2024-56326: a stored reference to format; CVE-2025-27516: attr to format
    "'{0.__class__.__base__}' | attr('format')",
    "'' | attr('__class__')",
    "('{0}' | attr('format'))(item)",
    "[''] | map('format') | list",
    "['a'] | map(attribute='__class__')",
    "[item] | map('attr', '__class__')",
    "item.note | format(item)",
    "'%s' | format(item.note)",
    "item.note | xmlattr",
    "{'a b': 1} | xmlattr",
    "item.note | safe",
    "item.note | escape",
    "item.note | e",
    "item.note | tojson",
    "item.note | pprint",
    "item.note | urlize",
    "item.note | list",
    "item.note | batch(2)",
    "item.note | slice(2)",
    "item.note | groupby('x')",
    "item.note | select",
    "item.note | reject('none')",
    "item.note | selectattr('x')",
    "item.note | sort",
    "item.note | sum",
    "item.note | random",
    "item.note | wordwrap(1)",
    "item.note | indent(10)",
    "item.note | center(1000000000)",
    "item.note | string",
    "item.note | int",
    "item.note | float",
    "item.note | length",
    "item.note | default('x')",
    "item.note | d('x')",
    "item.note | striptags",
    "item.note | filesizeformat",
    "item.note | items",
    "item.note | unknown.dotted.filter",
    # memory and time
    "'x' * 1000000000",
    "'x' * line.number",
    "[1] * 1000000000",
    "2 ** 1000000",
    "10 ** 10 ** 10",
    "line.number ** 2",
    "item.note | pad(1000000000)",
    "item.note | pad(1001)",
    "item.note | replace('a', 'aaaaaaaaaa')" + " | replace('a', 'aaaaaaaaaa')" * 9,
    "item.note" + " | upper" * 20,
    "item.note" + " | ascii | replace('r', '㎯')" * 10,
    "item.note | replace('', 'x')",
    "item.note is matching('(a+)+')",
    "item.note is matching('((a{100}){100}){100}')",
    "item.note is matching('(.*)*x')",
    "item.note is matching('.{99999}')",
    "9999999999999999999999999",
    "line.number // 0",
    "line.number / 0",
    "line.number % 0",
    "1.5",
    "1e308",
    "item.date | add_days(99999999999)",
    # forms of the language that are not ours
    "item.note[0]",
    "item.note[::-1]",
    "item.note[0:1]",
    "item.attendees[line.number]",
    "item[item.note]",
    "(1, 2)",
    "()",
    "{'a': 'b'}",
    "{'a': 'b'}[item.type]",
    "[x for x in item.attendees]",
    "lambda: 1",
    "item.note := 'x'",
    "1 < line.number < 3",
    "'a' == item.type == 'b'",
    "+1",
    "not",
    "item.note if",
    "item.note.",
    "item..note",
    "item.note is callable",
    "item.note is mapping",
    "item.note is sameas(item.note)",
    "item.note is defined",
    "item.note is in(['a'])",
    "item.note is filter",
    "item.note is string",
    "'a\\nb'",
    "'\\x00'",
    "'\\ud800'",
    "item.note ~ '\\r'",
    "[['a']]",
    "'a' in [['a']]",
    "[item.note, [item.type]] | join",
    "[]",
    "['a'] or 'b'",
    "['a'] if true else ['b']",
    "item.note | join",
    "item.note | lookup(item.type)",
    "item.note | lookup('nowhere')",
    "item.note | lookup(none)",
    "item.note | cut(line.number)",
    "item.note | cut(n=3)",
    "item.note | cut(*[3])",
    "item.note | cut(**{})",
    "item.note | cut",
    "item.note | cut(1, 2)",
    "item.note | cut(0)",
    "item.note | cut(-1)",
    "item.note | cut('3')",
    "item.note | cut(true)",
    "item.attendees | first(2)",
    "item.date | date_text('%Y')",
    "item.date | date_text('HH:mm')",
    "item.date | date_text('')",
    "item.date | strftime('%Y')",
]

TEXTS = [
    "{% for a in b %}{{ a }}{% endfor %}",
    "{% set a = 1 %}",
    "{% macro m() %}{% endmacro %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% raw %}{{ a }}{% endraw %}",
    "{% if true %}a{% endif %}",
    "{%- if true %}a{% endif %}",
    "{# secret #}",
    "a{#",
    "{{- item.note }}",
    "{{ item.note -}} x",
    "{{+ item.note }}",
    "{{ }}",
    "{{",
    "{{ item.note",
    "{{ item.note }",
    "{{ 'a }}",
    "{{ {{ item.note }} }}",
    "a\nb",
    "a\x00b {{ item.note }}",
    "a\x1b[31m",
    "{{ item.amount }} EUR",
    "{{ item.date }}.csv",
    "{{ posting.is_contra }}!",
    "{{ item.attendees }}, ",
    "{{ '{{' ~ item.amount }}",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_an_expression_is_refused(source: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_value(f"{{{{ {source} }}}}", SCOPE, place=PLACE)
    for problem in caught.value.problems:
        assert problem.code.startswith("EXP-")
        assert problem.what
        assert problem.fix
        assert problem.where.startswith("mapping.yaml:7:")


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_refused(text: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_value(text, SCOPE, place=PLACE)
    assert all(problem.code.startswith("EXP-") for problem in caught.value.problems)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 500 + "1" + ")" * 500,
        "[" * 500 + "]" * 500,
        "not " * 5_000 + "true",
        "-" * 5_000 + "1",
        " ~ ".join(["item.note"] * 5_000),
        "'a' if true else " * 5_000 + "'b'",
        "item.note" + " | trim" * 2_000,
        "item." * 3_000 + "note",
        "item.type in [" + ", ".join(["'x'"] * 5_000) + "]",
        "'" + "x" * 20_000 + "'",
    ],
    ids=lambda source: source[:12],
)
def test_size_is_refused_before_anything_recurses(source: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_value(f"{{{{ {source} }}}}", SCOPE, place=PLACE)
    assert [problem.code for problem in caught.value.problems] == ["EXP-10"]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 20 + "item.note" + ")" * 20,
        "not " * 119 + "true",
        " ~ ".join(["item.note"] * 121),
        "'a' if item.note else " * 60 + "'b'",
        " or ".join(["item.note"] * 121),
        "line.number" + " + line.number" * 120,
        "item.note" + " | trim" * 120,
        ("(" * 20 + "'a' if item.note else " * 59 + "'b'" + ")" * 20),
        "item.type in [" + ", ".join(["'x'"] * 900) + "]",
    ],
    ids=lambda source: source[:12],
)
def test_the_largest_that_is_accepted_still_works(source: str) -> None:
    compiled = compile_value(f"{{{{ {source} }}}}", SCOPE, place=PLACE)
    assert len(values(compiled)) == 4
