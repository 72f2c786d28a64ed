"""Every code has a folder with its smallest cause and the exact text (U-01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.codes import CODES
from tests.errors.cases import EXPECTED, ROOT, all_codes, what_a_person_sees


def test_every_code_has_a_folder_and_every_folder_a_code() -> None:
    assert all_codes() == sorted(CODES)


@pytest.mark.parametrize("code", all_codes())
def test_the_text_is_exact(code: str, tmp_path: Path) -> None:
    seen = what_a_person_sees(code, tmp_path / "case")
    assert code in seen
    assert seen == (ROOT / code / EXPECTED).read_text(encoding="utf-8")
    assert "Traceback" not in seen
    assert str(tmp_path) not in seen
