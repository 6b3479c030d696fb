"""Sums for ``Moments``: blocks of rows multiplied with themselves, panel by panel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.moments import Moments
from reservoir.esn.sums import ROWS, Array, check_finite, cuts
from reservoir.kernels.panels import PANEL, add_products, centre, pack

PANELS_A_TASK = 4  # they stay in the second-level cache while all others go by
ROWS_A_TASK = 128  # that are packed


class MomentSums:
    """Sums of moments: a block is centred, multiplied with itself panel by panel, and merged.

    Tiles of the product are tasks; each of them is summed in the order of the rows, so the bits do
    not depend on the number of threads. The difference of the means enters as one more row (Chan,
    Golub & LeVeque 1983).
    """

    def __init__(self, features: int, targets: int) -> None:
        panels = -(-features // PANEL)
        self._features = features
        self._z = np.zeros((panels, ROWS + 1, PANEL))
        self._targets = np.empty((ROWS, targets))
        self._products = np.zeros((panels * (panels + 1) // 2, PANEL, PANEL))
        self._cross = np.zeros((panels, PANEL, targets))
        self._tasks = [
            slice(begin, min(begin + PANELS_A_TASK, panels))
            for begin in range(0, panels, PANELS_A_TASK)
        ][::-1]  # the longest first
        self._count = 0
        self.clear()

    def clear(self) -> None:
        if self._count:
            self._products[:] = 0
            self._cross[:] = 0
        self._filled = self._count = 0
        self._mean = np.zeros((len(self._z), PANEL))
        self._target_mean = np.zeros(self._targets.shape[1])
        self._squares = np.zeros(self._targets.shape[1])

    def push(self, features: tuple[NDArray[Any], ...], targets: Array) -> None:
        for at, piece in cuts(self._filled, len(targets)):
            self._pack([part[piece] for part in features])
            new = targets[piece]
            self._targets[at : at + len(new)] = new
            self._filled = at + len(new)
            if self._filled == ROWS:
                self._flush()

    def _pack(self, parts: list[NDArray[Any]]) -> None:
        tasks, column = [], 0
        for part in parts:
            for at in range(0, len(part), ROWS_A_TASK):
                rows = np.ascontiguousarray(part[at : at + ROWS_A_TASK])
                tasks.append(partial(pack, rows, column, self._filled + at, self._z))
            column += part.shape[1]
        threads.run_all(tasks)

    def _flush(self) -> None:
        rows = self._filled
        if rows == 0:
            return
        mean = np.empty_like(self._mean)
        run = [partial(centre, self._z, p.start, p.stop, rows, mean) for p in self._tasks]
        threads.run_all(run)
        check_finite(bool(np.isfinite(mean).all()))
        targets = self._targets[:rows]
        target_mean = targets.mean(axis=0)
        total = self._count + rows
        weight = np.sqrt(self._count * rows / total)
        apart, targets_apart = mean - self._mean, target_mean - self._target_mean
        self._z[:, rows] = weight * apart
        y = np.concatenate([targets - target_mean, weight * targets_apart[np.newaxis]])

        def add(panels: slice) -> None:
            add_products(self._z, panels.start, panels.stop, rows + 1, self._products)
            for p in range(panels.start, panels.stop):
                self._cross[p] += self._z[p, : rows + 1].T @ y

        threads.run_all([partial(add, panels) for panels in self._tasks])
        self._squares += np.einsum("tm,tm->m", y, y)
        self._mean += apart * (rows / total)
        self._target_mean += targets_apart * (rows / total)
        self._count, self._filled = total, 0

    def total(self) -> Moments | None:
        self._flush()
        if self._count == 0:
            return None
        features = self._features
        panels, size = len(self._z), len(self._z) * PANEL
        tiles = np.zeros((panels, PANEL, panels, PANEL))
        left, right = np.tril_indices(panels)
        tiles[right, :, left] = self._products
        gram = tiles.reshape(size, size)
        return Moments(
            self._count,
            self._mean.ravel()[:features].copy(),
            self._target_mean.copy(),
            np.asfortranarray(gram[:features, :features]),
            self._cross.reshape(size, -1)[:features].copy(),
            self._squares.copy(),
        )
