"""Mapping whole frames means the same as reading the rules line by line."""

from __future__ import annotations

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.documents import parse_document
from etl.mapping import MappingDocument, map_lines
from etl.mapping import lines as lines_module
from etl.mapping.cases import Cases
from etl.shipped import shipped_folder
from tests.security.lines import scaled
from tests.unit.mapping.written import frames, load, mapped, value

CODES = ["1", "2", "3", "x"]
ROWS = {("1", None): ("A1", "T1"), ("2", None): ("A2", None), ("3", None): (None, "T3")}
DATED = {"1": [(1, 10, "D1"), (11, 20, "D2")], "2": [(5, 5, "D3")]}
ACCOUNTS = "k,a,t\n1,A1,T1\n2,A2,\n3,,T3\n"
DATED_CSV = "k,a,valid_from,valid_to\n" + "".join(
    f"{key},{cell},2026-03-{start:02d},2026-03-{end:02d}\n"
    for key, ranges in DATED.items()
    for start, end, cell in ranges
)

conditions = st.one_of(st.none(), st.sampled_from(CODES))
rules = st.lists(
    st.tuples(
        st.sampled_from(["const", "code", "note", "none", "table", "take", "dated"]), conditions
    ),
    min_size=1,
    max_size=5,
)
lines = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(CODES)),
        st.one_of(st.none(), st.sampled_from(["N", "", " "])),
        st.integers(1, 25),
    ),
    min_size=1,
    max_size=12,
)


def written(kind: str, when: str | None) -> str:
    table = 'table: {}, key: "{{{{ line.account.code }}}}", take: {}'
    body = {
        "const": 'use: "C"',
        "code": 'use: "{{ line.account.code }}"',
        "note": 'use: "{{ line.account.name }}"',
        "none": "use: none",
        "table": table.format("rows", "a"),
        "take": table.format("rows", "{{}: t, dimension.a: a}"),
        "dated": table.format("dated", "a"),
    }[kind]
    condition = f", when: \"{{{{ line.account.code == '{when}' }}}}\"" if when else ""
    return f"    - {{{body}{condition}}}\n"


def read(target: str, chosen: list[tuple[str, str | None]]) -> str:
    own = "".join(written(*rule).replace("{{}: t", f"{{{target}: t") for rule in chosen)
    return f"  {target}:\n{own}"


def by_hand(
    chosen: list[tuple[str, str | None]], code: str | None, note: str | None, day: int
) -> tuple[str | None, int | None]:
    """Give value and number of the first rule that matches."""
    for number, (kind, when) in enumerate(chosen):
        if when is not None and code != when:
            continue
        row = ROWS.get((code or "", None), (None, None))
        dated = [cell for start, end, cell in DATED.get(code or "", []) if start <= day <= end]
        found: dict[str, str | None] = {
            "const": "C",
            "code": code,
            "note": note,
            "table": row[0],
            "take": row[1],
            "dated": dated[0] if dated else None,
        }
        if kind == "none":
            return None, number
        result = found[kind]
        if result is not None and result.strip():
            return result, number
    return None, None


@settings(deadline=None, max_examples=scaled(60))
@given(chosen=rules, sent=lines)
def test_frames_and_lines_agree(
    chosen: list[tuple[str, str | None]], sent: list[tuple[str | None, str | None, int]]
) -> None:
    text = (
        "tables: {rows: {file: r.csv, key: k}, dated: {file: d.csv, key: k}}\nmap:\n"
        + read("text", chosen)
        + "  account.wallet: [{use: W}]\n"
    )
    items: list[dict[str, Any]] = [
        {
            "item.date": date(2026, 3, day),
            "needs": ("wallet",),
            "lines": [{"line.account.code": code, "line.account.name": note}],
        }
        for code, note, day in sent
    ]
    with tempfile.TemporaryDirectory() as folder:
        mapping = load(Path(folder), text, r_csv=ACCOUNTS, d_csv=DATED_CSV)
        result = mapped(mapping, *items)
    wanted = [by_hand(chosen, *line) for line in sent]
    assert value(result, "text") == [found for found, _ in wanted]
    assert result.lines["rule.text"].to_list() == [number for _, number in wanted]
    alone = [mapped(mapping, item) for item in items]
    assert [value(each, "text")[0] for each in alone] == value(result, "text")
    given_a = [row for row in result.lines["row.text"].to_list() if row is not None]
    assert len(given_a) == sum(
        number is not None and chosen[number][0] in ("table", "take", "dated")
        for _, number in wanted
    )


def test_the_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    text = (
        "tables: {rows: {file: r.csv, key: k}}\nmap:\n  account.wallet: [{use: W}]\n"
        '  text: [{table: rows, key: "{{ line.account.code }}", take: a}]\n'
    )
    mapping = load(tmp_path, text, r_csv=ACCOUNTS)
    items, lines = frames(*({"needs": ("wallet",), "lines": [{"line.account.code": code}]}
                            for code in CODES))  # fmt: skip
    forth = map_lines(items, lines, mapping, targets={})
    back = map_lines(items.reverse(), lines.reverse(), mapping, targets={})
    assert back.lines.reverse().equals(forth.lines)
    assert back.items.reverse().equals(forth.items)


def test_an_empty_batch_maps_to_an_empty_batch(tmp_path: Path) -> None:
    mapping = load(tmp_path, 'map: {account.expense: [{use: "1"}]}\ntags: {A: a}\n')
    result = mapped(mapping)
    assert (result.items.height, result.lines.height) == (0, 0)
    assert (result.rejections.height, result.notes.height) == (0, 0)
    assert "account.expense" in result.lines.columns


def test_the_guide_shows_documents_that_load() -> None:
    guide = (shipped_folder("mappings") / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    assert len(blocks) == 2
    for block, model in zip(blocks, (MappingDocument, Cases), strict=True):
        parse_document(block.encode(), path=Path("README.md"), name="README.md").load(model)


def test_portions_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "tables: {rows: {file: r.csv, key: k}}\n"
        'map:\n  account.expense: [{table: rows, key: "{{ line.account.code }}", take: a}]\n'
        "  account.wallet: [{use: W}]\n"
    )
    mapping = load(tmp_path, text, r_csv=ACCOUNTS)
    sent = [{"lines": [{"line.account.code": code} for code in CODES]}, {}, {"lines": [{}] * 3}]
    sent.append({"lines": [{"line.account.code": "1"}, {"line.account.code": "2"}]})
    whole = mapped(mapping, *sent)
    monkeypatch.setattr(lines_module, "LINES_AT_ONCE", 2)
    in_portions = mapped(mapping, *sent)
    assert in_portions.lines.equals(whole.lines)
    assert in_portions.rejections.equals(whole.rejections)
    assert whole.rejections.height == 6
