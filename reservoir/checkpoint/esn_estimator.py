"""The estimator of an echo state network as a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reservoir.checkpoint.checkpoint import Checkpoint
from reservoir.checkpoint.estimator import Shell, document
from reservoir.esn.model import ESN
from reservoir.esn.progress import Progress
from reservoir.esn.ridge import CRITERIA

if TYPE_CHECKING:
    from reservoir.esn.regressor import ESNRegressor


def checkpoint_of(estimator: ESNRegressor, progress: bool | None) -> Checkpoint:
    """What is stored of a fitted estimator."""
    record = estimator.record()
    names = getattr(estimator, "feature_names_in_", ())
    stored = document(
        estimator.get_params(deep=False),
        [str(name) for name in names],
        flat=estimator.flat_,
        incremental=estimator.incremental_,
    )
    wanted = estimator.incremental_ if progress is None else progress
    statistics = estimator.progress_.arrays() if wanted else None
    return Checkpoint(record, estimator=stored, statistics=statistics)


def estimator_of(checkpoint: Checkpoint, stored: Mapping[str, Any]) -> ESNRegressor:
    """The fitted estimator of a checkpoint, from its document."""
    from reservoir.esn.regressor import ESNRegressor

    esn = ESNRegressor(**stored["parameters"])
    esn.model_ = checkpoint.esn
    if checkpoint.statistics is not None:
        esn.progress_ = Progress.from_arrays(checkpoint.statistics)
    esn.n_features_in_ = checkpoint.esn.reservoir.W_in.shape[1]
    if stored["feature_names"]:
        esn.feature_names_in_ = np.array(stored["feature_names"], dtype=object)
    esn.flat_ = stored["flat"]
    esn.incremental_ = stored["incremental"]
    return esn


def around(model: ESN) -> dict[str, Any]:
    """The document of an estimator that would be fitted to this record."""
    reservoir, path, names = model.reservoir, model.ridge_path, model.input_names
    feedback = reservoir.W_fb.shape[1] > 0
    numbered = names == tuple(map(str, range(len(names))))
    parameters = {
        "units": reservoir.units,
        "leak_rate": reservoir.leak_rate,
        "ridge": path.criterion if path.criterion in CRITERIA else float(path.chosen[0]),
        "washout": model.washout,
        "activation": reservoir.activation,
        "feedback": feedback,
        "direct": len(model.readout.weights) > reservoir.units,
        "dtype": str(reservoir.dtype),
        "W": reservoir.W,
        "W_in": reservoir.W_in,
        "W_fb": reservoir.W_fb if feedback else None,
        "bias": reservoir.bias,
    }
    return document(parameters, () if numbered else names)


SHELL = Shell(checkpoint_of, estimator_of)
