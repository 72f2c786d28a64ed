"""Every code has a folder with its smallest cause and the exact text (U-01)."""

from __future__ import annotations

import ast
import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.codes import CODES
from tests.errors.cases import (
    BASE,
    EXPECTED,
    ROOT,
    all_codes,
    codes_by_unit_test,
    what_a_person_sees,
)

#: The package, which a traceback would name.
PROJECT = ROOT.parents[1]
#: More of them need a reason as good as these have: no command can cause what they say.
MOST_BY_UNIT_TEST = 36


def test_every_code_has_a_folder_and_every_folder_a_code() -> None:
    assert sorted([*all_codes(), *codes_by_unit_test()]) == sorted(CODES)


@pytest.mark.parametrize("code", all_codes())
def test_the_text_is_exact(code: str, tmp_path: Path) -> None:
    seen = what_a_person_sees(code, tmp_path / "case")
    assert code in seen
    assert seen == (ROOT / code / EXPECTED).read_text(encoding="utf-8")
    assert "Traceback" not in seen
    assert str(tmp_path) not in seen
    assert str(PROJECT) not in seen


@pytest.mark.parametrize(("code", "test"), sorted(codes_by_unit_test().items()))
def test_what_no_command_can_cause_is_proved_by_a_unit_test(code: str, test: str) -> None:
    path, name = test.split("::")
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert len(found) == 1
    assert f"'{code}'" in ast.unparse(found[0])


def test_most_codes_are_caused_by_a_command() -> None:
    assert len(codes_by_unit_test()) <= MOST_BY_UNIT_TEST


def test_messages_are_single_sentences_without_blame_and_without_doubled_words() -> None:
    odd = []
    for path in sorted(ROOT.glob(f"*/{EXPECTED}")):
        for line in path.read_text(encoding="utf-8").partition("--- ")[0].splitlines():
            words = line.replace("BATCH", "-").casefold().split()  # it stands for an id
            doubled = any(word == after for word, after in pairwise(words))
            if doubled or (line.endswith((".", "!")) and line != "  at .") or "simply" in words:
                odd.append(f"{path.parent.name}: {line}")
    assert odd == []


def test_what_has_one_cause_is_shown_once_and_all_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "".join(f"unheard_of_{number}: x\n" for number in range(23))
    mapping = (BASE / "mapping.yaml").read_text(encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(mapping + keys, encoding="utf-8")
    result = convert(tmp_path, monkeypatch, mapping=Path("mapping.yaml"))
    assert result.stderr.count("error[DOC-1]") == 20
    assert result.stderr.endswith("\nand 3 more (all are in --json)\n")
    assert len(json.loads(result.stdout)["errors"]) == 23


def test_a_cause_is_shown_once_and_every_rejection_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = json.loads((BASE / "items.json").read_text(encoding="utf-8")) | {"type": "unheard_of"}
    ids = [f"11111111-1111-4111-8111-{number:012}" for number in range(23)]
    items = [item | {"accountingEntryId": one} for one in ids]
    (tmp_path / "items.json").write_text(json.dumps(items), encoding="utf-8")
    result = convert(tmp_path, monkeypatch, mapping=BASE / "mapping.yaml")
    assert result.stderr.startswith("rejected[ITEM-4], 23 items: ")
    assert [row["item_id"] for row in json.loads(result.stdout)["rejections"]] == ids


def convert(folder: Path, monkeypatch: pytest.MonkeyPatch, *, mapping: Path) -> Result:
    monkeypatch.chdir(folder)
    template = ["-t", str(BASE / "templates" / "plain"), "-m", str(mapping)]
    return CliRunner().invoke(main, ["convert", "items.json", *template, "-o", "out", "--json"])
