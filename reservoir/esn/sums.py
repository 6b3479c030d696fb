"""Rows on their way into moments or triangular factors, in blocks large enough to be fast.

Blocks depend on the order of the rows alone, never on how they were cut when pushed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.errors import DataError
from reservoir.esn.moments import Moments
from reservoir.esn.triangular import Triangular
from reservoir.kernels.panels import PANEL, add_products, centre, pack

Array = NDArray[np.float64]

ROWS = 512  # of a block
PANELS_A_TASK = 4  # they stay in the second-level cache while all others go by
ROWS_A_TASK = 128  # that are packed


class Sums(Protocol):
    """What takes rows and knows what they come to."""

    def push(self, features: tuple[NDArray[Any], ...], targets: Array) -> None:
        """Append rows; ``features`` are arrays side by side of any float type."""

    def total(self) -> Any:
        """All rows since the last ``clear`` as a part of ``Statistics``; None without any."""

    def clear(self) -> None:
        """Forget all rows."""


def _check(finite: bool) -> None:
    if not finite:
        raise DataError(
            "the states of the reservoir are not finite: it diverges; expected a smaller "
            "spectral_radius or input_scaling, or a bounded activation"
        )


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
        """Append rows.

        Raises
        ------
        DataError
            If a feature is not finite.
        """
        done, rows = 0, len(targets)
        while done < rows:
            take = min(rows - done, ROWS - self._filled)
            self._pack([part[done : done + take] for part in features])
            self._targets[self._filled :][:take] = targets[done : done + take]
            self._filled += take
            done += take
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
        _check(bool(np.isfinite(mean).all()))
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
        """Append rows.

        Raises
        ------
        DataError
            If a feature is not finite.
        """
        done, rows = 0, len(targets)
        while done < rows:
            at, take = self._filled, min(rows - done, ROWS - self._filled)
            np.concatenate(
                [part[done : done + take] for part in features],
                axis=1,
                out=self._rows[at : at + take],
            )
            self._targets[at : at + take] = targets[done : done + take]
            self._filled += take
            done += take
            if self._filled == ROWS:
                self._flush()

    def _flush(self) -> None:
        rows = self._rows[: self._filled]
        _check(bool(np.isfinite(rows).all()))
        self._part.add(rows, self._targets[: self._filled])
        self._filled = 0

    def total(self) -> Triangular | None:
        self._flush()
        return self._part if self._part.count else None
