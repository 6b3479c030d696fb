"""Conjugate gradients for the quadratic model of Hessian-free optimization.

Hestenes and Stiefel (1952), "Methods of conjugate gradients for solving linear systems", J. Res.
Nat. Bur. Standards 49:409, with the stop and the stored iterates of Martens (2010), "Deep learning
via Hessian-free optimization", ICML, sections 4.4 and 4.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt.arguments import nonnegative, whole
from hfopt.endings import Named
from hfopt.vectors import Vector, dot, norm, quiet

FIRST, FACTOR = 5.0, 1.3  # iterates are stored at ceil(FIRST * FACTOR^j)
GAP, GAP_RATIO = 10, 0.1  # progress is seen over max(GAP, ceil(GAP_RATIO i)) steps


class Ending(Named):
    """Why conjugate gradients stopped."""

    PROGRESS = 0, "the relative progress of the model fell below its bound"
    RESIDUAL = 1, "the residual is within its tolerance"
    MAX_STEPS = 2, "the greatest number of steps is reached"
    NONPOSITIVE_CURVATURE = 3, "a direction of nonpositive curvature was met"
    NOT_FINITE = 4, "a product or a sum is not finite"
    MONITOR = 5, "the monitor of stored iterates stopped it"


class Solution(NamedTuple):
    """What conjugate gradients found; the iterates themselves are in the workspace.

    Attributes
    ----------
    ending : Ending
    steps : int
        Steps whose result is finite.
    products : int
        With the matrix, that of the first residual included.
    stored : int
        How many iterates the workspace holds; 0 if no step could be taken from 0.
    """

    ending: Ending
    steps: int
    products: int
    stored: int


class Workspace:
    """All memory that conjugate gradients need, for systems of one size.

    Parameters
    ----------
    size : int
        The length P of vectors.
    max_steps : int

    Attributes
    ----------
    x, r, z, p, scratch : ndarray, shape (P,)
        The iterate, its residual b - A x, the preconditioned residual, the direction.
    iterates : ndarray, shape (K + 1, P)
        Those stored at `stored_steps`, and the last. Memory is touched as it is filled.
    at : ndarray, shape (K + 1,)
        The steps at which they were stored.
    models : ndarray, shape (max_steps + 1,)
        The quadratic model 1/2 x' A x - b' x of every iterate; ``models[at[j]]`` is that of
        ``iterates[j]``.
    """

    def __init__(self, size: int, max_steps: int) -> None:
        self.schedule = stored_steps(max_steps)
        self.x, self.r, self.z, self.p, self.scratch = np.zeros((5, size))
        self.iterates = np.empty((len(self.schedule) + 1, size))
        self.at: NDArray[np.intp] = np.zeros(len(self.schedule) + 1, np.intp)
        self.models = np.zeros(max_steps + 1)

    def store(self, slot: int, step: int) -> None:
        """Keep the iterate."""
        self.iterates[slot] = self.x
        self.at[slot] = step

    @quiet
    def begin(self, b: Vector, image: Vector | None, diagonal: Vector | None) -> float:
        """First residual, ``image`` being A x or None for x = 0, and direction; returns r'z."""
        if image is None:
            self.r[:] = b
        else:
            np.subtract(b, image, out=self.r)
        self._precondition(diagonal)
        self.p[:] = self.z if diagonal is not None else self.r
        return dot(self.r, self.p)

    @quiet
    def advance(self, rate: float, image: Vector, diagonal: Vector | None) -> float:
        """Move along p, whose ``image`` is A p; returns r'z."""
        np.multiply(self.p, rate, out=self.scratch)
        self.x += self.scratch
        np.multiply(image, rate, out=self.scratch)
        self.r -= self.scratch
        self._precondition(diagonal)
        return dot(self.r, self.z if diagonal is not None else self.r)

    @quiet
    def turn(self, factor: float, diagonal: Vector | None) -> None:
        """The next direction, z + factor p."""
        self.p *= factor
        self.p += self.z if diagonal is not None else self.r

    def model(self, b: Vector) -> float:
        """The quadratic model at x, -1/2 x'(r + b), free of a product."""
        return -0.5 * (dot(self.x, self.r) + dot(self.x, b))

    def _precondition(self, diagonal: Vector | None) -> None:
        if diagonal is not None:
            np.divide(self.r, diagonal, out=self.z)


