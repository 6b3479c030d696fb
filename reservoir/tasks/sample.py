"""Sequences drawn from a task, as a network takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
    """Some sequences with their targets: ``network.batch(**sample.arguments())``.

    Attributes
    ----------
    inputs : list of (T_i, K)
    targets : array (B, M) or labels (B,) if ``at`` is "last"; list of labels (T_i,) if "every"
    at : {"last", "every"}
        Whether a target belongs to the last step or to each one.
    weights : list of (T_i,), or None
        0 for a step that is not scored, else 1; None if all targets count.
    """

    inputs: list[Array]
    targets: Any
    at: str
    weights: list[Array] | None = None

    def __len__(self) -> int:
        """Number of sequences B."""
        return len(self.inputs)

    def __getitem__(self, chosen: slice | Array) -> Sample:
        """Some of the sequences, by a slice or an array of numbers: views, not copies."""
        numbers = np.arange(len(self))[chosen]
        if numbers.ndim != 1:
            raise TypeError("a sample is cut by a slice or an array of numbers, not by one number")

        def some(items: Any) -> Any:
            return [items[i] for i in numbers] if isinstance(items, list) else items[chosen]

        weights = None if self.weights is None else some(self.weights)
        return Sample(some(self.inputs), some(self.targets), self.at, weights)

    def __repr__(self) -> str:
        least, most = int(self.lengths.min()), int(self.lengths.max())
        steps = f"{least}" if least == most else f"{least} to {most}"
        return f"<Sample of {len(self)} sequences of {steps} steps, targets at {self.at}>"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps T_i of each sequence, (B,)."""
        return np.array([len(one) for one in self.inputs], np.int64)

    def arguments(self) -> dict[str, Any]:
        """What `reservoir.rnn.Network.batch` is called with."""
        return {
            "inputs": self.inputs,
            "targets": self.targets,
            "at": self.at,
            "weights": self.weights,
        }


def last_step(inputs: Array, lengths: Array, targets: Array) -> Sample:
    """A sample whose sequences, of any lengths, lie padded in ``inputs`` (B, T, K)."""
    series = [one[:n] for one, n in zip(inputs, lengths.tolist(), strict=True)]
    return Sample(series, targets, "last")


def every_step(inputs: Array, labels: Array, scored: Array | None = None) -> Sample:
    """A sample of equally long sequences (B, T, K), labels (B, T), and which of them count."""
    weights = None if scored is None else list(scored.astype(np.float64))
    return Sample(list(inputs), list(labels), "every", weights)
