"""The estimator in a checkpoint, without scikit-learn: written as it would write itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reservoir.checkpoint import Checkpoint
from reservoir.esn.model import ESN


def document(model: ESN, parameters: Mapping[str, Any], seed: int, named: bool) -> dict[str, Any]:
    """What `ESNRegressor.document` would say of this fit, so that `load` gives that estimator."""
    matrices = dict.fromkeys(("W", "W_in", "W_fb", "bias"))
    return {
        "class": "ESNRegressor",
        "parameters": {**parameters, **matrices, "random_state": seed},
        "feature_names": list(model.input_names) if named else [],
        "flat": False,
        "incremental": False,
    }


def parameters(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The parameters of the estimator in a checkpoint; empty if there is none."""
    found = (checkpoint.estimator or {}).get("parameters")
    return found if isinstance(found, Mapping) else {}
