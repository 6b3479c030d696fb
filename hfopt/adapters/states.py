"""The states of a network in another framework, and what structural damping does to them.

A network gives them by kind: pre-activations of tanh or of logistic units (those of gates
included), on which the curvature of the matching distance acts (1 - tanh^2 and p (1 - p)), hidden
states h, and cell states c, on which squared distances act. Martens and Sutskever (2011),
"Learning recurrent neural networks with Hessian-free optimization", ICML, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hfopt.arguments import one_of
from hfopt.losses import LogisticCrossEntropy
from hfopt.problem import Structural

Floats = NDArray[np.floating]
States = Mapping[str, Floats]

# kind: which coefficient of `Structural` it takes
KINDS = {"tanh": "preactivations", "logistic": "preactivations", "h": "h", "c": "c"}


class Places:
    """Where each kind lies in the vector of all states."""

    def __init__(self, states: States) -> None:
        for kind in states:
            one_of("kind of states", kind, KINDS)
        self._sizes = {kind: states[kind].size for kind in KINDS if kind in states}
        self.size = sum(self._sizes.values())

    def joined(self, states: States) -> Floats:
        """One vector (S,)."""
        if not self._sizes:
            return np.zeros(0)
        return np.concatenate([states[kind] for kind in self._sizes])

    def parted(self, vector: Floats) -> dict[str, Floats]:
        """Its parts by kind."""
        ends = np.cumsum(list(self._sizes.values()))[:-1]
        return dict(zip(self._sizes, np.split(vector, ends), strict=True)) if self._sizes else {}

    def curvature(self, states: States, structural: Structural, vector: Floats) -> Floats:
        """Multiply a vector (S,) by coefficients, pre-activations by their slopes too.

        Raises
        ------
        ValueError
            A coefficient above 0 belongs to no kind that there is.
        """
        for name, coefficient in structural._asdict().items():
            kinds = [kind for kind, owner in KINDS.items() if owner == name]
            if coefficient > 0.0 and not any(kind in self._sizes for kind in kinds):
                raise ValueError(
                    f"structural damping acts on {name}, and the network gives no such states; it "
                    f"must give (outputs, states) with the kind {' or '.join(map(repr, kinds))}"
                )
        return self.joined(
            {
                kind: getattr(structural, KINDS[kind]) * _slope(kind, states[kind]) * part
                for kind, part in self.parted(vector).items()
            }
        )


def _slope(kind: str, states: Floats) -> Floats | float:
    if kind == "tanh":
        slope: Floats = 1.0 - np.tanh(states) ** 2
        return slope
    if kind == "logistic":
        return LogisticCrossEntropy().curvature(
            LogisticCrossEntropy().mean(states), np.ones_like(states)
        )
    return 1.0
