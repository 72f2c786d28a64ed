"""A workspace is read strictly, and every mistake in it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.starting import Start, plan_workspace, write_files
from etl.workspace import find_workspace, load_workspace

ID = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
OTHER = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b11"


def write(folder: Path, text: str) -> Path:
    path = folder / "pleo-etl.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(UserMustFix) as caught:
        load_workspace(write(folder, text))
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_the_example_of_the_design(tmp_path: Path) -> None:
    text = f"""\
pleo: {{environment: production}}
companies:
  acme: {{id: {ID}, template: datev-extf, parameters: {{client_number: 042}}, mapping: m/acme.yaml}}
outbox: outbox
ledger: sqlite:///.pleo-etl/ledger.db
"""
    workspace = load_workspace(write(tmp_path, text))
    assert workspace.companies["acme"].parameters == {"client_number": "042"}
    assert workspace.mapping_path("acme") == tmp_path / "m" / "acme.yaml"
    assert workspace.settings.pleo.environment == "production"


def test_what_is_left_out_takes_its_default(tmp_path: Path) -> None:
    text = f"pleo:\ncompanies:\n  a: {{id: {ID}, template: t, mapping: m.yaml, parameters: {{}}}}\n"
    settings = load_workspace(write(tmp_path, text)).settings
    assert (settings.outbox, settings.ledger) == ("outbox", "sqlite:///.pleo-etl/ledger.db")


def test_approvals_margin_and_retention(tmp_path: Path) -> None:
    company = f"id: {ID}, template: t, mapping: m.yaml"
    more = "approvals: 2, margin_minutes: 10"
    text = f"companies:\n  a: {{{company}, {more}}}\nretention: {{days: 365}}\n"
    settings = load_workspace(write(tmp_path, text)).settings
    assert (settings.companies["a"].approvals, settings.companies["a"].margin_minutes) == (2, 10)
    assert settings.retention is not None
    assert settings.retention.days == 365
    settings = load_workspace(write(tmp_path, f"companies:\n  a: {{{company}}}\n")).settings
    assert (settings.companies["a"].approvals, settings.companies["a"].margin_minutes) == (1, 5)
    assert settings.retention is None  # everything is kept


@pytest.mark.parametrize("more", ["approvals: 3", "approvals: 0", "margin_minutes: 60"])
def test_settings_of_a_review_have_bounds(tmp_path: Path, more: str) -> None:
    text = f"companies: {{a: {{id: {ID}, template: t, mapping: m, {more}}}}}\n"
    ((code, where),) = problems(tmp_path, text)
    assert (code, where.split(":")[0]) == ("DOC-3", "pleo-etl.yaml")


@pytest.mark.parametrize("days", ["0", "-1", "soon", "99999"])
def test_retention_is_a_number_of_days(tmp_path: Path, days: str) -> None:
    text = f"companies: {{a: {{id: {ID}, template: t, mapping: m}}}}\nretention: {{days: {days}}}\n"
    ((code, _where),) = problems(tmp_path, text)
    assert code == "DOC-3"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("companies: {}\n", "DOC-3", "pleo-etl.yaml:1:12"),
        ("outbox: x\n", "DOC-2", "pleo-etl.yaml:1:1"),
        (f"companies: {{a: {{id: {ID}, mapping: m}}}}\n", "DOC-2", "pleo-etl.yaml:1:16"),
        ("companies: {a: {id: 12, template: t, mapping: m}}\n", "DOC-3", "pleo-etl.yaml:1:21"),
        (
            f"companies: {{a: {{id: {ID}, template: t, mapping: m}}}}\napi_key: secret\n",
            "DOC-1", "pleo-etl.yaml:2:1",
        ),
        (
            f"companies: {{a: {{id: {ID}, template: t, mapping: ../m.yaml}}}}\n",
            "DOC-4", "pleo-etl.yaml:1:81",
        ),
        (
            f"companies: {{a: {{id: {ID}, template: t, mapping: m}}}}\noutbox: /var/outbox\n",
            "DOC-4", "pleo-etl.yaml:2:9",
        ),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(tmp_path: Path, text: str, code: str, where: str) -> None:
    assert problems(tmp_path, text) == [(code, where)]


@pytest.mark.parametrize(
    ("outbox", "says"),
    [
        (".", "the folder of the workspace itself"),
        ("''", "the folder of the workspace itself"),
        ("mappings/..", None),  # that it climbs is said already
        (".pleo-etl", "the ledger and what is staged lie in that folder"),
        (".pleo-etl/batches/a", "the ledger and what is staged lie in that folder"),
        (".Pleo-ETL", "the ledger and what is staged lie in that folder"),
        ("private", "the ledger and what is staged lie in that folder"),  # a link
        ("templates", "your own templates lie in that folder"),
        ("templates/out", "your own templates lie in that folder"),
        ("mappings", "the mapping mappings/a.yaml lies in that folder"),
        ("mappings/a.yaml", "the mapping mappings/a.yaml lies in that folder"),
        ("books", "the ledger books/ledger.db lies in that folder"),
        ("note.txt", "note.txt is a file"),
        ("note.txt/out", "note.txt is a file"),
    ],
)
def test_the_outbox_is_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outbox: str, says: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".pleo-etl").mkdir()
    (tmp_path / "private").symlink_to(".pleo-etl")
    (tmp_path / "note.txt").write_text("mine")
    text = (
        f"companies: {{a: {{id: {ID}, template: t, mapping: mappings/a.yaml}}}}\n"
        f"outbox: {outbox}\nledger: sqlite:///books/ledger.db\n"
    )
    with pytest.raises(UserMustFix) as caught:
        load_workspace(write(tmp_path, text))
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("WS-9" if says else "DOC-4", "pleo-etl.yaml:2:9")
    if says:
        assert problem.what.endswith(f": {says}") or problem.what.endswith(f": that is {says}")
        assert "`outbox: outbox`" in problem.fix


@pytest.mark.parametrize("outbox", ["outbox", "out/pleo", "mappings/out", "templates-out"])
def test_an_outbox_may_lie_anywhere_else(tmp_path: Path, outbox: str) -> None:
    text = f"companies: {{a: {{id: {ID}, template: t, mapping: mappings/a.yaml}}}}\n"
    settings = load_workspace(write(tmp_path, f"{text}outbox: {outbox}\n")).settings
    assert settings.outbox == outbox


def test_an_id_that_is_none_is_said_with_where_it_is_found(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix) as caught:
        load_workspace(write(tmp_path, "companies: {a: {id: 12, template: t, mapping: m}}\n"))
    (problem,) = caught.value.problems
    assert "the id of a company in Pleo, such as 12abc3d4" in problem.what
    assert 'not "12" (not known? Write 00000000-0000-0000-0000-000000000000' in problem.what
    assert "`pleo-etl login` tells it" in problem.what


def test_two_names_for_one_company_are_refused(tmp_path: Path) -> None:
    text = (
        f"companies:\n  a: {{id: {ID}, template: t, mapping: m}}\n"
        f"  b: {{id: {ID.upper()}, template: t, mapping: n}}\n"
        f"  c: {{id: {OTHER}, template: t, mapping: n}}\n"
    )
    assert problems(tmp_path, text) == [("WS-2", "pleo-etl.yaml:3:11")]


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = f"companies:\n  a: {{id: {ID}, template: t, mapping: ../m}}\noutbox: ../out\n"
    assert [code for code, _ in problems(tmp_path, text)] == ["DOC-4", "DOC-4"]


def test_the_nearest_workspace_above_is_found(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    path = write(tmp_path, "")
    assert find_workspace(deep) == path
    write(tmp_path / "a", "")
    assert find_workspace(deep) == tmp_path / "a" / "pleo-etl.yaml"


def test_no_workspace_is_said_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix) as caught:
        find_workspace(tmp_path)
    (problem,) = caught.value.problems
    assert problem.code == "WS-1"
    assert "pleo-etl init" in problem.fix


def test_a_new_workspace_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.starting.shipped_templates", lambda: ["generic", "sie4"])
    files = plan_workspace(tmp_path, Start("nordic", "sie4"))
    write_files(tmp_path, files)
    workspace = load_workspace(find_workspace(tmp_path))
    assert workspace.companies["nordic"].template == "sie4"
    assert workspace.mapping_path("nordic").is_file()


def test_init_never_touches_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.starting.shipped_templates", lambda: ["generic"])
    write(tmp_path, "mine")
    with pytest.raises(UserMustFix) as caught:
        plan_workspace(tmp_path, Start("acme", "generic"))
    assert [problem.code for problem in caught.value.problems] == ["WS-4"]
    assert (tmp_path / "pleo-etl.yaml").read_text() == "mine"


def test_names_that_cannot_be_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.starting.shipped_templates", lambda: ["generic"])
    with pytest.raises(UserMustFix) as caught:
        plan_workspace(tmp_path, Start("../x", "genric"))
    assert [problem.code for problem in caught.value.problems] == ["WS-5", "WS-5"]
    assert 'did you mean "generic"?' in caught.value.problems[1].fix
