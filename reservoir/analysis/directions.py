"""Orthonormal directions on their way through a path.

They are orthogonalized only when they have to be: between two times their lengths part by less than
1e6 if they go on as before, and by 1e9 at most, or the steps are done again, fewer at a time. So
rounding changes a length by 1e-7 of it at most, and a step costs little more than a product of its
Jacobian with the directions.
"""

from __future__ import annotations

import numpy as np

from reservoir.analysis.tangents import Array, Stretch
from reservoir.errors import DataError
from reservoir.threads import single_blas
from reservoir.weights.orthogonal import semi_orthogonal

AIM = np.log(1e6)  # how far directions may part between two orthogonalizations
MOST = np.log(1e9)  # how far they part without the steps being done again
RANGE = np.log(1e250)  # how far lengths may move: within the range of floats
INTERVAL = 32  # steps between two orthogonalizations at most


class Directions:
    """Some directions, random at first.

    Parameters
    ----------
    count : int
        Number of directions k.
    random_state : int

    Attributes
    ----------
    lost : (k,) bool
        Which have come to nothing.
    """

    def __init__(self, count: int, random_state: int) -> None:
        self._count, self._random_state = count, random_state
        self._Q: Array | None = None  # (..., n, k)
        self._interval = 1
        self.lost = np.zeros(count, bool)

    def push(self, stretch: Stretch, t: int, most: int, done: int) -> tuple[int, Array]:
        """Go through some steps and orthogonalize.

        Parameters
        ----------
        stretch : Stretch
        t : int
            The first step.
        most : int
            The most steps, at least 1.
        done : int
            Number of the first step in the path, for messages.

        Returns
        -------
        int
            How many steps it were.
        ndarray, shape (..., k)
            Logarithms of the growth; 0 of those that are lost.
        """
        if self._Q is None:
            self._Q = self._first(stretch.size)
        steps = min(self._interval, most)
        while True:
            V = self._Q
            with single_blas(), np.errstate(over="ignore", invalid="ignore"):
                for s in range(steps):
                    V = stretch.push(t + s, V)
            if np.isfinite(V).all():
                with single_blas():
                    Q, R = np.linalg.qr(V)
                size = np.abs(np.diagonal(R, axis1=-2, axis2=-1))
                with np.errstate(divide="ignore"):
                    growth = np.log(size)
                apart, change = _apart(growth[..., ~self.lost])
                if steps == 1 or (apart <= MOST and change <= RANGE):
                    break
            elif steps == 1:
                raise DataError(f"the Jacobian of step {done} is not finite, or overflows")
            steps //= 2
        gone = size <= stretch.size * np.finfo(float).eps * np.abs(V).max(axis=-2)
        self.lost |= gone.any(axis=tuple(range(gone.ndim - 1)))
        next_interval = AIM * steps / max(apart, 1e-300)
        self._Q, self._interval = Q, int(np.clip(next_interval, 1, min(2 * steps, INTERVAL)))
        return steps, np.where(self.lost, 0.0, growth)

    def _first(self, n: int) -> Array:
        if self._count > n:
            raise DataError(f"count must be at most {n}, got {self._count}")
        return semi_orthogonal(n, self._count, rng=np.random.default_rng(self._random_state))


def _apart(growth: Array) -> tuple[float, float]:
    """How far the logarithms (..., k) of lengths part at most, and how far they move at most."""
    if growth.size == 0:
        return 0.0, 0.0
    if not np.isfinite(growth).all():
        return np.inf, np.inf
    return float(np.ptp(growth, axis=-1).max()), float(np.abs(growth).max())
