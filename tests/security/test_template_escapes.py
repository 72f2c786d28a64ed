"""S-03: templates of strangers, whole: every escape in every place that holds an expression.

Each is refused at load with a code, or ends with one within two seconds of work and 256 MB.
"""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.codes import CODES
from etl.errors import UserMustFix
from etl.pipeline import Request, convert
from etl.rendering import load_template
from tests.fakes.items import item
from tests.security.lines import scaled
from tests.unit.cli.workspaces import TEMPLATE, make_workspace
from tests.unit.expressions.test_attacks import EXPRESSIONS

MAX_SECONDS = 2
MAX_BYTES = 256 * 1024 * 1024

#: Published escapes, and what people try first.
PUBLISHED = [
    # CVE-2024-56326: a reference to str.format that is kept and called later
    "{% set f = '{0.__class__}'.format %}{{ f(item) }}",
    "('{0.__class__.__mro__}'.format)(item.note)",
    "['{0.__class__}'] | map('format', item.note) | list",
    "'{0.__class__}'.format_map({'0': item})",
    # CVE-2025-27516: the same reference by the filter attr
    "('{0.__class__}' | attr('format'))(item)",
    "item | attr('note') | attr('format')",
    "'' | attr('__class__') | attr('__mro__') | last",
    "item.note | attr('\\x5f\\x5fclass\\x5f\\x5f')",
    "item.note | map(attribute='__class__') | join",
    "[item.note] | sort(attribute='__class__') | join",
    "[item.note] | groupby('__class__') | list",
    "[item.note] | sum(attribute='__class__')",
    "[item.note] | selectattr('__class__') | list",
    # CVE-2019-10906, CVE-2016-10745, CVE-2014-1402 and relatives
    "'{item.__class__}'.format_map(item=item)",
    "'%(item)s' | format(item=item)",
    "item.note | xmlattr",
    "dict(item.note) | xmlattr",
    "item.note | urlize(rel='x', target='y')",
    "item.note | string | attr('format')",
    # ways to Python that are handed from hand to hand
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__.os.popen('id').read()",
    "namespace.__init__.__globals__.os.popen('id').read()",
    "lipsum.__globals__['os'].popen('id').read()",
    "self.__init__.__globals__.__builtins__.__import__('os').popen('id').read()",
    "self._TemplateReference__context.cycler.__init__.__globals__.os",
    "request.application.__globals__.__builtins__.__import__('os')",
    "get_flashed_messages.__globals__.__builtins__.open('/etc/passwd').read()",
    "url_for.__globals__.current_app.config",
    "config.__class__.from_envvar.__globals__.__builtins__",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd').read()",
    "{}.__class__.__bases__[0].__subclasses__()",
    "[].__class__.__base__.__subclasses__()[59].__init__.func_globals",
    "(1).__class__.__base__",
    "true.__class__",
    "none.__class__",
    "item.note.__class__",
    "item['note']['__class__']",
    "item['\\x5f\\x5fclass__']",
    "company.__dict__",
    "parameters.__class__",
    "batch['__init__']",
    "item.__getattribute__('note')",
    "item.note.encode()",
    "item.note.translate({1: 2})",
    "voucher.__reduce__()",
    "posting.amount.__class__",
    "posting.amount.as_tuple()",
    "posting.dimension.__class__",
    "line.tags.__class__",
    "line.tags['x'].__class__",
    "line.tags[item.note]",
    "engine.version.__class__",
    "range.__init__",
    "varargs[0]",
    "kwargs.x",
    "caller()",
    "super()",
    "loop.index",
    "_('x')",
    "gettext('x')",
    # work without end
    "range(10 ** 9) | join",
    "range(10 ** 9) | list | length",
    "'x' * 10 ** 9",
    "'x' * 1000000000",
    "item.note * 1000000000",
    "[0] * 10 ** 9",
    "10 ** 10 ** 10",
    "2 ** 100000000",
    "9 ** 9 ** 9 ** 9",
    "99999999999999999999999999 * 99999999999999999999999999",
    "item.note | center(10 ** 9)",
    "item.note | indent(10 ** 9)",
    "item.note | wordwrap(1)",
    "item.note | pad(10 ** 9)",
    "item.note | pad(999999999)",
    "'%999999999d' | format(1)",
    "'%*d' | format(999999999, 1)",
    "item.note | replace('', 'xxxxxxxxxx')",
    "item.note" + " | replace('a', 'aaaaaaaaaa')" * 12,
    "item.note" + " ~ item.note" * 2000,
    "(" * 500 + "item.note" + ")" * 500,
    "not " * 2000 + "true",
    "-" * 2000 + "1",
    "[" * 500 + "]" * 500,
    "item.note if " * 500 + "true",
    "item.note" + " or item.note" * 5000,
    "'" + "a" * 200_000 + "'",
    "item.note is matching('" + "(a*)*" * 20 + "')",
    "item.note is matching('(a|a)*b')",
    "item.note is matching('(a|aa)+$')",
    "item.note is matching('" + "a{1000}" * 20 + "')",
    "item.note is matching('((((a{9}){9}){9}){9}){9}')",
    "item.note is matching('" + "[" * 1000 + "')",
    "item.note is matching('\\\\p{L}{9999}')",
    "item.note is matching('(?<=a)b')",
    "item.note is matching('(?R)')",
    "item.note is matching('\\\\1')",
    "lipsum(n=10000)",
    "item.note | slice(10 ** 9) | list",
    "item.note | batch(1) | list",
    "item.date | add_days(10 ** 12)",
    "item.date | date_text('" + "%Y" * 5000 + "')",
    "item.date | date_text('%(__class__)s')",
    # statements where an expression stands
    "{% for x in range(10 ** 9) %}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% block x %}{% endblock %}",
    "{% call item() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x = item %}{{ x }}",
    "{% if true %}x{% endif %}",
    "{% raw %}{{ item }}{% endraw %}",
    "{% with x = item %}{{ x }}{% endwith %}",
    "{% do item.delete() %}",
    "{% autoescape false %}{% endautoescape %}",
    "{% trans %}x{% endtrans %}",
    "{% debug %}",
    "{# x #}{{ item.__class__ }}",
    # calls of values
    "item()",
    "item.note()",
    "item.delete()",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "__import__('os')",
    "item.note | lookup('/etc/passwd')",
    "item.note | lookup(item.type)",
    "lookup('x')",
    "item.note | unheard_of",
    "item.note | os.system",
    "item.note is os.system",
    "item.note is callable",
    "item.note is sameas item.note",
    "item.note is defined",
    "environ['PATH']",
    "env.PLEO_API_KEY",
    "os.environ",
    "job.token",
    "company.api_key",
]
POSITIONS: dict[str, Callable[[str], str]] = {
    "value": lambda e: _swap('"{{ posting.text }}"', e),
    "external id": lambda e: _swap('"{{ voucher.reference }}"\n', e, after="\n"),
    "file name": lambda e: _swap('"plain_{{ batch.number }}_{{ file.number }}.csv"', e),
    "where": lambda e: _swap("    kind: csv\n", e, key="    kind: csv\n    where: ", after="\n"),
    "when": lambda e: _swap("name: pair, ", e, key="name: pair, when: ", after=", "),
    "let": lambda e: f"{TEMPLATE}let: {{extra: {_quoted(e)}}}\n",
    "check": lambda e: f"{TEMPLATE}checks: [{{for: posting, code: X-1, that: {_quoted(e)}, "
                       "message: m, fix: f}]\n",
    "message": lambda e: f"{TEMPLATE}checks: [{{for: posting, code: X-1, that: '{{{{ false }}}}', "
                         f"message: {_quoted(e)}, fix: f}}]\n",
    "attachment": lambda e: f"{TEMPLATE}attachments: {{name: {_quoted(e)}, place: folder}}\n",
    "order": lambda e: f"{TEMPLATE}order: [{_quoted(e)}]\n",
}  # fmt: skip


