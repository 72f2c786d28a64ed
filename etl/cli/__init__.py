"""The command line. Commands are found by name and loaded when they are called.

Data goes to stdout, talk to stderr. Exit codes: 0 all good, 1 some items rejected, 2 the user
must fix something, 3 try again later, 4 held elsewhere, 5 our bug; 130, 141 and 143 are a shell's
own numbers for a command that was interrupted, whose reader went away, or that was told to end.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from etl import __version__
from etl.cli import talk
from etl.cli.interrupting import (
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    Terminated,
    ends_when_told,
)
from etl.errors import EXIT_BUG, EXIT_GOOD, EXIT_USER, EtlError, Problem

EXIT_READER_GONE = 141

# Polars' allocator keeps what it frees unless it is told before it loads; a variable that the user
# has set stays. On systems where Polars has another allocator nothing happens.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2")

#: Every command, in the order of the help; each is a module of this package.
COMMANDS = (
    "demo", "init", "login", "logout", "check", "run", "review", "release", "imported", "status",
    "jobs", "history", "discard", "settle", "withdraw", "reverse", "adopt", "ledger", "convert",
    "verify", "explain", "diff", "simulate", "templates", "mappings", "sandbox", "completion",
)  # fmt: skip


class _Commands(click.Group):
    """Loads a command's module when the command is named, and ends with our exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"etl.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.NoSuchOption(name, f'there is no command "{name}"', _near(name), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(_forget_reader()) from None
        except KeyboardInterrupt:
            talk.say("interrupted")
            raise click.exceptions.Exit(EXIT_INTERRUPTED) from None

    def main(self, args: Any = None, *given: Any, **named: Any) -> Any:
        """Run a command; show what went wrong in four parts; end with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        named |= {"prog_name": "pleo-etl", "standalone_mode": False}
        run = partial(super().main, words, *given, **named)
        with ends_when_told():
            code = _run(run, as_json="--json" in words)
        sys.exit(code)


def _run(run: Callable[[], Any], *, as_json: bool) -> int:
    try:
        code = run()
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except Terminated:
        talk.say("ended because the system asked for it")
        return EXIT_TERMINATED
    except click.exceptions.NoArgsIsHelpError as error:
        talk.say(error.format_message())
        return EXIT_USER
    except click.ClickException as error:
        return _stop([_usage_problem(error)], EXIT_USER, as_json=as_json)
    except EtlError as error:
        return _stop(error.problems, error.exit_code, as_json=as_json)
    except BrokenPipeError:
        return _forget_reader()
    except Exception as error:
        return _our_bug(error, as_json=as_json)
    return code if isinstance(code, int) else EXIT_GOOD


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", count=True, help="Say what happens; -vv says more.")
@click.version_option(__version__, prog_name="pleo-etl", message="%(prog)s %(version)s")
def main(verbose: int) -> None:
    """Turn Pleo export items into proved import files for an ERP without an API.

    \b
    Try it without an account:
        pleo-etl demo
    From Pleo to your books, each export:
        pleo-etl run        fetch it, make the files
        pleo-etl review     look at them
        pleo-etl release    put them out, and report to Pleo
    How things stand, and what to do next:
        pleo-etl status
    Convert a file of items, without Pleo:
        pleo-etl convert items.json -t TEMPLATE -m MAPPING -o DIR
    """
    if verbose:
        from etl.log import set_verbosity

        set_verbosity(verbose)


def _stop(problems: Sequence[Problem], code: int, *, as_json: bool) -> int:
    talk.show_problems(problems)
    if as_json:
        talk.give_json({"exit_code": code, "errors": [talk.as_dict(p) for p in problems]})
    return code


def _our_bug(error: Exception, *, as_json: bool) -> int:
    problem = talk.show_bug(error)
    if as_json:
        talk.give_json({"exit_code": EXIT_BUG, "errors": [talk.as_dict(problem)]})
    return EXIT_BUG


def _usage_problem(error: click.ClickException) -> Problem:
    context = getattr(error, "ctx", None)
    name = context.command_path if context else "pleo-etl"
    near = getattr(error, "possibilities", None)
    message = getattr(error, "message", "")
    if isinstance(error, click.NoSuchOption) and error.option_name.startswith("-"):
        message = f"there is no option {error.option_name}"
    elif isinstance(error, click.MissingParameter) or not message:
        message = error.format_message()
    message = " ".join(message.split())
    what = f"{message[:1].lower()}{message[1:]}".rstrip(".")
    hint = f'did you mean "{sorted(near)[0]}"? ' if near else ""
    return Problem("CLI-1", what, name, f"{hint}`{name} --help` shows what is possible")


def _near(name: str) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)


def _forget_reader() -> int:
    """Let Python end quietly though nobody reads its output any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_READER_GONE
