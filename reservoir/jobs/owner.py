"""Who works in a run directory: a file held by a lock, so that a crash leaves no owner behind."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reservoir.checkpoint.provenance import scheduler_job
from reservoir.errors import InUseError

NAME = "owner"


@contextmanager
def owning(directory: Path) -> Iterator[None]:
    """Hold a run directory for the time of the block.

    Raises
    ------
    InUseError
        Another process holds it; the message says which, on which machine.
    OSError
        The file cannot be written.
    """
    path = directory / NAME
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(f"{directory} is in use by {_described(opened)}") from None
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "job": scheduler_job()}
        os.ftruncate(opened, 0)
        os.pwrite(opened, f"{json.dumps(owner)}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(opened)


def _described(opened: int) -> str:
    """The owner in words, as far as the file tells."""
    try:
        owner = json.loads(os.pread(opened, 4096, 0))
        job = f", {owner['job']['scheduler']} job {owner['job']['id']}" if owner["job"] else ""
        return f"process {int(owner['pid'])} on {owner['host']}{job}"
    except (ValueError, KeyError, TypeError):
        return "another process"