def _quoted(expression: str) -> str:
    is_written = expression.startswith(("{{", "{%", "{#"))
    text = expression if is_written else f"{{{{ {expression} }}}}"
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _swap(old: str, expression: str, *, key: str = "", after: str = "") -> str:
    assert old in TEMPLATE
    return TEMPLATE.replace(old, f"{key}{_quoted(expression)}{after}")


def assert_ends(work: Callable[[], object], *, is_large: bool = True) -> set[str]:
    """Give the codes that work ended with; it is short and small (looked at where it is large)."""
    start = time.process_time()
    peak = 0
    if is_large:
        tracemalloc.start()
    try:
        with pytest.raises(UserMustFix) as caught:
            work()
        if is_large:
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Tracing makes work about four times as slow.
    assert time.process_time() - start < 4 * MAX_SECONDS
    assert peak < MAX_BYTES
    codes = {problem.code for problem in caught.value.problems}
    assert codes <= CODES.keys()
    assert all(problem.fix and problem.what for problem in caught.value.problems)
    return codes


def codes_of(folder: Path) -> set[str]:
    try:
        load_template(str(folder))
    except UserMustFix as error:
        return {problem.code for problem in error.problems}
    return set()


SHAPES = list(dict.fromkeys([*PUBLISHED, *EXPRESSIONS]))
PLACED = [
    (position, shape)
    for number, shape in enumerate(SHAPES)
    for at, position in enumerate(POSITIONS)
    if position == "value" or (number + at) % len(POSITIONS) < scaled(2)
]


