"""An engine for recurrent networks on CPUs: fixed and trained ones, their files, their program.

Names are loaded when they are first used, so that the command line does not pay for
scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reservoir.checkpoint import load, save
    from reservoir.esn.regressor import ESNRegressor
    from reservoir.rnn.estimators.classifier import RNNClassifier
    from reservoir.rnn.estimators.regressor import RNNRegressor

__all__ = ["ESNRegressor", "RNNClassifier", "RNNRegressor", "__version__", "load", "save"]

_HOMES = {
    "ESNRegressor": "reservoir.esn.regressor",
    "RNNClassifier": "reservoir.rnn.estimators.classifier",
    "RNNRegressor": "reservoir.rnn.estimators.regressor",
    "load": "reservoir.checkpoint",
    "save": "reservoir.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("reservoir-hfopt")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'reservoir' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
