"""The commands of the program, as Click knows them, and their table in README.md."""

from __future__ import annotations

from collections.abc import Iterator

import click

from etl.cli import main

PROGRAM = "pleo-etl"
#: Every command has these; they need no explanation of their own.
EVERYWHERE = {"-h", "--help", "--json"}
#: The table of README.md stands between these two lines, where README.md has them.
BEGIN = "<!-- commands, made by: python -m tests.docs --write -->\n"
END = "<!-- end of commands -->\n"


def below(group: click.Group) -> dict[str, click.Command]:
    """Give the commands of a group by name; they are loaded when they are asked for."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command and not command.hidden}


def commands_of(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command that does something."""
    if isinstance(command, click.Group):
        for name, inner in below(command).items():
            yield from commands_of(inner, (*path, name))
    else:
        yield path


def command_at(path: tuple[str, ...]) -> click.Command:
    """Give the command of some words."""
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        found = below(found)[name]
    return found


def options_of(command: click.Command) -> list[click.Option]:
    """Give the options of a command that are shown, but for those that all have."""
    return [
        parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and not parameter.hidden
        and not EVERYWHERE & set(parameter.opts)
    ]


def spellings(option: click.Option) -> set[str]:
    return {*option.opts, *option.secondary_opts}


def render_commands() -> str:
    """Give the table of all commands: how they are called, what they do, their options."""
    lines = ["| Command | Does | Options |", "|---|---|---|"]
    for path in commands_of(main):
        command = command_at(path)
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        context = click.Context(command)
        usage = " ".join([*path, *(argument.make_metavar(context) for argument in arguments)])
        options = "; ".join(_told(option) for option in options_of(command))
        does = (command.help or "").strip().split("\n\n")[0].replace("\n", " ").rstrip(".")
        lines.append(f"| `{_cell(usage)}` | {_cell(does)} | {_cell(options)} |")
    return "\n".join(lines) + "\n"


def renewed(text: str) -> str:
    """Give README.md with a table that says what the program can do now."""
    before, found, rest = text.partition(BEGIN)
    if not found:
        return text
    return f"{before}{BEGIN}{render_commands()}{END}{rest.partition(END)[2]}"


def _told(option: click.Option) -> str:
    return f"`{' '.join(option.opts)}` {(option.help or '').rstrip('.')}"


def _cell(text: str) -> str:
    return text.replace("\b", "").replace("|", "\\|")
