"""Questions: what counts as a yes, and what happens when the time is over."""

from __future__ import annotations

import io

import pytest

from etl.cli.asking import ask


@pytest.mark.parametrize(
    ("typed", "means"),
    [("y\n", True), ("Yes\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False),
     ("yo\n", False), ("ja\n", False)],
)  # fmt: skip
def test_only_a_yes_is_a_yes(
    typed: str, means: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert ask("Release batch 7?") is means
    said = "\rRelease batch 7? [y/N] "
    assert capsys.readouterr().err == (said if typed else f"{said}\n")


def test_the_minutes_left_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert ask("Release?", minutes_left=lambda: 1)
    assert "(1 minute left)" in capsys.readouterr().err


def test_while_nobody_answers_the_minutes_are_counted_down_until_none_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = iter([2, 1, 0])
    monkeypatch.setattr("select.select", lambda *_given: ([], [], []))
    assert not ask("Release?", minutes_left=lambda: next(left))
    assert capsys.readouterr().err == (
        "\rRelease? [y/N] (2 minutes left) \rRelease? [y/N] (1 minute left) "
        "\nno time is left to answer\n"
    )


def test_an_interruption_leaves_the_line_of_the_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(io.StringIO):
        def readline(self, _size: int | None = -1) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        ask("Release?")
    assert capsys.readouterr().err == "\rRelease? [y/N] \n"
