"""The two functions that most users need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reservoir.checkpoint.checkpoint import Checkpoint, read, write
from reservoir.checkpoint.limits import MAX_BYTES
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN

if TYPE_CHECKING:
    from reservoir.esn.regressor import ESNRegressor


def save(
    model: ESNRegressor | ESN | Checkpoint,
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
    if isinstance(model, ESN):
        model = Checkpoint(model)
    if not isinstance(model, Checkpoint):
        document = model.document()
        wanted = document["incremental"] if progress is None else progress
        statistics = model.progress_.arrays() if wanted else None
        model = Checkpoint(model.model_, estimator=document, statistics=statistics)
    write(model, path, provenance=provenance)


def load(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> ESNRegressor:
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
    ESNRegressor
        The estimator that was saved. Files of the command line hold a record alone; it comes back
        in an estimator whose parameters are its matrices. `reservoir.checkpoint.read` gives the
        bare record, without scikit-learn.

    Raises
    ------
    CheckpointError
        If the file is missing, no checkpoint, damaged, too new or malformed.
    """
    from reservoir.esn.progress import Progress
    from reservoir.esn.regressor import ESNRegressor

    checkpoint = read(path, max_bytes=max_bytes)
    if checkpoint.estimator is None:
        return ESNRegressor.from_model(checkpoint.record)
    found = checkpoint.estimator.get("class")
    if found != ESNRegressor.__name__:
        raise CheckpointError(f"{os.fspath(path)}: holds an estimator of unknown class {found!r}")
    try:
        statistics = checkpoint.statistics
        progress = None if statistics is None else Progress.from_arrays(statistics)
        return ESNRegressor.from_document(checkpoint.estimator, checkpoint.record, progress)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{os.fspath(path)}: its estimator is malformed: {error}") from None
