"""The record of a trained network: what its numbers mean, and everything a prediction needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.rnn.batch import Batch
from reservoir.rnn.network import Network
from reservoir.rnn.padded import Array
from reservoir.rnn.parameters import Flat
from reservoir.rnn.state import State
from reservoir.series.collection import collect
from reservoir.series.scaler import Scaler

AT = ("every", "last")


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its parameters, and how data become its inputs and targets.

    Attributes
    ----------
    network : Network
    theta : ndarray, shape (P,)
    input_scaler : Scaler
        Of K columns.
    target_scaler : Scaler
        Of M columns; it changes nothing unless the loss is the squared error.
    at : {"every", "last"}
        Whether a target belongs to each step or to the last one of a sequence.
    input_names : tuple of str
        Of K columns; empty if they have none.
    target_names : tuple of str
        Of M columns; empty if they have none, or if the targets are labels.
    classes : ndarray, shape (M,) or (2,), or None
        The labels, numbers, booleans or strings, in the order of the outputs, for the softmax
        cross-entropy; the two of a logistic output that tells labels; None for other targets.
    """

    network: Network
    theta: Flat
    input_scaler: Scaler
    target_scaler: Scaler
    at: str
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    classes: NDArray[Any] | None = None

    def batch(self, inputs: Any, targets: Any, weights: Any = None) -> Batch:
        """Sequences in raw units as a batch of the network.

        Parameters
        ----------
        inputs, targets, weights
            As `Network.batch` takes them; labels as numbers from 0, the places in ``classes``.

        Raises
        ------
        DataError
            As `Network.batch`.
        """
        if self.network.loss == "squared_error":
            targets = self._scaled_targets(targets)
        return self.network.batch(self._scaled(inputs), targets, at=self.at, weights=weights)

    def outputs(self, inputs: Any, state: Any = None) -> tuple[list[Array], State]:
        """Linear outputs (T_i, M) of each step of each sequence, and the final state."""
        return self.network.predict(self.theta, self._scaled(inputs), state)

    def predict(self, inputs: Any) -> list[Array]:
        """Outputs (T_i, M) of each step, in the units of the targets; probabilities of classes."""
        found, _ = self.outputs(inputs)
        if self.network.loss == "squared_error":
            return [self.target_scaler.raw(one) for one in found]
        return [self.network.matching_loss.mean(one) for one in found]

    def states(self, inputs: Any) -> list[Array]:
        """Hidden states (T_i, N) of the last layer at each step."""
        return self.network.states(self.theta, self._scaled(inputs))

    def _scaled(self, inputs: Any) -> list[Array]:
        collected, dtype = collect(inputs, "inputs"), self.network.dtype
        return [
            self.input_scaler.scaled(collected.read(i, 0, steps), dtype)
            for i, steps in enumerate(collected.lengths)
        ]

    def _scaled_targets(self, targets: Any) -> Any:
        if self.at == "last":
            return self.target_scaler.scaled(np.asarray(targets), np.float64)
        # NaN, of a step that is not scored, stays
        return [self.target_scaler.scaled(np.asarray(one), np.float64) for one in targets]
