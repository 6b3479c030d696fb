"""The estimator around a model, as a document of the checkpoint.

The document is written without scikit-learn, so that the command line can write it too; only
making an estimator from one imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reservoir.checkpoint.checkpoint import Checkpoint
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN

ESN_CLASS = "ESNRegressor"

# Class to the module whose SHELL stores it; imported at need, as are the classes themselves.
_HOMES = {
    ESN_CLASS: "reservoir.checkpoint.esn_estimator",
    "RNNClassifier": "reservoir.checkpoint.rnn_estimator",
    "RNNRegressor": "reservoir.checkpoint.rnn_estimator",
}


@dataclass(frozen=True)
class Shell:
    """How a class of estimators becomes a checkpoint, and back.

    Attributes
    ----------
    checkpoint_of
        The checkpoint of a fitted estimator; the second argument says whether the statistics of
        the fit go with it, None leaves that to the class.
    estimator_of
        The estimator of a checkpoint and its document; a KeyError, TypeError or ValueError if the
        document is malformed.
    """

    checkpoint_of: Callable[[Any, bool | None], Checkpoint]
    estimator_of: Callable[[Checkpoint, Mapping[str, Any]], Any]


def shell_of(estimator: object) -> Shell | None:
    """The shell of an estimator's class; None for what is no estimator of the package."""
    for base in type(estimator).__mro__:
        if base.__name__ in _HOMES and base.__module__.startswith("reservoir."):
            return _shell(base.__name__)
    return None


def _shell(name: str) -> Shell:
    shell: Shell = import_module(_HOMES[name]).SHELL
    return shell


def document(
    parameters: Mapping[str, Any],
    feature_names: Sequence[str] = (),
    *,
    kind: str = ESN_CLASS,
    flat: bool = False,
    incremental: bool = False,
    fitted: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is stored of an estimator beside its model.

    Parameters
    ----------
    parameters
        Of its constructor.
    feature_names
        Of the inputs, if they were named.
    kind
        The name of its class.
    flat
        Whether its outputs are one-dimensional.
    incremental
        Whether it was fitted in parts.
    fitted
        What else a class keeps of a fit.
    """
    stored = {
        "class": kind,
        "parameters": dict(parameters),
        "feature_names": list(feature_names),
        "flat": flat,
        "incremental": incremental,
    }
    return stored if fitted is None else stored | {"fitted": dict(fitted)}


def parameters_of(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The constructor parameters in a checkpoint; empty if it holds no estimator."""
    found = (checkpoint.estimator or {}).get("parameters")
    return found if isinstance(found, Mapping) else {}


def time_parallel_of(checkpoint: Checkpoint) -> str:
    """The parameter ``time_parallel`` of a checkpoint, "auto" if it holds none."""
    return str(parameters_of(checkpoint).get("time_parallel", "auto"))


def estimator_of(checkpoint: Checkpoint) -> Any:
    """The estimator of a checkpoint.

    The record of an echo state network alone comes back in an estimator whose parameters are its
    matrices; any other record alone comes back as it is.

    Raises
    ------
    CheckpointError
        If the document is of another class or malformed.
    """
    stored = checkpoint.estimator
    if stored is None:
        if not isinstance(checkpoint.record, ESN):
            return checkpoint.record
        from reservoir.checkpoint.esn_estimator import around

        stored = around(checkpoint.record)
    name = stored.get("class")
    if not isinstance(name, str) or name not in _HOMES:
        raise CheckpointError(f"holds an estimator of unknown class {name!r}")
    try:
        return _shell(name).estimator_of(checkpoint, stored)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"its estimator is malformed: {error}") from None