def test_there_are_enough_shapes() -> None:
    assert len(PUBLISHED) >= 100
    assert len(SHAPES) >= 250


@pytest.mark.parametrize("part", range(8))
def test_escapes_are_refused_wherever_an_expression_stands(part: int, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    passed = []
    for position, shape in itertools.islice(PLACED, part, None, 8):
        (folder / "template.yaml").write_text(POSITIONS[position](shape), encoding="utf-8")
        start = time.process_time()
        codes = codes_of(folder)
        assert codes <= CODES.keys()
        if not codes:
            passed.append((position, shape[:80]))
        assert time.process_time() - start < MAX_SECONDS, (position, shape[:80])
    assert passed == []


# ── layouts, in both engines ────────────────────────────────────────────────────────────────

LAYOUTS = [
    "{{ ''.__class__ }}", "{{ row.__class__ }}", "{{ row['__class__'] }}", "{{ row.No.__class__ }}",
    "{{ postings.__class__ }}", "{{ postings.append(1) }}", "{{ row | attr('__class__') }}",
    "{{ '{0.__class__}'.format(row) }}", "{{ ('{0}' | attr('format'))(row) }}", "{{ lipsum() }}",
    "{{ cycler(1) }}", "{{ joiner() }}", "{{ namespace.__init__ }}", "{{ self }}", "{{ config }}",
    "{{ range(10) }}", "{{ dict() }}", "{{ 'x' * 1000000000 }}", "{{ 10 ** 10 ** 10 }}",
    "{{ item.note }}", "{{ parameters }}", "{{ company }}", "{{ voucher.total }}",
    "{% include '/etc/passwd' %}", "{% include 'template.yaml' %}", "{% import 'x' as y %}",
    "{% from 'x' import y %}", "{% extends 'layout.j2' %}", "{% block x %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}", "{% debug %}", "{% do 1 %}", "{% trans %}{% endtrans %}",
    "{% autoescape true %}{% endautoescape %}", "{{ row | safe }}", "{{ row | tojson }}",
    "{{ row | pprint }}", "{{ row | format }}", "{{ row | map('upper') }}",
    "{{ row | center(9999) }}",
    "{% for p in postings recursive %}{{ loop(postings) }}{% endfor %}", "{{ loop.__class__ }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{{ caller() }}", "{{ varargs }}",
    "{% set x = row.__class__ %}{{ x }}", "{% set row = 1 %}", "{% set _out = 1 %}",
    "{{ _out('x') }}",
    "{% for a in postings %}" * 8 + "x" + "{% endfor %}" * 8,
    "{% set x = 'x' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "{% set n = namespace(x='xxxxxxxxxx') %}"
    + "{% for a in postings %}{% for b in postings %}{% set n.x = n.x ~ n.x ~ n.x %}{% endfor %}"
    "{% endfor %}" * 40 + "{{ n.x }}",
    "{% for x in [" + "1," * 500 + "] %}{% for y in [" + "1," * 500 + "] %}{% for z in ["
    + "1," * 500 + "] %}xx{% endfor %}{% endfor %}{% endfor %}",
    "{{ " + "(" * 400 + "row" + ")" * 400 + " }}", "{% if " + "not " * 2000 + "true %}{% endif %}",
    "{% if true %}" * 300 + "{% endif %}" * 300, "{{ row", "{% for", "{% endfor %}", "{#", "{{ }}",
    "{{ row.nothing }}", "{{ nothing }}", "{{ row.No() }}", "\0", "{{ '\0' }}", "{% raw %}",
]  # fmt: skip
LAID_OUT = TEMPLATE.replace(
    "kind: csv", "kind: text\n    engine: ENGINE\n    layout: layout.j2"
).replace('    csv: {delimiter: ";", quoting: text, header: names}\n', "")


@pytest.mark.parametrize("engine", ["columns", "jinja"])
def test_escapes_in_layouts_are_refused_or_end_soon(engine: str, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    text = LAID_OUT.replace(
        "    engine: ENGINE\n", "" if engine == "columns" else "    engine: jinja\n"
    )
    (tmp_path / "plain/template.yaml").write_text(text, encoding="utf-8")
    items = workspace.items(*(item(n=n) for n in range(1, 6)))
    request = Request(
        sources=[items], template=str(tmp_path / "plain"), mapping=tmp_path / "acme.yaml"
    )
    for source in LAYOUTS:
        (tmp_path / "plain/layout.j2").write_text(source, encoding="utf-8")
        assert_ends(lambda: convert(request), is_large=len(source) > 150)


# ── names of layouts and templates ──────────────────────────────────────────────────────────

NAMES = [
    # CVE-2024-56201: the name of the file becomes part of what the compiler runs
    "x' + __import__('os').system('touch ran') + '.j2", 'x".j2', "x\n.j2", "x{{ 7 }}.j2", "x%s.j2",
    "../layout.j2", "/etc/passwd", "..\\layout.j2", "C:\\layout.j2",
    "\\\\host\\layout.j2", "a/../../b.j2",
    "layout.j2\0.txt", "NUL", ".", "..", "", " ", "~/layout.j2", "file:///etc/passwd",
    "x" * 5000, "plain/",
    "{{ parameters.ledger }}.j2", "\u2024\u2024/layout.j2",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_layouts_never_leave_the_template_or_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = make_workspace(tmp_path)
    (tmp_path / "layout.j2").write_text("{{ row }}\n", encoding="utf-8")
    text = LAID_OUT.replace("    engine: ENGINE\n", "")
    quoted = (
        name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\0", "\\0")
    )
    (tmp_path / "plain/template.yaml").write_text(
        text.replace("layout: layout.j2", f'layout: "{quoted}"'), encoding="utf-8"
    )
    result = workspace.convert(workspace.items(item(n=1)))
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error[")
    assert "Traceback" not in result.output
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", [*NAMES, "Plain", "plain.j2", "plain'", "a b", "-t", "templates/../plain"]
)
def test_names_of_templates_are_ids_or_folders(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserMustFix) as caught:
        load_template(name, workspace=tmp_path)
    assert {problem.code for problem in caught.value.problems} <= CODES.keys()


def test_the_measure_finds_what_is_too_large() -> None:
    """The guard of this file works: work that takes too much is seen."""

    def greedy() -> None:
        held = bytearray(MAX_BYTES + 1)
        raise UserMustFix([]) from (MemoryError() if held else None)

    with pytest.raises(AssertionError):
        assert_ends(greedy)
