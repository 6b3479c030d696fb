"""What a harvest hands on: states of some steps, and whether they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """Equally many consecutive steps from one or more places of a series, one after the other."""

    series: int
    starts: NDArray[np.int64]  # (n,) first step of each piece, ascending
    inputs: NDArray[Any]  # (n * length, K) scaled
    states: NDArray[Any]  # (n * length, N)
    settled: bool = True  # else a verdict is to come

    @property
    def length(self) -> int:
        """Steps of each piece."""
        return len(self.states) // len(self.starts)

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """First step and rows of each piece."""
        for i, start in enumerate(self.starts):
            yield int(start), slice(i * self.length, (i + 1) * self.length)

    def steps(self) -> NDArray[np.int64]:
        """The step of each row."""
        return np.asarray((self.starts[:, np.newaxis] + np.arange(self.length)).ravel())


@dataclass(frozen=True)
class Verdict:
    """On all blocks since the last verdict: they stand, or are void and will come again.

    Settled blocks stand; of one series they come in order.
    """

    stands: bool
