"""The two functions that most users need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reservoir.checkpoint import estimator as estimator_document
from reservoir.checkpoint.checkpoint import Checkpoint
from reservoir.checkpoint.files import read, write
from reservoir.checkpoint.limits import MAX_BYTES
from reservoir.errors import CheckpointError

if TYPE_CHECKING:
    from reservoir.esn.model import ESN
    from reservoir.esn.regressor import ESNRegressor
    from reservoir.rnn.model import Model


def save(
    model: ESNRegressor | ESN | Model | Checkpoint,
    path: str | os.PathLike[str],
    *,
    progress: bool | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Save a model to an HDF5 file.

    The file at `path` is replaced in one step: whatever happens, the old or the new one is there.

    Parameters
    ----------
    model
        A fitted estimator, or the record of a model.
    path
        The file; its directory must exist.
    progress
        Whether an estimator's statistics go with it, so that ``partial_fit`` and ``merge`` can go
        on after loading: one to ``folds`` matrices of N x N. By default if it has been fitted in
        parts.
    provenance
        Entries in place of the gathered ones, for example ``{"seed": 7}``.

    Raises
    ------
    DataError, TypeError, sklearn.exceptions.NotFittedError
        If the model cannot be stored.
    CreateError, OSError
        If the file cannot be created or written.
    """
    if not isinstance(model, Checkpoint):
        shell = estimator_document.shell_of(model)
        model = Checkpoint(model) if shell is None else shell.checkpoint_of(model, progress)
    write(model, path, provenance=provenance)


def load(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Any:
    """Load a model, equal bit for bit to the one that was saved.

    The file may come from a stranger: it cannot run code, read other files or take more memory
    than `max_bytes` and its own size suggest.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Refuse arrays of more bytes than this, 8 GiB if not given.

    Returns
    -------
    estimator or Model
        The estimator that was saved. The record of an echo state network alone, as files of the
        command line may hold it, comes back in an estimator whose parameters are its matrices;
        that of a trained network alone comes back as it is. `reservoir.checkpoint.read` gives the
        bare record of either, without scikit-learn.

    Raises
    ------
    CheckpointError
        If the file is missing, no checkpoint, damaged, too new or malformed.
    """
    checkpoint = read(path, max_bytes=max_bytes)
    try:
        return estimator_document.estimator_of(checkpoint)
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {error}") from None
