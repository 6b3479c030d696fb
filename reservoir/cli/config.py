"""``reservoir config show``."""

from __future__ import annotations

import copy
import json
from typing import Any

import click
from click.core import ParameterSource

from reservoir.cli.parameters import File, variable
from reservoir.cli.program import SHARED

EPILOG = """\b
Example:
  reservoir config show fit --origin
"""


@click.group("config", no_args_is_help=False)
def config() -> None:
    """Show the options in force."""


@config.command("show", epilog=EPILOG)
@click.argument("command", required=False)
@click.option(
    "--config",
    "job_file",
    type=File(),
    metavar="JOB.TOML",
    help="The job file to take into account.",
)
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.pass_context
def show(ctx: click.Context, command: str | None, job_file: str | None, origin: bool) -> None:
    """Print the options of COMMAND, or of all, as environment, job file and defaults give them.

    What is printed is a job file itself; options without a value are comments.
    """
    root = ctx.find_root()
    group = root.command
    assert isinstance(group, click.Group)
    found = {name: group.get_command(root, name) for name in group.list_commands(root)}
    commands = {n: c for n, c in found.items() if c is not None and not isinstance(c, click.Group)}
    if command is not None and command not in commands:
        raise click.UsageError(f"there is no command {command!r}; there are {', '.join(commands)}")
    shown = commands if command is None else {command: commands[command]}
    for i, (name, each) in enumerate(shown.items()):
        click.echo(("\n" if i else "") + f"[{name}]")
        for line in _lines(name, each, root, job_file, origin):
            click.echo(line)


def _lines(
    name: str, command: click.Command, root: click.Context, job_file: str | None, origin: bool
) -> list[str]:
    """The options of a command as lines of TOML."""
    lenient = copy.copy(command)
    lenient.params = [copy.copy(param) for param in command.params]
    for param in lenient.params:
        param.required = False
    args = [] if job_file is None else ["--config", job_file]
    own = lenient.make_context(name, args, parent=root)
    lines = []
    for param in lenient.params:
        key = str(param.name)
        if key == SHARED[0]:
            continue
        value = own.params[key]
        line = f"# {key} =" if value is None or value == () else f"{key} = {_toml(value)}"
        if origin:
            line = f"{line:<36}  # {_origin(own, param, job_file)}"
        lines.append(line)
    return lines


def _origin(ctx: click.Context, param: click.Parameter, job_file: str | None) -> str:
    source = ctx.get_parameter_source(str(param.name))
    if source is ParameterSource.ENVIRONMENT:
        return f"environment {variable(ctx, param)}"
    if source is ParameterSource.DEFAULT_MAP:
        return str(job_file)
    return "default"


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return repr(value)
