"""Sums for ``Triangular``: blocks of rows for its factorization."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.sums import ROWS, Array, check_finite, cuts
from reservoir.esn.triangular import Triangular


class TriangularSums:
    """Blocks for the triangular factors."""

    def __init__(self, features: int, targets: int) -> None:
        self._rows = np.empty((ROWS, features))
        self._targets = np.empty((ROWS, targets))
        self.clear()

    def clear(self) -> None:
        self._filled = 0
        self._part = Triangular.empty(self._rows.shape[1], self._targets.shape[1])

    def push(self, features: tuple[NDArray[Any], ...], targets: Array) -> None:
        for at, piece in cuts(self._filled, len(targets)):
            new = targets[piece]
            block = slice(at, at + len(new))
            np.concatenate([part[piece] for part in features], axis=1, out=self._rows[block])
            self._targets[block] = new
            self._filled = at + len(new)
            if self._filled == ROWS:
                self._flush()

    def _flush(self) -> None:
        rows = self._rows[: self._filled]
        check_finite(bool(np.isfinite(rows).all()))
        self._part.add(rows, self._targets[: self._filled])
        self._filled = 0

    def total(self) -> Triangular | None:
        self._flush()
        return self._part if self._part.count else None
