"""Outputs that would take the place of what is read, or of a model."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click

from reservoir.checkpoint.hdf5 import h5py
from reservoir.checkpoint.version import FORMAT
from reservoir.errors import DataError
from reservoir.series.formats import locate


def refuse_overwriting(output: str, read: Iterable[str]) -> None:
    """Refuse an output that is one of the files a command reads.

    Raises
    ------
    click.UsageError
        It is, perhaps under another name.
    """
    for path in read:
        if _same(output, _file(path)):
            raise click.UsageError(f"-o {output} would take the place of {path}, which is read")


def keep_checkpoints(output: str) -> None:
    """Refuse to write something else in place of a checkpoint.

    Raises
    ------
    click.UsageError
        There is one.
    """
    if _holds_checkpoint(output):
        raise click.UsageError(
            f"-o {output} would take the place of a checkpoint; --save writes into that of MODEL"
        )


def _file(path: str) -> str:
    """Without the name inside, if there is one."""
    try:
        return locate(path).path
    except DataError:
        return path


def _same(path: str, other: str) -> bool:
    try:
        return os.path.isfile(path) and os.path.samefile(path, other)
    except OSError:  # whoever reads it says what is wrong
        return False


def _holds_checkpoint(path: str) -> bool:
    """Whether there is a checkpoint at a path, sound or not."""
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("format") in (FORMAT, FORMAT.encode())
    except OSError:  # nothing, or another kind of file
        return False
