"""The workspaces that the tests of commands begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.items import item
from tests.unit.cli.live import Live, make_live, make_released, make_staged
from tests.unit.cli.workspaces import Workspace, make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.fixture
def some_items() -> Callable[[], Sequence[dict[str, Any]]]:
    """Give three items: plain, split, and one that is rejected for its missing account."""
    return lambda: [
        item(n=1, wallet="119.00 EUR", lines=[{"account": "6640 Bewirtung",
             "tax": "VSt19 0.19 inclusive 19.00"}], note="Größe"),
        item(n=2, wallet="30.00 EUR", date="2026-03-11T10:00:00Z", lines=[
            {"account": "6640 Bewirtung", "gross": "10.00"},
            {"account": "6815 Bürobedarf", "gross": "20.00"}]),
        item(n=3, lines=[{"account": None}]),
    ]  # fmt: skip


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Give a workspace at a Pleo, and stand in it."""
    monkeypatch.chdir(tmp_path)
    return make_live(tmp_path)


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Give a workspace with a staged batch, and stand in it."""
    monkeypatch.chdir(tmp_path)
    return make_staged(tmp_path)


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Give a workspace with a released batch, and stand in it."""
    monkeypatch.chdir(tmp_path)
    return make_released(tmp_path)
