"""A problem whose trial points are moved into a set of allowed parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from hfopt.problem import Gradient, Linearization, Problem
from hfopt.vectors import Vector, all_finite

B = TypeVar("B")


class Allowed(Generic[B]):
    """A problem for a step that ends in a projection: what it tries is projected too.

    Parameters
    ----------
    problem : Problem
    project : callable
        From theta (P,) to the allowed parameters (P,).

    Notes
    -----
    Gradient and curvature are those of the problem at theta, which should be allowed.
    """

    def __init__(self, problem: Problem[B], project: Callable[[Vector], Vector]) -> None:
        self.problem, self._project = problem, project

    def project(self, theta: Vector) -> Vector:
        """The allowed point of theta.

        Raises
        ------
        ValueError
            The projection gives no finite vector of the shape of theta.
        """
        found = np.asarray(self._project(theta), dtype=np.float64)
        if found.shape != theta.shape or not all_finite(found):
            raise ValueError(
                f"project must give {theta.size} finite numbers for so many; "
                f"got shape {found.shape}"
            )
        return found

    def value(self, theta: Vector, batch: B) -> float:
        """The objective at the allowed point of theta."""
        return self.problem.value(self.project(theta), batch)

    def gradient(self, theta: Vector, batch: B, *, squares: bool = False) -> Gradient:
        """That of the problem."""
        return self.problem.gradient(theta, batch, squares=squares)

    def linearize(self, theta: Vector, batch: B) -> Linearization:
        """That of the problem."""
        return self.problem.linearize(theta, batch)


if TYPE_CHECKING:

    def _as_problem(problem: Allowed[B]) -> Problem[B]:
        """What the type checker must agree to."""
        return problem
