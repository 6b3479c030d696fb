"""The estimator around a model, as a document of the checkpoint.

The document is written without scikit-learn, so that the command line can write it too; only
making an estimator from one imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reservoir.checkpoint.checkpoint import Checkpoint
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN
from reservoir.esn.progress import Progress
from reservoir.esn.ridge import CRITERIA

if TYPE_CHECKING:
    from reservoir.esn.regressor import ESNRegressor

CLASS = "ESNRegressor"


def document(
    parameters: Mapping[str, Any],
    feature_names: Sequence[str] = (),
    *,
    flat: bool = False,
    incremental: bool = False,
) -> dict[str, Any]:
    """What is stored of an estimator beside its model.

    Parameters
    ----------
    parameters
        Of its constructor.
    feature_names
        Of the inputs, if they were named.
    flat
        Whether its outputs are one-dimensional.
    incremental
        Whether it was fitted in parts.
    """
    return {
        "class": CLASS,
        "parameters": dict(parameters),
        "feature_names": list(feature_names),
        "flat": flat,
        "incremental": incremental,
    }


def parameters_of(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The constructor parameters in a checkpoint; empty if it holds no estimator."""
    found = (checkpoint.estimator or {}).get("parameters")
    return found if isinstance(found, Mapping) else {}


def time_parallel_of(checkpoint: Checkpoint) -> str:
    """The parameter ``time_parallel`` of a checkpoint, "auto" if it holds none."""
    return str(parameters_of(checkpoint).get("time_parallel", "auto"))


def estimator_of(checkpoint: Checkpoint) -> ESNRegressor:
    """The estimator of a checkpoint.

    A record alone comes back in an estimator whose parameters are its matrices.

    Raises
    ------
    CheckpointError
        If the document is of another class or malformed.
    """
    stored = checkpoint.estimator
    if stored is None:
        stored = _around(checkpoint.record)
    elif stored.get("class") != CLASS:
        raise CheckpointError(f"holds an estimator of unknown class {stored.get('class')!r}")
    try:
        return _made(stored, checkpoint)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"its estimator is malformed: {error}") from None


def _made(stored: Mapping[str, Any], checkpoint: Checkpoint) -> ESNRegressor:
    from reservoir.esn.regressor import ESNRegressor

    esn = ESNRegressor(**stored["parameters"])
    esn.model_ = checkpoint.record
    if checkpoint.statistics is not None:
        esn.progress_ = Progress.from_arrays(checkpoint.statistics)
    esn.n_features_in_ = checkpoint.record.reservoir.W_in.shape[1]
    if stored["feature_names"]:
        esn.feature_names_in_ = np.array(stored["feature_names"], dtype=object)
    esn.flat_ = stored["flat"]
    esn.incremental_ = stored["incremental"]
    return esn


def _around(model: ESN) -> dict[str, Any]:
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
