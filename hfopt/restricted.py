"""A problem of some parameters alone, the others frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfopt.block import Block
from hfopt.problem import Gradient, Linearization, Problem
from hfopt.subset import as_places, check_within
from hfopt.vectors import Vector, all_finite

B = TypeVar("B")


class Restricted(Generic[B]):
    """A problem over its free parameters; the others stay as they are.

    Parameters
    ----------
    problem : Problem
    theta : array_like, shape (P,)
        All parameters, the frozen ones at their values; copied.
    free : array_like of int
        Places of the free parameters; `reservoir.rnn.Network.select` gives them by name.

    Raises
    ------
    ValueError
        ``theta`` is not a vector; ``free`` is not a vector of places in it.

    Notes
    -----
    Minimize from ``restricted.free(theta)``; ``restricted.full(result.x)`` are all parameters.
    The Gauss-Newton matrix is the block of the free parameters. Gradients of the frozen ones are
    computed and dropped.
    """

    def __init__(self, problem: Problem[B], theta: ArrayLike, free: ArrayLike) -> None:
        self.problem = problem
        self.theta = np.array(theta, dtype=np.float64)
        if self.theta.ndim != 1:
            raise ValueError(f"theta must be a vector, got shape {self.theta.shape}")
        if not all_finite(self.theta):
            raise ValueError("theta must be finite")
        self.places = as_places("free", free)
        check_within("free", self.places, self.theta.size)

    def full(self, free: Vector) -> Vector:
        """All parameters (P,), from the free ones.

        Raises
        ------
        ValueError
            Not a number for each free parameter.
        """
        if np.shape(free) != self.places.shape:
            raise ValueError(
                f"expected the {self.places.size} free parameters of {self.theta.size}, as "
                f"`free(theta)` gives them; got shape {np.shape(free)}"
            )
        theta = self.theta.copy()
        theta[self.places] = free
        return theta

    def free(self, vector: Vector) -> Vector:
        """The free part (F,) of a vector (P,)."""
        return vector[self.places]

    def value(self, theta: Vector, batch: B) -> float:
        """The objective at free parameters."""
        return self.problem.value(self.full(theta), batch)

    def gradient(self, theta: Vector, batch: B, *, squares: bool = False) -> Gradient:
        """Value and gradient by the free parameters."""
        found = self.problem.gradient(self.full(theta), batch, squares=squares)
        return found._replace(
            gradient=self.free(found.gradient),
            squares=None if found.squares is None else self.free(found.squares),
        )

    def linearize(self, theta: Vector, batch: B) -> Block:
        """The problem at free parameters."""
        inside = self.problem.linearize(self.full(theta), batch)
        return Block(inside, self.places.size, self._direction, self.free)

    def _direction(self, v: NDArray[np.floating]) -> Vector:
        """A direction of all parameters, 0 for the frozen ones."""
        found = np.zeros(self.theta.size)
        found[self.places] = v
        return found


if TYPE_CHECKING:

    def _as_problem(problem: Restricted[B]) -> Problem[B]:
        """What the type checker must agree to."""
        return problem

    def _as_linearization(linearization: Block) -> Linearization:
        """What the type checker must agree to."""
        return linearization
