"""The two functions that most users need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reservoir.checkpoint import estimator as estimator_document
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
        model = _checkpoint_of(model, progress)
    write(model, path, provenance=provenance)


def _checkpoint_of(estimator: ESNRegressor, progress: bool | None) -> Checkpoint:
    record = estimator.record()
    names = getattr(estimator, "feature_names_in_", ())
    document = estimator_document.document(
        estimator.get_params(deep=False),
        [str(name) for name in names],
        flat=estimator.flat_,
        incremental=estimator.incremental_,
    )
    wanted = estimator.incremental_ if progress is None else progress
    statistics = estimator.progress_.arrays() if wanted else None
    return Checkpoint(record, estimator=document, statistics=statistics)


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
    checkpoint = read(path, max_bytes=max_bytes)
    try:
        return estimator_document.estimator_of(checkpoint)
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {error}") from None
