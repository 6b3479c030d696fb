"""The parts of a Hessian-free step: evaluation, trial points, and the direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hfopt.allowed import Allowed
from hfopt.backtracking import backtrack
from hfopt.batches import StepBatches
from hfopt.conjugate_gradient import Ending, Workspace
from hfopt.problem import Linearization, Problem
from hfopt.vectors import Vector, all_finite, dot, quiet

if TYPE_CHECKING:
    from hfopt.hessian_free import HessianFree, HessianFreeState


class First(NamedTuple):
    """Value and gradient on one batch, the curvature on another or the same."""

    value: float
    gradient: Vector
    squares: Vector | None
    linearization: Linearization
    state: Any


def evaluate(
    problem: Problem[Any], theta: Vector, batches: StepBatches[Any], *, squares: bool
) -> First:
    """Evaluate a problem; a batch that serves both ends is passed once."""
    curvature = batches.role("curvature")
    if curvature is batches.gradient and not squares:
        linear = problem.linearize(theta, curvature)
        gradient = np.array(linear.gradient, np.float64)
        return First(float(linear.value), gradient, None, linear, linear.state)
    found = problem.gradient(theta, batches.gradient, squares=squares)
    gradient = np.array(found.gradient, np.float64)
    kept = None if found.squares is None else np.array(found.squares, np.float64)
    linear = problem.linearize(theta, curvature)
    return First(float(found.value), gradient, kept, linear, found.state)


class Objective:
    """The objective at trial points theta + rate d.

    Attributes
    ----------
    evaluations : int
        How often the problem was asked.
    """

    def __init__(self, problem: Problem[Any], theta: Vector) -> None:
        self._problem, self._theta = problem, theta
        self.evaluations = 0

    @quiet
    def moved(self, d: Vector, rate: float) -> Vector:
        """A new array theta + rate d."""
        point = d * rate
        point += self._theta
        return point

    def at(self, d: Vector | None, rate: float, batch: Any) -> float:
        """The objective, at theta itself if ``d`` is None; infinite where the point is."""
        point = self._theta if d is None else self.moved(d, rate)
        if not all_finite(point):
            return math.inf
        self.evaluations += 1
        return float(self._problem.value(point, batch))


class Direction(NamedTuple):
    """A step that conjugate gradients propose.

    Attributes
    ----------
    d : ndarray, shape (P,)
        The iterate that was taken.
    last : ndarray, shape (P,)
        The last iterate, from which the next step's start.
    value : float or None
        The objective at theta + d on the backtracking batch, if it was asked for.
    model : float
        The quadratic model at d, damped or not, as the optimizer wants.
    steps, used : int
        Steps of conjugate gradients, and that of ``d``.
    ending : Ending
    products : int
    usable : bool
        False if there is no iterate because of numbers that are not finite.
    """

    d: Vector
    last: Vector
    value: float | None
    model: float
    steps: int
    used: int
    ending: Ending
    products: int
    usable: bool

    @staticmethod
    def none(size: int, ending: Ending = Ending.RESIDUAL, products: int = 0) -> Direction:
        """No step."""
        zero = np.zeros(size)
        return Direction(zero, zero, None, math.nan, 0, 0, ending, products, False)


class Trials:
    """Values of the objective at the stored iterates, each asked for once."""

    def __init__(self, objective: Objective, work: Workspace, batch: Any, patience: int) -> None:
        self._objective, self._work, self._batch = objective, work, batch
        self._patience, self._known = patience, dict[int, float]()

    def value(self, slot: int) -> float:
        """The objective at an iterate."""
        if slot not in self._known:
            self._known[slot] = self._objective.at(self._work.iterates[slot], 1.0, self._batch)
        return self._known[slot]

    def known(self, slot: int) -> float | None:
        """The objective at an iterate if it was asked for."""
        return self._known.get(slot)

    def overdue(self, slot: int) -> bool:
        """Whether the best of the iterates is ``patience`` or more before this one."""
        values = [self.value(k) for k in range(slot + 1)]
        best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        return slot - best >= self._patience


def find_direction(
    optimizer: HessianFree,
    first: First,
    objective: Objective,
    batches: StepBatches[Any],
    state: HessianFreeState,
) -> Direction:
    """Run conjugate gradients and choose an iterate; its model is the damped one."""
    structural = optimizer.scaled_structural(state.damping)
    operator = first.linearization.operator(state.damping, structural)
    diagonal = optimizer.preconditioner.diagonal(first.squares, state.damping)
    b = -first.gradient
    work = optimizer.cg.workspace(b.size)
    trials = Trials(objective, work, batches.role("backtracking"), optimizer.early_stopping)
    found = optimizer.cg.solve(
        operator,
        b,
        work,
        start=optimizer.start_factor(state.step) * state.start,
        diagonal=diagonal,
        monitor=trials.overdue if optimizer.early_stopping else None,
    )
    products, used, value = found.products, 0, None
    if found.stored:
        slot = found.stored - 1
        last = work.iterates[slot].copy()
        if optimizer.backtracking:
            slot, value = backtrack(trials.value, found.stored)
        else:
            value = trials.known(slot)
        d, used = work.iterates[slot].copy(), int(work.at[slot])
        model = float(work.models[used])
    else:
        d, last = b if diagonal is None else b / diagonal, np.zeros(b.size)
        if found.ending is Ending.NOT_FINITE:
            return Direction.none(b.size, found.ending, products)
        products += 1
        model = _model(b, d, operator.matvec(d))
    return Direction(d, last, value, model, found.steps, used, found.ending, products, True)


def predicted(
    optimizer: HessianFree, direction: Direction, first: First, state: HessianFreeState
) -> Direction:
    """The same with what the model promises, damped or not, as the optimizer wants."""
    if optimizer.prediction == "damped":
        return direction
    d = direction.d
    if any(optimizer.scaled_structural(state.damping)):
        image = first.linearization.operator(0.0, 0.0).matvec(d)
        model = _model(-first.gradient, d, image)
        return direction._replace(model=model, products=direction.products + 1)
    return direction._replace(model=direction.model - 0.5 * state.damping * dot(d, d))


@quiet
def landed(
    optimizer: HessianFree,
    direction: Direction,
    allowed: Allowed[Any],
    theta: Vector,
    first: First,
    state: HessianFreeState,
) -> Direction:
    """The way to an allowed point: that of the direction, or of steepest descent if it is better.

    A direction that the projection bends may lead upwards. Steepest descent, as far as the model
    falls along it, does not where the set is convex; what the model promises of it is the least
    that convergence needs (Conn, Gould and Toint 1988, "Global convergence of a class of trust
    region algorithms for optimization with simple bounds", SIAM J. Numer. Anal. 25:433).
    """
    g, structural = first.gradient, optimizer.scaled_structural(state.damping)
    damped = first.linearization.operator(state.damping, structural)
    curved = dot(g, damped.matvec(g))
    length = dot(g, g) / curved if curved > 0.0 else 1.0
    products, best = direction.products + 1, math.inf
    found = direction._replace(usable=False)
    for d, value, used in ((direction.d, direction.value, direction.used), (-length * g, None, 0)):
        if not all_finite(theta + d):
            continue
        way = allowed.project(theta + d) - theta
        products += 1
        model = _model(-g, way, damped.matvec(way))
        if model < best:
            best = model
            found = direction._replace(d=way, value=value, used=used, model=model, usable=True)
    return found._replace(products=products)


def _model(b: Vector, d: Vector, image: Vector) -> float:
    """The quadratic model 1/2 d' A d - b' d, from ``image`` A d."""
    return 0.5 * dot(d, image) - dot(b, d)
