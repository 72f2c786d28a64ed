"""The guide for authors of templates: its tables, its keys, and its ten minutes are followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.codes import CODES
from etl.documents import Model
from etl.rendering import document
from etl.rendering.document import MEANINGS
from tests.docs.guide import GUIDE, MARK, renewed

TEXT = GUIDE.read_text(encoding="utf-8")
WRITTEN = TEXT.partition(MARK)[0]
#: Keys that nobody writes by that name.
OTHER_NAMES = {"with_": "with", "for_": "for", "reason": "not"}


def models() -> list[type[Model]]:
    """Give every model that a template document is made of."""
    found = [value for value in vars(document).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, Model) and value is not Model]


def test_the_tables_are_those_of_the_code() -> None:
    assert renewed(TEXT) == TEXT, "python -m tests.docs --write makes them anew"


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_key_of_a_template_is_explained(model: type[Model]) -> None:
    for name in model.model_fields:
        key = OTHER_NAMES.get(name, name)
        assert re.search(rf"\b{key}\b", WRITTEN), f"{model.__name__}.{key}"


@pytest.mark.parametrize("meaning", MEANINGS)
def test_every_meaning_is_explained(meaning: str) -> None:
    assert f"`{meaning}`" in WRITTEN


def test_every_code_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(?:TPL|CELL|PROOF|CUR|LAY|EXP)-[0-9]+\b", WRITTEN))
    assert named <= set(CODES)


def template_of_the_guide() -> str:
    return WRITTEN.split("<!-- example: template.yaml -->\n```yaml\n")[1].split("```")[0]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["templates", *words])


def test_the_ten_minutes_are_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", "my-erp").exit_code == 0
    first = run("preview", "my-erp", "--lines", "3")
    assert first.stdout in WRITTEN

    path = tmp_path / "templates" / "my-erp" / "template.yaml"
    path.write_text(template_of_the_guide())
    found = run("lint", "my-erp")
    assert found.exit_code == 2
    assert found.stdout in WRITTEN

    column = "{name: D/C, value: \"{{ 'D' if posting.side == 'debit' else 'C' }}\""
    path.write_text(path.read_text().replace(column, f"{column}, means: side"))
    assert run("lint", "my-erp").exit_code == 0
    second = run("preview", "my-erp", "--lines", "2")
    assert second.exit_code == 0
    assert second.stdout in WRITTEN

    assert run("test", "my-erp").exit_code == 2
    assert run("test", "my-erp", "--accept").exit_code == 0
    assert run("test", "my-erp").exit_code == 0


def test_the_variant_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = WRITTEN.split("# templates/acme-table/template.yaml\n")[1].split("```")[0]
    path = tmp_path / "templates" / "acme-table" / "template.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(body)
    monkeypatch.chdir(tmp_path)
    shown = run("preview", "acme-table", "--lines", "2")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("Voucher;Voucher kind;Date;")
    assert ";1190,00;" in shown.stdout
