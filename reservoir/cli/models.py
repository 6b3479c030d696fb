"""MODEL on the command line: a checkpoint, or the directory of a run."""

from __future__ import annotations

from pathlib import Path

import click

from reservoir.checkpoint import Checkpoint, read
from reservoir.cli.log import log
from reservoir.errors import CheckpointError
from reservoir.jobs.run_directory import RunDirectory


def open_model(path: str, *, best: bool) -> tuple[str, Checkpoint]:
    """Read a checkpoint; of a run directory the newest that can be read, or the best.

    Returns
    -------
    str
        The file.
    Checkpoint

    Raises
    ------
    CheckpointError
        There is no such file, it is no sound checkpoint, or the directory has none.
    click.UsageError
        The best is asked for and the path is a file.
    """
    if not Path(path).is_dir():
        if best:
            raise click.UsageError(f"--best chooses in the directory of a run; {path} is none")
        return path, read(path)
    directory = RunDirectory(Path(path))
    if best:
        return str(directory.best), read(directory.best)
    found = directory.newest()
    for error in found.bad if found.checkpoint is not None else ():
        log.warning(f"{error}; an older one takes its place")
    if found.checkpoint is None:
        reason = f": {found.bad[0]}" if found.bad else ""
        raise CheckpointError(f"{path} is a directory without a checkpoint of a run{reason}")
    return str(found.path), found.checkpoint
