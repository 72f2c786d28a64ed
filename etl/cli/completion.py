"""`pleo-etl completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from etl.cli import talk

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@talk.json_option
@click.pass_context
def command(ctx: click.Context, shell: str, *, as_json: bool) -> None:
    """Print the completion script of a shell.

    \b
    bash:  pleo-etl completion bash > ~/.local/share/bash-completion/completions/pleo-etl
    zsh:   pleo-etl completion zsh > "${fpath[1]}/_pleo-etl"
    fish:  pleo-etl completion fish > ~/.config/fish/completions/pleo-etl.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    completion = kind(ctx.find_root().command, {}, "pleo-etl", "_PLEO_ETL_COMPLETE")
    # Not the class's own source(): bash's starts a shell to look at its version.
    script = ShellComplete.source(completion)
    if as_json:
        talk.give_json({"exit_code": 0, "shell": shell, "script": script})
    else:
        click.echo(script)
