"""The program as a click group: commands loaded when they are needed, failures in one line."""

from __future__ import annotations

import difflib
import keyword
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from reservoir import threads
from reservoir.cli import failures
from reservoir.cli.job_file import use_job_file
from reservoir.cli.log import FORMATS, log
from reservoir.cli.parameters import File
from reservoir.errors import DenseFallbackWarning, IllConditionedWarning


class Program(click.Group):
    """A group whose commands are modules of one folder, imported when they are asked for.

    Parameters
    ----------
    commands_in : str
        The package with the modules; each holds a command of its own name.
    names : sequence of str
        The commands, in the order of the help.
    """

    def __init__(self, *args: Any, commands_in: str, names: Sequence[str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._package = commands_in
        self._names = list(names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._names:
            return None
        # no module can be called as a keyword is
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f"{self._package}.{name}"), name)
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit; every failure is one line and one of the exit codes of `failures`."""
        log.reset()
        with warnings.catch_warnings():
            for category in (IllConditionedWarning, DenseFallbackWarning):
                warnings.simplefilter("always", category)
            warnings.showwarning = _log_warning
            try:
                code = super().main(
                    args, prog_name or self.name, complete_var, standalone_mode=False, **extra
                )
                sys.stdout.flush()
            except Exception as error:
                code = failures.report(error)
                failures.give_up_output()
        sys.exit(code)


def _log_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    log.warning(str(message))


class Command(click.Command):
    """A command with the options that all of them share, and headings in its help.

    Parameters
    ----------
    sections : mapping of str to sequence of click.Option
        Options under headings of their own; those of decorators come before the shared ones.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, Sequence[click.Option]] | None = None, **extra: Any
    ) -> None:
        super().__init__(*args, **extra)
        self._sections = dict(sections or {})
        for options in self._sections.values():
            self.params.extend(options)
        self.params.extend(_shared_options())

    def invoke(self, ctx: click.Context) -> Any:
        for name in SHARED:
            ctx.params.pop(name, None)
        _check_environment(ctx, self)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headed = [option for options in self._sections.values() for option in options]
        others = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        sections = self._sections | {"Options": [o for o in others if o not in headed]}
        for title, options in sections.items():
            records = [option.get_help_record(ctx) for option in options]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record is not None])


SHARED = ("config", "log_format", "quiet")


def _shared_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"],
            type=File(),
            metavar="JOB.TOML",
            is_eager=True,
            callback=use_job_file,
            help="Take options from the table of this command in a TOML file.",
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(FORMATS),
            default="text",
            is_eager=True,
            callback=_set_log_format,
            envvar="RESERVOIR_LOG_FORMAT",
            help="Form of the log on standard error.",
        ),
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            is_eager=True,
            callback=_set_quiet,
            help="Say nothing but warnings and errors.",
        ),
    ]


def _set_log_format(ctx: click.Context, param: click.Parameter, value: str) -> str:
    log.format = value
    return value


def _set_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    log.quiet = value
    return value


def _check_environment(ctx: click.Context, command: click.Command) -> None:
    """Refuse a number of threads that is none, and warn of variables that name no option."""
    try:
        threads.count()
    except ValueError as error:
        raise click.UsageError(str(error), ctx) from None
    prefix = f"{ctx.auto_envvar_prefix}_"
    known = [f"{prefix}{param.name}".upper() for param in command.params]
    for name in sorted(os.environ):
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            log.warning(f"the variable {name} is set, but {command.name} has no such option{hint}")
