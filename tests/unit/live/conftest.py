"""A scene for every test of the live flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.live.scene import Scene


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path / "work")
    monkeypatch.setenv("PLEO_API_KEY_ACME", found.key)
    found.hook(monkeypatch)
    return found
