"""The two functions that most users need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from reservoir.checkpoint.checkpoint import Checkpoint, read, write
from reservoir.checkpoint.limits import MAX_BYTES
from reservoir.esn.model import ESN


def save(
    model: ESN | Checkpoint,
    path: str | os.PathLike[str],
    *,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Save a model to an HDF5 file.

    The file at `path` is replaced in one step: whatever happens, the old or the new one is there.

    Parameters
    ----------
    model
        What to save.
    path
        The file; its directory must exist.
    provenance
        Entries in place of the gathered ones, for example ``{"seed": 7}``.

    Raises
    ------
    DataError, TypeError
        If the model cannot be stored.
    CreateError, OSError
        If the file cannot be created or written.
    """
    checkpoint = model if isinstance(model, Checkpoint) else Checkpoint(model)
    write(checkpoint, path, provenance=provenance)


def load(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> ESN:
    """Load a model, equal bit for bit to the one that was saved.

    The file may come from a stranger: it cannot run code, read other files or take more memory
    than `max_bytes` and its own size suggest.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Refuse arrays of more bytes than this, 8 GiB if not given.

    Raises
    ------
    CheckpointError
        If the file is missing, no checkpoint, damaged, too new or malformed.
    """
    return read(path, max_bytes=max_bytes).record
