"""Penalties on parameters, as a problem around a problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hfopt.arguments import nonnegative, positive
from hfopt.problem import Gradient, Linearization, Problem
from hfopt.subset import Places, as_places, check_within
from hfopt.vectors import Vector, dot, quiet
from hfopt.wrapped import Around

B = TypeVar("B")


class Parts(NamedTuple):
    """What a penalty gives at a point, over its own parameters."""

    value: float
    gradient: Vector
    curvature: Vector  # a diagonal, at least 0


class Penalty(Protocol):
    """A function of some parameters with a diagonal curvature."""

    @property
    def places(self) -> Places:
        """Its parameters."""

    def parts(self, x: Vector) -> Parts:
        """Value, gradient and curvature for its parameters ``x``."""


@dataclass(frozen=True, eq=False)
class L2:
    """``weight / 2`` times the sum of squares.

    Parameters
    ----------
    weight : float
    where : array_like of int
        Places of the parameters in theta; `reservoir.rnn.Network.select` gives them by name.

    Raises
    ------
    ValueError
        ``weight`` is negative or not finite; ``where`` is not a vector of places.
    """

    weight: float
    where: ArrayLike = field(repr=False)
    places: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        nonnegative("weight", self.weight)
        object.__setattr__(self, "places", as_places("where", self.where))

    def parts(self, x: Vector) -> Parts:
        """Value, gradient and curvature for its parameters ``x``."""
        return Parts(
            0.5 * self.weight * dot(x, x), self.weight * x, np.full(x.size, float(self.weight))
        )


@dataclass(frozen=True, eq=False)
class L1:
    """``weight`` times the sum of ``sqrt(x^2 + smoothing^2) - smoothing``, |x| with a round tip.

    Parameters
    ----------
    weight : float
    where : array_like of int
        As in `L2`.
    smoothing : float
        How far from 0 the tip is rounded; far below the size of the parameters.

    Raises
    ------
    ValueError
        As `L2`; ``smoothing`` is not above 0.

    Notes
    -----
    A smoothed penalty serves first-order and Hessian-free steps alike; a proximal step would not
    go with conjugate gradients and momentum. Parameters end near 0, not at it.

    The curvature is ``weight / sqrt(x^2 + smoothing^2)``, of the parabola that touches the penalty
    at x and at -x and lies above it everywhere (iteratively reweighted least squares; Hunter and
    Li 2005, "Variable selection using MM algorithms", Annals of Statistics 33:1617). The second
    derivative vanishes away from the tip: a step that takes the penalty for straight runs past 0.
    """

    weight: float
    where: ArrayLike = field(repr=False)
    smoothing: float = 1e-3
    places: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        nonnegative("weight", self.weight)
        positive("smoothing", self.smoothing)
        object.__setattr__(self, "places", as_places("where", self.where))

    def parts(self, x: Vector) -> Parts:
        """Value, gradient and curvature for its parameters ``x``."""
        length = np.hypot(x, self.smoothing)
        value = self.weight * float((length - self.smoothing).sum())
        return Parts(value, self.weight * x / length, self.weight / length)


class Penalized(Generic[B]):
    """A problem with penalties: they add to value, gradient and Gauss-Newton matrix.

    Sums of squared gradients (`hfopt.Gradient.squares`) are those of the problem alone, of which
    a penalty has no part.

    Parameters
    ----------
    problem : Problem
    penalties : sequence of L1 or L2
        On any parameters, also several on the same ones.

    Raises
    ------
    ValueError
        At the first evaluation: a penalty names a parameter that the problem does not have.
    """

    def __init__(self, problem: Problem[B], penalties: Sequence[Penalty]) -> None:
        if not isinstance(penalties, Sequence):
            raise ValueError(f"penalties: expected a list of them, got {penalties!r}")
        self.problem, self.penalties = problem, tuple(penalties)

    def penalty(self, theta: Vector) -> float:
        """The sum of the penalties alone."""
        return self._parts(theta).value

    def value(self, theta: Vector, batch: B) -> float:
        """The objective with the penalties."""
        return self.problem.value(theta, batch) + self.penalty(theta)

    def gradient(self, theta: Vector, batch: B, *, squares: bool = False) -> Gradient:
        """Value and gradient with the penalties."""
        found, added = self.problem.gradient(theta, batch, squares=squares), self._parts(theta)
        return found._replace(
            value=found.value + added.value, gradient=found.gradient + added.gradient
        )

    def linearize(self, theta: Vector, batch: B) -> Around:
        """The problem at theta, the penalties' curvature in its operator."""
        inside, added = self.problem.linearize(theta, batch), self._parts(theta)
        return Around(
            inside, inside.value + added.value, inside.gradient + added.gradient, added.curvature
        )

    @quiet
    def _parts(self, theta: Vector) -> Parts:
        value, gradient, curvature = 0.0, np.zeros(theta.size), np.zeros(theta.size)
        for penalty in self.penalties:
            check_within("where of a penalty", penalty.places, theta.size)
            own = penalty.parts(theta[penalty.places])
            value += own.value
            gradient[penalty.places] += own.gradient
            curvature[penalty.places] += own.curvature
        return Parts(value, gradient, curvature)


if TYPE_CHECKING:

    def _as_problem(problem: Penalized[B]) -> Problem[B]:
        """What the type checker must agree to."""
        return problem

    def _as_linearization(linearization: Around) -> Linearization:
        """What the type checker must agree to."""
        return linearization

    def _as_penalty(penalty: L1 | L2) -> Penalty:
        """What the type checker must agree to."""
        return penalty
