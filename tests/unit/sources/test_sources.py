"""Every form of input gives the same elements; a file wrong as a whole stops with a code."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.sources import Limits, read_sources

ITEMS = [
    {"accountingEntryId": f"id-{n}", "accountingEntryLines": [{"a": 1}, {"a": "},{"}], "n": n}
    for n in range(40)
]
SMALL = Limits(block=200, item=2000, input=50_000)


def elements(path: Path | str, limits: Limits | None = None) -> list[bytes | None]:
    return [e for chunk in read_sources([str(path)], limits=limits) for e in chunk.elements]


def places(path: Path, limits: Limits | None = None) -> list[str]:
    return [
        f"{chunk.word} {position}"
        for chunk in read_sources([str(path)], limits=limits)
        for position in chunk.positions
    ]


def code(path: Path | str, limits: Limits | None = None) -> str:
    with pytest.raises(UserMustFix) as caught:
        elements(path, limits)
    (problem,) = caught.value.problems
    assert problem.what
    assert problem.fix
    return problem.code


def page(items: list[object], **more: object) -> bytes:
    return json.dumps(
        {"data": items, "pagination": {"parameters": {"limit": ["10"]}}, **more}
    ).encode()


FORMS: dict[str, Callable[[], bytes]] = {
    "page": lambda: page(list(ITEMS)),
    "page with data last": lambda: json.dumps({"pagination": {"data": 1}, "data": ITEMS}).encode(),
    "list": lambda: json.dumps(ITEMS).encode(),
    "list, indented": lambda: json.dumps(ITEMS, indent=2).encode(),
    "page, indented": lambda: json.dumps({"data": ITEMS}, indent=4).encode(),
    "page, not indented": lambda: json.dumps({"data": ITEMS}, indent=0).encode(),
    "list with byte order mark": lambda: b"\xef\xbb\xbf" + json.dumps(ITEMS).encode(),
    "lines": lambda: b"".join(json.dumps(i).encode() + b"\n" for i in ITEMS),
    "lines without last line end": lambda: b"\n".join(json.dumps(i).encode() for i in ITEMS),
    "lines of another system": lambda: b"".join(json.dumps(i).encode() + b"\r\n" for i in ITEMS),
    "page with an item per line": lambda: (
        b'{"data": [\n' + b",\n".join(json.dumps(i).encode() for i in ITEMS) + b"\n]}"
    ),
}


@pytest.mark.parametrize("limits", [None, SMALL], ids=["one window", "many windows"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_items(
    form: str, packed: bool, limits: Limits | None, tmp_path: Path
) -> None:
    content = FORMS[form]()
    path = tmp_path / "items.json"
    path.write_bytes(gzip.compress(content) if packed else content)
    found = elements(path, limits)
    assert [json.loads(e or b"") for e in found] == ITEMS
    word = "line" if form.startswith("lines") else "item"
    assert places(path, limits) == [f"{word} {n}" for n in range(1, len(ITEMS) + 1)]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_item_alone(indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "item.json"
    path.write_text(json.dumps(ITEMS[0], indent=indent))
    assert [json.loads(e or b"") for e in elements(path)] == [ITEMS[0]]


@pytest.mark.parametrize("content", [b"[]", b" [ ] \n", b'{"data": []}', b'{"data":[],"x":[1]}'])
def test_an_empty_list_has_no_items(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(content)
    assert elements(path) == []


def test_an_empty_file_of_lines_has_no_items(tmp_path: Path) -> None:
    path = tmp_path / "items.ndjson"
    path.write_bytes(b"")
    assert elements(path) == []


def test_lines_keep_their_numbers_over_blank_ones(tmp_path: Path) -> None:
    path = tmp_path / "items.ndjson"
    path.write_bytes(b'\n\n{"a":1}\n\n   \n{"a":2}\n')
    assert places(path) == ["line 3", "line 6"]


def test_several_files_follow_one_another(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.ndjson"
    first.write_bytes(json.dumps(ITEMS[:2]).encode())
    second.write_bytes(b'{"a":1}\n')
    chunks = list(read_sources([str(first), str(second)]))
    assert [(c.name, len(c.elements)) for c in chunks] == [("a.json", 2), ("b.ndjson", 1)]


def test_files_of_one_name_are_told_by_their_path(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "items.ndjson").write_bytes(b'{"a":1}\n')
    paths = [str(tmp_path / folder / "items.ndjson") for folder in ("x", "y")]
    assert [c.name for c in read_sources(paths)] == paths


def test_a_broken_line_is_left_to_the_items_stage(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(b'{"accountingEntryId": "x", "am\n{"a":2}\n')
    assert elements(path) == [b'{"accountingEntryId": "x", "am', b'{"a":2}']


@pytest.mark.parametrize(
    "bad",
    [
        b'{"note":"\\ud800"}', b'{"note":"\xff"}', b'{"v":NaN}', b'{"v":1.}', b'{"v":nul}',
        b'{"v":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
    ids=["surrogate", "not UTF-8", "NaN", "number", "word", "deep"],
)  # fmt: skip
@pytest.mark.parametrize("limits", [None, Limits(block=100)], ids=["one window", "many windows"])
def test_a_broken_element_of_a_list_does_not_touch_the_others(
    bad: bytes, limits: Limits | None, tmp_path: Path
) -> None:
    path = tmp_path / "items.json"
    good = [json.dumps(i).encode() for i in ITEMS[:5]]
    path.write_bytes(b'{"data":[' + b",".join([*good, bad, *good]) + b'],"pagination":{}}')
    assert elements(path, limits) == [*good, bad, *good]


def test_an_element_over_the_limit_is_dropped_alone(tmp_path: Path) -> None:
    long = json.dumps({"note": "x" * 3000}).encode()
    for name, content in (
        ("items.json", b"[" + b",".join([b'{"a":1}', long, b'{"a":2}']) + b"]"),
        ("items.ndjson", b"\n".join([b'{"a":1}', long, b'{"a":2}'])),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert elements(path, SMALL) == [b'{"a":1}', None, b'{"a":2}']


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(gzip.compress(json.dumps(ITEMS[:3]).encode()))

    monkeypatch.setattr(sys, "stdin", Stdin())
    chunks = list(read_sources(["-"]))
    assert [c.name for c in chunks] == ["stdin"]
    assert len(chunks[0].elements) == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "IN-2"),
        (b"  \n ", "IN-2"),
        (b"<html><body>Sign in</body></html>", "IN-2"),
        ("[]".encode("utf-16"), "IN-2"),
        (b"12", "IN-2"),
        (b'{"type":"EXPORT_NOT_FOUND","message":"no"}', "IN-2"),
        (b'{"data":{"a":1}}', "IN-2"),
        (b'{"data":[]}\n{"data":[]}\n', "IN-2"),
        (b"[{}", "IN-3"),
        (b"[{}}]", "IN-3"),
        (b"[{}] x", "IN-3"),
        (b'{"data":[{}]', "IN-3"),
        (b'{"data":[{}],', "IN-3"),
        (b'{"data":[{}],"data":[{}]}', "IN-3"),
        (b'{"accountingEntryId":', "IN-3"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_stops(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(content)
    assert code(path) == expected


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    assert code(tmp_path / "none.json") == "IN-1"
    assert code(tmp_path) == "IN-1"


def test_the_same_file_twice(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(b"[]")
    with pytest.raises(UserMustFix, match="IN-6"):
        list(read_sources([str(path), str(tmp_path / "." / "items.json")]))


@pytest.mark.parametrize("form", ["page", "list", "page, indented"])
def test_a_page_or_list_cut_off_anywhere_stops_with_a_code(form: str, tmp_path: Path) -> None:
    content = FORMS[form]()[:3000]
    path = tmp_path / "items.json"
    for end in range(len(content)):
        path.write_bytes(content[:end])
        assert code(path, SMALL) in {"IN-2", "IN-3"}


def test_a_gzip_file_cut_off_or_damaged_stops_with_a_code(tmp_path: Path) -> None:
    content = gzip.compress(json.dumps(ITEMS).encode())
    path = tmp_path / "items.json.gz"
    for end in range(2, len(content) - 1, 7):
        path.write_bytes(content[:end])
        assert code(path) == "IN-5"
    path.write_bytes(content[:-6] + b"\0\0\0\0\0\0")
    assert code(path) == "IN-5"


def test_what_unpacks_to_too_much_stops(tmp_path: Path) -> None:
    path = tmp_path / "items.json.gz"
    path.write_bytes(gzip.compress(b'[{"a":"' + b"x" * 40_000 + b'"}]'))
    assert code(path, Limits(block=500, input=10_000)) == "IN-4"
    assert code(path, Limits(block=500, unpacked_ratio=5, ratio_from=1000)) == "IN-4"
    assert len(elements(path, Limits(block=500, unpacked_ratio=5))) == 1


def test_an_element_that_never_ends_stops(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(b'[{"a":"' + b"x" * 40_000)
    assert code(path, SMALL) == "IN-4"


def test_a_large_input_is_read_in_windows(tmp_path: Path) -> None:
    """The first elements are there before the last block was read."""
    path = tmp_path / "items.json"
    path.write_bytes(FORMS["page"]())
    chunks: Iterator[object] = read_sources([str(path)], limits=Limits(block=300))
    first = next(chunks)
    assert len(getattr(first, "elements")) < 10  # noqa: B009
