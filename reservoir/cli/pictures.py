"""``--plot``: what to check before the work, and writing the picture after it."""

from __future__ import annotations

import logging
from importlib.util import find_spec

import click

from reservoir.series.atomic import check_creatable, write_atomically


def check(path: str) -> None:
    """Refuse a picture that could not be drawn or written, before any work is done.

    Raises
    ------
    click.ClickException
        Matplotlib is not installed.
    CreateError
        The file cannot be created.
    """
    if find_spec("matplotlib") is None:
        raise click.ClickException("--plot needs Matplotlib: pip install 'reservoir-hfopt[plot]'")
    # It complains of a read-only home, and draws all the same.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    check_creatable(path)


def write(path: str, png: bytes) -> None:
    """Write a picture, whole or not at all."""
    write_atomically(path, png)
