"""Pleo has ended exports that the ledger does not know: the person is told before a release."""

from __future__ import annotations

import shutil

from tests.unit.live.scene import Scene


def _said_of_ended(scene: Scene) -> list[str]:
    return [text for text in scene.said if "ended export" in text]


def test_another_ledger_says_that_pleo_has_ended_exports(scene: Scene) -> None:
    scene.export()
    scene.run()
    assert scene.release().word == "closed"
    shutil.rmtree(scene.root / ".pleo-etl")
    shutil.rmtree(scene.root / "outbox")
    scene.export()
    scene.run()
    day = scene.clock.now().strftime("%Y-%m-%d")
    (said,) = _said_of_ended(scene)
    assert said.startswith(f"Pleo has 1 ended export of this company, the last of {day}, and this")
    assert "pleo-etl ledger rebuild" in said


def test_the_ledger_that_released_says_nothing(scene: Scene) -> None:
    for entry in scene.entries[:2]:
        scene.export([entry])
        scene.run()
        assert scene.release().word == "closed"
    assert _said_of_ended(scene) == []


def test_a_company_without_earlier_exports_hears_nothing(scene: Scene) -> None:
    failed = scene.export()
    scene.pleo.cancel_job(failed)
    scene.export()
    scene.run()
    assert _said_of_ended(scene) == []
