"""Every template gives, byte for byte, the files that its format's manual asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.cases import Case, all_cases, outputs

CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_files_are_as_worked_out_by_hand(case: Case, tmp_path: Path) -> None:
    result = case.convert(tmp_path / "out")
    assert result.exit_code == case.settings.get("exit", 0), result.output
    given, expected = outputs(tmp_path / "out"), outputs(case.expected)
    assert sorted(given) == sorted(expected)
    for name, content in expected.items():
        assert given[name].decode("utf-8", "backslashreplace") == content.decode(
            "utf-8", "backslashreplace"
        ), name
        assert given[name] == content, name
