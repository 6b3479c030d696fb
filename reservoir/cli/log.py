"""The log of the program: one line an event on standard error, as text or as JSON."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import click

from reservoir.cli.text import plain

FORMATS = ("text", "json")


class Log:
    """Where lines of the log go.

    Attributes
    ----------
    format : str
        One of `FORMATS`.
    quiet : bool
        Whether only warnings and errors are said.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Go back to plain text and all lines."""
        self.format = "text"
        self.quiet = False

    @property
    def lively(self) -> bool:
        """Whether somebody watches a terminal, so that a progress bar makes sense."""
        return self.format == "text" and not self.quiet and sys.stderr.isatty()

    def info(self, message: str, **fields: Any) -> None:
        """Say what happens; ``fields`` go into JSON alone, the message has them in words."""
        if not self.quiet:
            self._write("info", message, fields)

    def heading(self, text: str) -> None:
        """Say what the columns of the rows that follow are; JSON has names and needs none."""
        if not self.quiet and self.format == "text":
            click.echo(text, err=True)

    def row(self, text: str, **fields: Any) -> None:
        """Say a line of a table, as it stands, or the fields as JSON."""
        if self.quiet:
            return
        if self.format == "text":
            click.echo(text, err=True)
        else:
            self._write("info", f"step {fields['step']}", fields)

    def warning(self, message: str) -> None:
        """Say what the user should know."""
        self._write("warning", message, {})

    def error(self, message: str, code: int) -> None:
        """Say why the program ends with ``code``."""
        self._write("error", message, {"code": code})

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        line = " ".join(message.split())
        if self.format == "json":
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            text = json.dumps({"time": now, "level": level, "message": line, **plain(fields)})
        else:
            text = line if level == "info" else f"{level}: {line}"
        click.echo(text, err=True)


log = Log()
