"""S-04, S-05: YAML and paths of strangers in every document that a person writes, and in -o."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.codes import CODES
from etl.errors import UserMustFix
from etl.files import is_safe_name
from etl.mapping import load_mapping
from etl.mapping.cases import run_cases
from etl.rendering import load_template
from etl.workspace import load_workspace
from tests.fakes.items import item
from tests.security.hostile_strings import HOSTILE
from tests.unit.cli.workspaces import make_workspace

READERS: dict[str, Callable[[Path], Any]] = {
    "template": lambda path: load_template(str(path)),
    "mapping": load_mapping,
    "workspace": load_workspace,
    "cases": run_cases,
}
BROKEN = [
    "", "x", "[]", "- x", "a: b: c", "\t", "a: 'x", "{", "&a [*a]", "a: &a {x: *a}", "<<: {a: b}",
    "a: 1\na: 2", "id: x\nid: y", "!!python/object/apply:os.system [touch ran]", "a: !!binary aGk=",
    "a: !!python/name:os.system ''", "%YAML 3.0\n---\na: b", "--- a\n--- b", "? [a]\n: b",
    "? {a: b}\n: c", "a: \x00", "a: \x1b[31m", "a: \ufffe", "[" * 5000, "{a: " * 5000,
    "- " * 5000,    "a: " + "x" * 2_000_000, "- x\n" * 200_000, "k" * 5000 + ": x",
    "company: NO", "id: [1]",
    "map: {account.expense: &x [*x]}", "a: |\n" + " x\n" * 300_000, "\ufeff\ufeffa: b", "a: *b",
    "company: {name: {name: {name: x}}}", "version: 1e999", "files: 12:30:45", "rows: 0123",
]  # fmt: skip
PATHS = [
    "../x.csv", "../../etc/passwd", "/etc/passwd", "a/../../x.csv", "..\\x.csv", "C:\\x.csv",
    "C:x.csv",    "\\\\host\\x.csv", "//host/x.csv", "link.csv", "folder/x.csv",
    "x\\0.csv", "~/x.csv", "x" * 5000,
    "file:///etc/passwd", ".", "..", "/dev/zero", "/proc/self/environ", "loop.csv",
]  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
def test_broken_yaml_ends_with_a_code_in_every_document(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("template.yaml" if kind == "template" else "document.yaml")
    for text in BROKEN:
        path.write_bytes(text.encode())
        start = time.process_time()
        with pytest.raises(UserMustFix) as caught:
            READERS[kind](path)
        assert {problem.code for problem in caught.value.problems} <= CODES.keys()
        assert time.process_time() - start < 2, text[:40]


@pytest.mark.parametrize("key", ["tables", "reference", "cases", "workspace", "outbox"])
@pytest.mark.parametrize("name", PATHS, ids=lambda name: name[:20])
def test_no_document_reads_outside_of_its_folder(key: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("pleo,erp\nSECRET,1\n")
    root = tmp_path / "books"
    root.mkdir()
    workspace = make_workspace(root)
    (root / "link.csv").symlink_to(tmp_path / "x.csv")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.csv").symlink_to(root / "loop.csv")
    own = (root / "acme.yaml").read_text()
    quoted = '"' + (name if "\\0" in name else name.replace("\\", "\\\\")) + '"'
    company = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
    entry = f"companies: {{acme: {{id: {company}, template: plain, mapping: "
    texts = {
        "tables": own.replace("accounts.csv", quoted),
        "reference": f"{own}reference: {quoted}\n",
        "cases": f"mapping: {quoted}\ncases: [{{item: {{}}, expect: [{{}}]}}]\n",
        "workspace": f"{entry}{quoted}}}}}\n",
        "outbox": f"{entry}acme.yaml}}}}\noutbox: {quoted}\n",
    }
    path = workspace.root / "document.yaml"
    path.write_text(texts[key], encoding="utf-8")
    reader = {"tables": "mapping", "reference": "mapping", "outbox": "workspace"}.get(key, key)
    inside = {".", "~/x.csv", "file:///etc/passwd", "accounts.csv"}
    if key in ("outbox", "reference", "workspace") and name in inside:
        return  # it lies inside of the folder, and need not be there yet
    with pytest.raises(UserMustFix) as caught:
        READERS[reader](path)
    assert {problem.code for problem in caught.value.problems} <= CODES.keys()
    assert "SECRET" not in str(caught.value)


def test_a_name_made_of_hostile_text_is_no_path() -> None:
    for text in HOSTILE:
        if is_safe_name(text):
            assert not set(text) & set('/\\:*?"<>|\0')
            assert text not in (".", "..")


@pytest.mark.parametrize(
    "out", ["x" * 5000, "acme.yaml", "acme.yaml/out", "/dev/null", "/dev/null/x"]
)
def test_an_output_folder_that_cannot_be_is_told(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = make_workspace(tmp_path)
    before = (tmp_path / "acme.yaml").read_bytes()
    words = ["-t", "plain", "-m", "acme.yaml", "-o", out]
    result = workspace.run("convert", workspace.items(item(n=1)), *words)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error[")
    assert (tmp_path / "acme.yaml").read_bytes() == before
