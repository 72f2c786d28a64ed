"""The option -p NAME=VALUE, for every command that renders."""

from __future__ import annotations

import click


def read_parameters(
    _ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Read -p NAME=VALUE options; the template checks names and values."""
    parameters: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name:
            raise click.BadParameter(f'"{text}" is not NAME=VALUE')
        if name in parameters:
            raise click.BadParameter(f'"{name}" is given twice')
        parameters[name] = value
    return parameters


parameter_option = click.option(
    "-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
    callback=read_parameters, help="A parameter of the template; may be repeated.",
)  # fmt: skip
