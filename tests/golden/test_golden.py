"""Every template gives, byte for byte, the files that its format's manual asks for."""

from __future__ import annotations

import pytest

from tests.golden.cases import Case, converted, outputs, together


@pytest.mark.parametrize("case", together())
def test_the_files_are_as_worked_out_by_hand(case: Case) -> None:
    made = converted(case)
    result = made.result
    assert result.exit_code == case.settings.get("exit", 0), result.output
    given, expected = made.files, outputs(case.expected)
    assert sorted(given) == sorted(expected)
    for name, content in expected.items():
        assert given[name].decode("utf-8", "backslashreplace") == content.decode(
            "utf-8", "backslashreplace"
        ), name
        assert given[name] == content, name
