"""The stored recipe: a batch keeps what made it, whatever becomes of the workspace (C-08)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from etl import __version__, files
from etl.errors import UserMustFix
from etl.live.recipes import load_stored_recipe
from tests.fakes.items import COMPANY, item
from tests.fakes.workshop import Workshop
from tests.security.lines import TEMPLATES, Line

ITEMS = [
    item(n=1, wallet="10.00 EUR", lines=[{"account": "4650 Bewirtungskosten"}], note="Lunch"),
    item(n=2, type="wallet_topup", wallet="500.00 EUR", lines=[{}]),
]
OWN = """\
id: own
extends: base
version: 1
parameters: {sign: {default: expenses_positive}}
columns:
  Static value 1: {value: "own"}
"""


def workshop(root: Path) -> Workshop:
    """Give a company whose template extends another one of the workspace, with a layout."""
    made = Workshop(root)
    base = root / "templates" / "base"
    base.mkdir(parents=True)
    text = (TEMPLATES / "generic" / "template.yaml").read_text(encoding="utf-8")
    (base / "template.yaml").write_text(text.replace("id: generic", "id: base"), encoding="utf-8")
    own = root / "templates" / "own"
    own.mkdir()
    (own / "template.yaml").write_text(OWN, encoding="utf-8")
    (own / "README.md").write_text("# Own\n\n## Import\n\n1. Import it.\n", encoding="utf-8")
    mapping = root / "mappings" / "mapping.yaml"
    text = mapping.read_text(encoding="utf-8").replace(
        'account.expense: [{use: "{{ line.account.code }}"}]',
        "account.expense: [{table: accounts, key: ['{{ line.account.code }}'],"
        " take: {account.expense: ours}}, {use: '{{ line.account.code }}'}]",
    )
    tables = "tables: {accounts: {file: accounts.csv, key: [pleo], match: exact}}\n"
    mapping.write_text(text.replace("map:\n", f"{tables}map:\n"), encoding="utf-8")
    (root / "mappings" / "accounts.csv").write_text("pleo,ours\n4650,4660\n", encoding="utf-8")
    made.settings(template="own", parameters={"static_2": "two"})
    return made


def edited(name: str, old: str, new: str) -> Callable[[Workshop], None]:
    return lambda made: made.edit(name, old, new)


CHANGES: dict[str, Callable[[Workshop], None]] = {
    "a rule": edited("mappings/mapping.yaml", 'account.transfer: [{use: "1200"}]',
                     'account.transfer: [{use: "1740"}]'),
    "a table": edited("mappings/accounts.csv", "4650,4660", "4650,4925"),
    "a reference list": edited("mappings/lists/accounts.csv", "Reisekosten", "Travel"),
    "the company": edited("mappings/mapping.yaml", "Europe/Berlin", "Asia/Tokyo"),
    "accepted posting rules": edited("mappings/mapping.yaml", "    - wallet_topup/journal\n", ""),
    "the template": edited("templates/own/template.yaml", '"own"', '"other"'),
    "the extended template": edited(
        "templates/base/template.yaml", "{{ posting.text }}", "{{ posting.text | upper }}"
    ),
    "a parameter": lambda made: made.settings(template="own", parameters={"static_2": "three"}),
    "another template": lambda made: made.settings(template="hledger", parameters={}),
    "no template": lambda made: shutil.rmtree(made.root / "templates"),
    "no mapping": lambda made: shutil.rmtree(made.root / "mappings"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_batch_is_rendered_with_its_own_recipe_after_the_workspace_changed(
    tmp_path: Path, change: str
) -> None:
    made = workshop(tmp_path)
    staged = made.stage(ITEMS)
    before = staged.render()
    CHANGES[change](made)
    after = staged.render()
    assert after.content == before.content
    assert after.conversion.manifest == before.conversion.manifest
    assert after.conversion.reports == before.conversion.reports
    if not change.startswith("no "):  # the change is one that would have shown
        now = made.stage(ITEMS, name="two").render()
        assert now.recipe != before.recipe
        assert (now.content != before.content) is (change != "the company")


def test_files_are_called_as_in_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "..")  # names do not depend on where the command is run
    made = workshop(tmp_path)
    made.edit("mappings/mapping.yaml", "    - wallet_topup/journal\n", "")
    staged = made.stage(ITEMS)
    recipe = load_stored_recipe(staged.recipe)
    assert str(recipe.mapping.document.place("map")).startswith("mappings/mapping.yaml:")
    assert recipe.template.source.name == "templates/own/template.yaml"
    assert recipe.mapping.tables["accounts"].sha256 == files.sha256(b"pleo,ours\n4650,4660\n")
    assert recipe.import_guide.startswith("# Own")
    assert ".pleo-etl" not in staged.render().conversion.manifest.decode()
    for made_file in staged.render().conversion.reports:
        assert b".pleo-etl/batches" not in made_file.content


def test_a_copy_lies_below_one_folder(tmp_path: Path) -> None:
    staged = workshop(tmp_path).stage(ITEMS)
    names = {
        path.relative_to(staged.recipe).as_posix()
        for path in staged.recipe.rglob("*")
        if path.is_file()
    }
    assert names == {
        "recipe.json", "templates/own/template.yaml", "templates/own/README.md",
        "templates/base/template.yaml", "mappings/mapping.yaml", "mappings/accounts.csv",
        "mappings/lists/accounts.csv", "mappings/lists/vendors.csv",
    }  # fmt: skip


@pytest.mark.parametrize("template", ["datev-extf", "sie4"])
def test_a_shipped_template_is_copied_with_its_layouts(tmp_path: Path, template: str) -> None:
    made = Workshop(tmp_path, template)
    staged = made.stage(made.like.items())
    layouts = {path.name for path in (TEMPLATES / template).glob("*.j2")}
    assert layouts
    assert layouts == {path.name for path in staged.recipe.rglob("*.j2")}


def test_a_variant_elsewhere_finds_what_it_extends_in_the_copy(tmp_path: Path) -> None:
    made = Workshop(tmp_path)
    own = tmp_path / "erp" / "own"
    own.mkdir(parents=True)
    (own / "template.yaml").write_text("id: own\nextends: hledger\nversion: 1\n")
    made.settings(template="erp/own", parameters=Line("hledger").parameters)
    staged = made.stage(ITEMS[:1])
    chain = load_stored_recipe(staged.recipe).template.read_from
    assert [file.path.is_relative_to(staged.recipe) for file in chain] == [True] * len(chain)
    assert [file.name for file in chain][:2] == [
        "erp/own/template.yaml", "templates/hledger/template.yaml",
    ]  # fmt: skip


# ── other versions, changed copies ──


def test_another_version_of_pleo_etl_asks_to_stage_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = Workshop(tmp_path).stage(ITEMS[:1])
    monkeypatch.setattr("etl.assembling.__version__", "99.1.0")
    with pytest.raises(UserMustFix) as refused:
        staged.render()
    assert [problem.code for problem in refused.value.problems] == ["LINE-1"]
    assert str(refused.value) == (
        f"error[LINE-1]: the batch was staged with pleo-etl {__version__} (now 99.1.0): its files"
        " could come out differently\n"
        "  fix: stage it again with `pleo-etl run` and approve it anew, or install the versions of"
        " then"
    )


def test_another_version_of_a_library_asks_to_stage_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = Workshop(tmp_path).stage(ITEMS[:1])
    monkeypatch.setattr(
        "etl.assembling.version", lambda name: "99" if name == "polars" else version(name)
    )
    with pytest.raises(UserMustFix, match=r"LINE-1.*polars [0-9.]+ \(now 99\)"):
        staged.render()


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_copy_that_was_touched_is_refused(tmp_path: Path, harm: str) -> None:
    staged = workshop(tmp_path).stage(ITEMS[:1])
    for path in files_of(staged.recipe):
        content = path.read_bytes()
        path.unlink()
        if harm == "changed":
            path.write_bytes(content[:-2] + b"#")
        with pytest.raises(UserMustFix) as refused:
            staged.render()
        (problem,) = refused.value.problems
        assert problem.code == "LINE-2"
        assert problem.what == f"{path.name} of a stored batch is missing or has been changed"
        path.write_bytes(content)
    assert staged.render().counts.items == 1


def test_another_parameter_in_the_copy_is_a_change(tmp_path: Path) -> None:
    staged = workshop(tmp_path).stage(ITEMS[:1])
    head = staged.recipe / "recipe.json"
    text = head.read_text(encoding="utf-8")
    assert '"static_2": "two"' in text
    head.write_text(text.replace('"static_2": "two"', '"static_2": "2"'), encoding="utf-8")
    with pytest.raises(UserMustFix, match="LINE-2"):
        staged.render()


def test_a_stop_while_storing_leaves_no_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop(tmp_path)
    folder = made.stage(ITEMS[:1]).recipe
    count = len(files_of(folder))
    write = files.write_private
    left = 0

    def stopping(path: Path, content: bytes) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        write(path, content)

    for stop_after in range(count):
        left = stop_after
        monkeypatch.setattr(files, "write_private", stopping)
        with pytest.raises(KeyboardInterrupt):
            made.line.store_recipe(folder)
        monkeypatch.setattr(files, "write_private", write)
        with pytest.raises(UserMustFix, match="LINE-2"):
            load_stored_recipe(folder)
    made.line.store_recipe(folder)
    assert load_stored_recipe(folder).template.id == "own"


def test_a_mapping_of_another_company_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    made = Workshop(tmp_path)
    made.edit("mappings/mapping.yaml", COMPANY, COMPANY.replace("5a1e", "6b2f"))
    with pytest.raises(UserMustFix, match="WS-3"):
        made.line.store_recipe(tmp_path / "recipe")
    assert not (tmp_path / "recipe").exists()
