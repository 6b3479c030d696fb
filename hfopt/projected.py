"""An optimizer whose steps end in a set of allowed parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hfopt.allowed import Allowed
from hfopt.batches import StepBatches
from hfopt.endings import Status
from hfopt.minimize import Optimizer, Step
from hfopt.problem import Problem
from hfopt.vectors import Vector

S = TypeVar("S", bound=tuple[Any, ...])
R = TypeVar("R")


@dataclass(frozen=True)
class Projected(Generic[S, R]):
    """Another optimizer, each of whose steps is followed by a projection.

    Parameters
    ----------
    optimizer : Optimizer
    project : callable
        From theta (P,) to the allowed parameters (P,), a new array; the same bits for the same
        theta. `reservoir.rnn.projections` has some for networks.

    Notes
    -----
    The state is that of the optimizer: velocities, moments and starts of conjugate gradients are
    not projected. A refused step stays as it was. Hessian-free steps are judged by the projected
    points: backtracking, rho and line search ask for the objective there, and the model for what
    it promises of the way to there. Of first-order steps the report has the length before the
    projection. With RMSProp and Adam, which scale their steps, the run does not end at the best
    allowed point but near it, as the nearest point is that of the usual distance. Start at
    ``project(theta0)`` if the first gradient is to be that of an allowed point.
    """

    optimizer: Optimizer[S, R]
    project: Callable[[Vector], Vector]

    def init(self, theta: Vector) -> S:
        """The state before the first step."""
        return self.optimizer.init(theta)

    def terminate(self, state: S) -> Status:
        """Whether to go on."""
        return self.optimizer.terminate(state)

    def step(
        self, problem: Problem[Any], theta: Vector, batches: StepBatches[Any], state: S
    ) -> Step[S, R]:
        """One step and the projection.

        Raises
        ------
        ValueError
            The projection gives no finite vector of the shape of theta.
        """
        allowed = Allowed(problem, self.project)
        step = self.optimizer.step(allowed, theta, batches, state)
        if step.theta is theta:  # refused
            return step
        return step._replace(theta=allowed.project(step.theta))


if TYPE_CHECKING:

    def _as_optimizer(optimizer: Projected[S, R]) -> Optimizer[S, R]:
        """What the type checker must agree to."""
        return optimizer
