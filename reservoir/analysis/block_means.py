"""Means of a long sequence, and their standard errors, from the means of blocks of it."""

from __future__ import annotations

import numpy as np

from reservoir.analysis.tangents import Array

MOST = 64  # blocks: when they are full, neighbours are joined


class BlockMeans:
    """Sums over blocks of steps, in memory that does not grow.

    Parameters
    ----------
    columns : int
        Of the values.
    """

    def __init__(self, columns: int) -> None:
        self._sums: list[Array] = []  # (columns,) each
        self._steps: list[int] = []
        self._length = 1  # steps that a block has at least
        self._columns = columns
        self.steps = 0

    def add(self, sums: Array, steps: int) -> None:
        """Add sums (..., columns) over some steps, of one trajectory or of several."""
        rows = sums.reshape(-1, self._columns)
        total, many = rows.sum(axis=0), steps * len(rows)
        if self._steps and self._steps[-1] < self._length:
            self._sums[-1] = self._sums[-1] + total
            self._steps[-1] += many
        else:
            self._sums.append(total)
            self._steps.append(many)
        self.steps += many
        if len(self._steps) == 2 * MOST and self._steps[-1] >= self._length:
            self._sums = [a + b for a, b in zip(self._sums[::2], self._sums[1::2], strict=True)]
            self._steps = [a + b for a, b in zip(self._steps[::2], self._steps[1::2], strict=True)]
            self._length = max(self._steps)

    def mean(self) -> Array:
        """Over all steps, (columns,)."""
        found: Array = np.sum(self._sums, axis=0) / self.steps
        return found

    def blocks(self) -> Array:
        """The mean of each block, (blocks, columns)."""
        found: Array = np.array(self._sums) / np.array(self._steps)[:, None]
        return found

    def error(self) -> Array:
        """Standard error of the mean, as if blocks were independent; NaN for one block."""
        if len(self._steps) < 2:
            return np.full(self._columns, np.nan)
        weights = np.array(self._steps)[:, None] / self.steps
        deviations = self.blocks() - self.mean()
        share: Array = np.sqrt((weights**2 * deviations**2).sum(axis=0))
        return np.asarray(share * np.sqrt(len(weights) / (len(weights) - 1.0)))