def stored_steps(max_steps: int) -> list[int]:
    """The steps ceil(5 1.3^j) below ``max_steps``."""
    found, at = [], FIRST
    while math.ceil(at) < max_steps:
        found.append(math.ceil(at))
        at *= FACTOR
    return found


@dataclass(frozen=True)
class ConjugateGradient:
    """Options of `solve`.

    Parameters
    ----------
    max_steps : int
        250 to 300 in the published runs.
    tolerance : float
        Stop after step i when the model fell over the last k = max(10, ceil(0.1 i)) steps by less
        than ``k * tolerance`` of itself, i > k and the model being negative.
    residual_tolerance : float
        Stop when |b - A x| is at most that times |b|. 0 waits for an exact zero.
    """

    max_steps: int = 300
    tolerance: float = 5e-4
    residual_tolerance: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        whole("max_steps", self.max_steps, least=1)
        nonnegative("tolerance", self.tolerance)
        nonnegative("residual_tolerance", self.residual_tolerance)

    def workspace(self, size: int) -> Workspace:
        """Memory for systems of ``size`` unknowns."""
        return Workspace(size, self.max_steps)

    def solve(
        self,
        operator: LinearOperator,
        b: Vector,
        workspace: Workspace,
        *,
        start: Vector | None = None,
        diagonal: Vector | None = None,
        monitor: Callable[[int], bool] | None = None,
    ) -> Solution:
        """Minimize 1/2 x' A x - b' x.

        Parameters
        ----------
        operator : LinearOperator, (P, P)
            A, symmetric. Its result is read before the next product is asked for.
        b : ndarray, shape (P,)
        workspace : Workspace
            Holds the iterates afterwards. Nothing else is allocated.
        start : ndarray, shape (P,), optional
            The first iterate, 0 by default; any other costs a product.
        diagonal : ndarray, shape (P,), optional
            The preconditioner M, positive: z = r / M.
        monitor : callable, optional
            Called with the number of each iterate that is stored before the last; true stops.

        Returns
        -------
        Solution
            The last iterate is stored, whatever the ending, unless it is 0 or not finite.
        """
        w, i, stored, products = workspace, 0, 0, 0
        image: Vector | None = None
        w.x[:] = 0.0 if start is None else start
        if w.x.any():
            image, products = operator.matvec(w.x), 1
        rz = w.begin(b, image, diagonal)
        w.models[0] = w.model(b)
        bound = self.residual_tolerance * norm(b)
        sound = math.isfinite(rz) and math.isfinite(w.models[0])
        while True:
            if not sound:
                ending = Ending.NOT_FINITE
                break
            if rz <= 0.0 or (bound > 0.0 and dot(w.r, w.r) <= bound * bound):
                ending = Ending.RESIDUAL
                break
            if i > 0 and self._slow(w.models, i):
                ending = Ending.PROGRESS
                break
            if i == self.max_steps:
                ending = Ending.MAX_STEPS
                break
            if stored and w.at[stored - 1] == i and monitor is not None and monitor(stored - 1):
                ending = Ending.MONITOR
                break
            if not math.isfinite(dot(w.p, w.p)):
                ending = Ending.NOT_FINITE
                break
            image, products = operator.matvec(w.p), products + 1
            curvature = dot(w.p, image)
            if not math.isfinite(curvature):
                ending = Ending.NOT_FINITE
                break
            if curvature <= 0.0:
                ending = Ending.NONPOSITIVE_CURVATURE
                break
            before, rz = rz, w.advance(rz / curvature, image, diagonal)
            model = w.model(b)
            sound = math.isfinite(rz) and math.isfinite(model)
            if sound:
                i += 1
                w.models[i] = model
                if stored < len(w.schedule) and w.schedule[stored] == i:
                    w.store(stored, i)
                    stored += 1
                w.turn(rz / before, diagonal)
        if sound and (w.at[stored - 1] < i if stored else w.x.any()):
            w.store(stored, i)
            stored += 1
        return Solution(ending, i, products, stored)

    def _slow(self, models: Vector, i: int) -> bool:
        """Martens' stop."""
        k = max(GAP, math.ceil(GAP_RATIO * i))
        if i <= k or not models[i] < 0.0:
            return False
        return bool((models[i] - models[i - k]) / models[i] < k * self.tolerance)
