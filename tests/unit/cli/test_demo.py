"""`pleo-etl demo` is the first thing a stranger runs: it must work anywhere, and be repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.cli import main
from etl.cli.demo import SHOWN


def test_the_demo_converts_proves_and_says_what_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0, result.output
    for line in result.stdout.splitlines():
        assert (tmp_path / line).is_file()
    for template, _, _ in SHOWN:
        folder = tmp_path / "pleo-etl-demo" / template
        assert CliRunner().invoke(main, ["verify", str(folder)]).exit_code == 0
        assert (folder / "rejections.csv").is_file()
    opened = [line.split()[0] for line in result.stderr.splitlines() if "review.html" in line]
    assert (tmp_path / opened[0]).is_file()
    explained = CliRunner().invoke(main, ["explain", "4114001", f"pleo-etl-demo/{SHOWN[0][0]}"])
    assert explained.exit_code == 0
    again = CliRunner().invoke(main, ["demo", "--json"])
    counts = [one["counts"]["rejected"] for one in json.loads(again.stdout)["conversions"]]
    assert (again.exit_code, counts) == (0, [1, 1])
