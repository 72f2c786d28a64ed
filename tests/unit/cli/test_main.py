"""How the command line behaves whatever the command: help, usage, exit codes, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from etl import __version__
from etl.cli import COMMANDS, main, talk
from etl.errors import HeldElsewhere, Problem, TryLater, UserMustFix

COMMAND = [sys.executable, "-m", "etl.cli"]
HEAVY = ("polars", "pandera", "jinja2", "msgspec", "pydantic", "rich", "yaml", "lxml", "httpx")


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([c, "--help"] for c in COMMANDS)])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom etl.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        f"sys.stderr.write(' '.join(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_short_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert 10 < len(command.get_short_help_str(80)) < 60
    assert "..." not in command.get_short_help_str(80)


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"pleo-etl {__version__}\n"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["conver"], 'there is no command "conver"'),
        (["convert", "--tmplate", "x"], "there is no option --tmplate"),
        (["verify"], "missing argument"),
        (["completion", "ksh"], "'ksh' is not one of"),
        (["convert", "x", "-t", "a", "-m", "b", "-o", "c", "-p", "x"], '"x" is not NAME=VALUE'),
    ],
)
def test_a_wrong_command_line_has_four_parts_and_exit_2(words: list[str], what: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error[CLI-1]: ")
    assert what in result.stderr
    assert "\n  at pleo-etl" in result.stderr
    assert "\n  fix: " in result.stderr
    assert result.stdout == ""


def test_a_wrong_command_line_is_json_too() -> None:
    result = CliRunner().invoke(main, ["conver", "--json"])
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code == 2
    assert document["errors"][0]["code"] == "CLI-1"
    assert 'did you mean "convert"' in document["errors"][0]["fix"]


class Stops:
    """A command that ends in one way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        @click.command("demo")
        @talk.json_option
        def command(as_json: bool) -> None:
            raise error

        from etl.cli import demo

        monkeypatch.setattr(demo, "command", command)


def problems(count: int) -> list[Problem]:
    return [Problem("X-1", f"thing {n} is wrong", f"file:{n}", "mend it") for n in range(count)]


@pytest.mark.parametrize(("kind", "code"), [(UserMustFix, 2), (TryLater, 3), (HeldElsewhere, 4)])
def test_expected_failures_end_with_their_code_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, kind: type[UserMustFix], code: int
) -> None:
    Stops(monkeypatch, kind(problems(1)))
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == code
    assert result.stderr == "error[X-1]: thing 0 is wrong\n  at file:0\n  fix: mend it\n"


def test_the_first_twenty_are_on_screen_and_all_are_in_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Stops(monkeypatch, UserMustFix(problems(23)))
    result = CliRunner().invoke(main, ["demo", "--json"])
    assert result.stderr.count("error[X-1]") == 20
    assert result.stderr.endswith("and 3 more (all are in --json)\n")
    assert len(json.loads(result.stdout)["errors"]) == 23


def test_an_unexpected_failure_shows_its_traceback_and_ends_with_5(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Stops(monkeypatch, ZeroDivisionError("by us"))
    result = CliRunner().invoke(main, ["demo", "--json"])
    assert result.exit_code == 5
    assert "Traceback" in result.stderr
    assert "This is a bug in pleo-etl" in result.stderr
    document = json.loads(result.stdout)
    assert document["exit_code"] == 5
    assert document["errors"] == [
        {
            "code": "CLI-2",
            "what": "ZeroDivisionError: by us",
            "where": "pleo-etl",
            "fix": "report it with the traceback on stderr",
        }
    ]


def test_ctrl_c_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    Stops(monkeypatch, KeyboardInterrupt())
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 128 + signal.SIGINT
    assert "Traceback" not in result.stderr


def test_names_of_strangers_do_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = Problem("X-1", "caf\x1b[2Jé \u202egpj.exe", "a\rb", "x")
    Stops(monkeypatch, UserMustFix(evil))
    result = CliRunner().invoke(main, ["demo"])
    assert not {"\x1b", "\r", "\u202e"} & set(result.stderr)
    assert "é" in result.stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "completion", "bash"], stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_PLEO_ETL_COMPLETE" in result.stdout
    as_json = CliRunner().invoke(main, ["completion", shell, "--json"])
    assert json.loads(as_json.stdout)["script"].strip() == result.stdout.strip()


def test_the_script_completes_commands_and_options() -> None:
    words = {"COMP_WORDS": "pleo-etl conv", "COMP_CWORD": "1"}
    done = subprocess.run(
        COMMAND, env=os.environ | {"_PLEO_ETL_COMPLETE": "bash_complete"} | words,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "plain,convert\n"


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("convert -t dat", ["plain,datev-extf"]),
        ("templates show si", ["plain,sie4"]),
        ("convert -t my-e", ["plain,my-erp"]),
        ("convert -m map", ["file,map"]),
        ("convert it", ["file,it"]),
        ("convert -t ./fold", ["dir,./fold"]),
    ],
)
def test_the_script_completes_templates_and_files(
    tmp_path: Path, words: str, given: list[str]
) -> None:
    own = tmp_path / "templates" / "my-erp"
    own.mkdir(parents=True)
    (own / "template.yaml").touch()
    line = f"pleo-etl {words}"
    shell = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run(
        COMMAND, env=os.environ | {"_PLEO_ETL_COMPLETE": "bash_complete"} | shell,
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.splitlines() == given
