"""Hessian-free optimization: truncated Newton steps on Gauss-Newton products.

Martens (2010), "Deep learning via Hessian-free optimization", ICML; Martens and Sutskever (2011),
"Learning recurrent neural networks with Hessian-free optimization", ICML. A step is composed of
conjugate gradients, backtracking over their iterates, a line search and the damping rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hfopt.allowed import Allowed
from hfopt.arguments import between, nonnegative, one_of, positive, whole
from hfopt.batches import StepBatches
from hfopt.conjugate_gradient import ConjugateGradient
from hfopt.damping import LevenbergMarquardt, reduction_ratio
from hfopt.endings import Refusal, Status, status
from hfopt.hessian_free_step import (
    Direction,
    First,
    Objective,
    evaluate,
    find_direction,
    landed,
    predicted,
)
from hfopt.line_search import LineSearch
from hfopt.minimize import Optimizer, Step
from hfopt.preconditioner import NoPreconditioner, Preconditioner
from hfopt.problem import Problem, Structural, as_structural
from hfopt.vectors import Vector, all_finite, dot, norm

PREDICTIONS = ("undamped", "damped")


class HessianFreeState(NamedTuple):
    """State of `HessianFree`.

    Attributes
    ----------
    step : int
        Steps done.
    damping : float
        Lambda for the next step.
    start : ndarray, shape (P,)
        The last iterate of conjugate gradients, from a fraction of which the next ones start; 0 at
        first and after a step that was refused.
    rejections : int
        Steps refused in a row.
    refusal : int
        Why the last step was refused, a `Refusal`.
    converged : bool
    """

    step: int
    damping: float
    start: Vector
    rejections: int
    refusal: int
    converged: bool


class HessianFreeReport(NamedTuple):
    """One step of `HessianFree`.

    Attributes
    ----------
    step : int
        Its number, from 0.
    value, gradient_norm : float
        At the start of the step, on the gradient's batch.
    before, after : float
        The objective on the line search's batch before the step, and after it at the parameters
        that the step ends with.
    damping : float
        Lambda of the step.
    rho : float
        Actual over predicted reduction; NaN if there is none.
    rate : float
        Of the line search, 0 if the step was refused.
    step_norm : float
        |theta_new - theta|.
    cg_steps, cg_used : int
        Steps of conjugate gradients, and at which of them the iterate was taken.
    cg_ending : int
        An `hfopt.conjugate_gradient.Ending`.
    products, evaluations : int
        Curvature products, and values of the objective besides that of the gradient.
    refusal : int
        A `Refusal`.
    """

    step: int
    value: float
    gradient_norm: float
    before: float
    after: float
    damping: float
    rho: float
    rate: float
    step_norm: float
    cg_steps: int
    cg_used: int
    cg_ending: int
    products: int
    evaluations: int
    refusal: int


@dataclass(frozen=True)
class HessianFree:
    """Options of the optimizer; `hfopt.minimize` runs it.

    Parameters
    ----------
    damping : float
        Lambda of the first step. It belongs to an objective that is a mean over targets. 0 stays 0,
        as the rule multiplies.
    structural : float or Structural
        Mu, structural damping as a multiple of lambda: 1/30 on the pre-activations in the
        published runs of recurrent networks. By default 0, as other problems have no states.
    cg : ConjugateGradient
    start_decay, start_growth, start_limit : float
        Conjugate gradients start from min(start_decay * start_growth^epoch, start_limit) times
        the last iterate of the step before (of all its iterates, not the one that was taken).
    epoch : int
        Steps of an epoch, for ``start_growth`` alone.
    rule : LevenbergMarquardt
    prediction : {"undamped", "damped"}
        The model whose reduction rho compares with. With its damping the model promises the less
        the larger lambda is, and rho grows by itself; hence without, as in Martens' code (with, in
        Sutskever's). Costs a product if there is structural damping.
    backtracking : bool
        Whether an earlier iterate may be taken; without, the last is.
    early_stopping : int
        Stop conjugate gradients when the objective on the backtracking batch has not improved over
        so many stored iterates; best with a batch that the curvature has not seen. 0: never.
    line_search : LineSearch
    preconditioner : Preconditioner
    gradient_tolerance : float
        The run converges at a step whose gradient is at most that long (Euclidean norm).
    max_rejections : int
        Steps refused in a row that end the run.

    Notes
    -----
    Rho is that of the iterate taken, before the line search shortens it, on the line search's
    batch (by default the gradient's); the slope of the line search is that of the gradient's batch
    in any case. If the line search finds no point, the step is refused,
    lambda is raised, and the next conjugate gradients start from 0. So are steps with numbers that
    are not finite.

    An iterate that is no direction of descent on the gradient's batch is not followed. If
    conjugate gradients have no iterate at all (nonpositive curvature at once), the negative
    gradient, preconditioned, is the direction, as in Nocedal and Wright (2006), algorithm 7.1.
    """

    damping: float = 0.1
    structural: float | Structural = 0.0
    cg: ConjugateGradient = field(default_factory=ConjugateGradient)
    start_decay: float = 0.95
    start_growth: float = 1.0
    start_limit: float = 0.99
    epoch: int = 1
    rule: LevenbergMarquardt = field(default_factory=LevenbergMarquardt)
    prediction: str = "undamped"
    backtracking: bool = True
    early_stopping: int = 0
    line_search: LineSearch = field(default_factory=LineSearch)
    preconditioner: Preconditioner = field(default_factory=NoPreconditioner)
    gradient_tolerance: float = 0.0
    max_rejections: int = 20

    def __post_init__(self) -> None:
        """Check the options."""
        for name, kind in (
            ("cg", ConjugateGradient), ("rule", LevenbergMarquardt), ("line_search", LineSearch)
        ):  # fmt: skip
            if not isinstance(getattr(self, name), kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {getattr(self, name)!r}")
        nonnegative("damping", self.damping)
        as_structural(self.structural)
        between("start_decay", self.start_decay, 0.0, 1.0)
        positive("start_growth", self.start_growth)
        between("start_limit", self.start_limit, 0.0, 1.0)
        whole("epoch", self.epoch, least=1)
        one_of("prediction", self.prediction, PREDICTIONS)
        whole("early_stopping", self.early_stopping, least=0)
        nonnegative("gradient_tolerance", self.gradient_tolerance)
        whole("max_rejections", self.max_rejections, least=1)

    @classmethod
    def small_batch(cls, epoch: int = 1, **options: Any) -> HessianFree:
        """Options for small batches, where a step may not trust its curvature far.

        Kiros (2013), "Training neural networks with stochastic Hessian-free optimization", ICLR:
        at most 5 steps of conjugate gradients, from 0.5 of the last iterate, growing by 1.01 an
        ``epoch`` to 0.99; lambda times 0.99 or 1/0.99. Others as given.
        """
        kiros = cls(
            cg=ConjugateGradient(max_steps=5),
            start_decay=0.5,
            start_growth=1.01,
            start_limit=0.99,
            epoch=epoch,
            rule=LevenbergMarquardt(up=1.0 / 0.99, down=0.99),
        )
        return replace(kiros, **options)

    def init(self, theta: Vector) -> HessianFreeState:
        """The state before the first step."""
        start = np.zeros(theta.size)
        return HessianFreeState(0, float(self.damping), start, 0, int(Refusal.NONE), False)

    def terminate(self, state: HessianFreeState) -> Status:
        """Whether to go on."""
        return status(state.converged, state.refusal, state.rejections, self.max_rejections)

    def step(
        self,
        problem: Problem[Any],
        theta: Vector,
        batches: StepBatches[Any],
        state: HessianFreeState,
    ) -> Step[HessianFreeState, HessianFreeReport]:
        """One step; the value is the objective at the new parameters, on the line search's batch.

        Where a gradient or the objective before the step is not finite, the value is that.
        """
        first = evaluate(problem, theta, batches, squares=self.preconditioner.squares)
        gradient_norm = norm(first.gradient)
        sound = math.isfinite(first.value) and all_finite(first.gradient)
        objective = Objective(problem, theta)
        direction = Direction.none(theta.size)
        before, rho, rate, after = first.value, math.nan, 0.0, first.value
        refusal = Refusal.NONE if sound else Refusal.NOT_FINITE
        converged = sound and gradient_norm <= self.gradient_tolerance
        if sound and not converged:
            direction = find_direction(self, first, objective, batches, state)
            if isinstance(problem, Allowed) and direction.usable:
                direction = landed(self, direction, problem, theta, first, state)
            if direction.usable:
                direction = predicted(self, direction, first, state)
            refusal = Refusal.NOT_FINITE
        if direction.usable:
            before, full = self._ends(objective, first, direction, batches)
            rho = reduction_ratio(before, full, direction.model)
            found = self.line_search.search(
                lambda r: objective.at(direction.d, r, batches.role("line_search")),
                before,
                full,
                dot(first.gradient, direction.d),
            )
            rate, after = found.rate, found.value
            if found.accepted:
                refusal = Refusal.NONE
            elif math.isfinite(before) and math.isfinite(full):
                refusal = Refusal.NO_DECREASE
        report = HessianFreeReport(
            step=state.step,
            value=first.value,
            gradient_norm=gradient_norm,
            before=before,
            after=after,
            damping=state.damping,
            rho=rho,
            rate=rate,
            step_norm=rate * norm(direction.d) if rate > 0.0 else 0.0,
            cg_steps=direction.steps,
            cg_used=direction.used,
            cg_ending=int(direction.ending),
            products=direction.products,
            evaluations=objective.evaluations,
            refusal=int(refusal),
        )
        accepted = refusal is Refusal.NONE
        if converged:
            damping = state.damping
        else:
            damping = self.rule.updated(state.damping, rho if accepted else math.nan)
        following = HessianFreeState(
            step=state.step + 1,
            damping=damping,
            start=direction.last if accepted else np.zeros(theta.size),
            rejections=0 if accepted else state.rejections + 1,
            refusal=int(refusal),
            converged=converged,
        )
        moved = accepted and not converged
        new = objective.moved(direction.d, rate) if moved else theta
        return Step(new, after, following, report, first.state)

    def _ends(
        self, objective: Objective, first: First, direction: Direction, batches: StepBatches[Any]
    ) -> tuple[float, float]:
        """The objective on the line search's batch without and with the step; none twice."""
        batch = batches.role("line_search")
        before, full = first.value, direction.value
        if batch is not batches.gradient:
            before = objective.at(None, 0.0, batch)
        if full is None or batch is not batches.role("backtracking"):
            full = objective.at(direction.d, 1.0, batch)
        return before, full

    def start_factor(self, step: int) -> float:
        """The fraction of the last iterate from which conjugate gradients start at a step."""
        with np.errstate(over="ignore"):
            grown = self.start_decay * float(np.power(self.start_growth, step // self.epoch))
        return min(grown, self.start_limit) if self.start_decay > 0.0 else 0.0

    def scaled_structural(self, damping: float) -> Structural:
        """Lambda mu."""
        return Structural(*(damping * mu for mu in as_structural(self.structural)))


if TYPE_CHECKING:

    def _as_optimizer(
        optimizer: HessianFree,
    ) -> Optimizer[HessianFreeState, HessianFreeReport]:
        """What the type checker must agree to."""
        return optimizer
