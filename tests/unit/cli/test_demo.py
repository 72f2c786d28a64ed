"""`pleo-etl demo` is the first thing a stranger runs: it must work anywhere, and be repeatable."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.cli.demo import KEY_VARIABLE

DEMO = Path("pleo-etl-demo")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_the_demo_runs_a_complete_export_and_says_what_to_open() -> None:
    result = run("demo")
    assert result.exit_code == 0, result.stderr
    given = [Path(line) for line in result.stdout.splitlines()]
    assert all(path.is_file() for path in given)
    folder = given[0].parent
    assert folder.parent == DEMO / "outbox" / "example"
    for command in ("run", "review", "release --yes", "imported"):
        assert f"$ pleo-etl {command}" in result.stderr
    assert "30 exported, 1 failed" in result.stderr  # the sample data has one without a category
    assert max(len(line) for line in result.stderr.splitlines()) <= 80
    named = [line.strip() for line in result.stderr.splitlines() if "review.html" in line]
    assert Path(named[-1]).is_file()
    assert run("verify", str(folder)).exit_code == 0
    assert run("explain", "4114001", str(folder)).exit_code == 0


def test_the_demo_delivers_receipts_and_reports_what_was_rejected() -> None:
    document = json.loads(run("demo", "--json").stdout)
    assert document["exit_code"] == 0
    assert document["pleo"] == {
        "job": "completed_with_errors", "items": {"failed": 1, "successful": 30},
    }  # fmt: skip
    assert [(one["command"], one["exit_code"]) for one in document["steps"]] == [
        ("pleo-etl run", 1),
        ("pleo-etl review", 0),
        ("pleo-etl release --yes", 1),
        ("pleo-etl imported", 0),
    ]
    folder = Path(document["released"])
    assert "MAP-21" in (folder / "rejections.csv").read_text(encoding="utf-8-sig")
    page = (folder / "review.html").read_text(encoding="utf-8")
    assert "6 of 6 checks hold" in page  # the package of receipts repeats bookings of the file
    (package,) = folder.glob("*.zip")
    with zipfile.ZipFile(package) as archive:
        assert any(name.endswith(".pdf") for name in archive.namelist())


def test_a_second_demo_exports_once_more_and_says_so() -> None:
    first = json.loads(run("demo", "--json").stdout)["batch"]
    result = run("demo", "--json")
    assert "This is export 2 in this folder" in result.stderr
    second = json.loads(result.stdout)["batch"]
    assert (first["number"], second["number"]) == (1, 2)
    assert second["counts"] == first["counts"]
    assert second["first_vouchers"][""] == first["last_vouchers"][""] + 1


def test_the_key_of_the_demo_is_in_no_file_and_gone_afterwards() -> None:
    seen: list[str] = []
    real = os.environ.__class__.__setitem__

    def noting(self: os._Environ[str], name: str, value: str) -> None:
        if name == KEY_VARIABLE:
            seen.append(value)
        real(self, name, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os.environ.__class__, "__setitem__", noting)
        result = run("demo")
    assert len(seen) == 1
    assert KEY_VARIABLE not in os.environ
    assert seen[0] not in result.output
    for path in DEMO.rglob("*"):
        if path.is_file():
            assert seen[0].encode() not in path.read_bytes()


def test_a_demo_that_was_stopped_in_the_middle_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from etl.live import publishing

    def stop(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish", stop)
        assert run("demo").exit_code == 130
    stopped = json.loads(run("demo", "--json").stdout)
    assert stopped["exit_code"] == 2
    assert stopped["errors"] == [
        {
            "code": "CLI-6",
            "what": "an earlier demo was stopped in the middle, and its Pleo is gone",
            "where": "pleo-etl-demo",
            "fix": "remove the folder pleo-etl-demo and begin anew",
        }
    ]


def test_a_workspace_of_somebody_is_not_touched() -> None:
    DEMO.mkdir()
    (DEMO / "pleo-etl.yaml").write_text("companies: {}\n", encoding="utf-8")
    document = json.loads(run("demo", "--json").stdout)
    assert (document["exit_code"], document["errors"][0]["code"]) == (2, "WS-4")
    assert (DEMO / "pleo-etl.yaml").read_text(encoding="utf-8") == "companies: {}\n"
