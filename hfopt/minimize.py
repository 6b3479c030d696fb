"""The one optimization loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hfopt.arguments import whole
from hfopt.batches import Batches, Carrying, StepBatches, as_carrying
from hfopt.endings import Status
from hfopt.problem import Problem
from hfopt.vectors import Vector, all_finite

B = TypeVar("B")
S = TypeVar("S", bound=tuple[Any, ...])
R = TypeVar("R", covariant=True)


class Step(NamedTuple, Generic[S, R]):
    """What a step of an optimizer gives.

    Attributes
    ----------
    theta : ndarray, shape (P,)
        A new array, or the one before if the step was refused.
    value : float
        The objective as the step knows it; the optimizer says at which point and batch.
    state : NamedTuple
        The state of the optimizer.
    report : NamedTuple
        Scalars of this step, for its history.
    carried : Any
        `hfopt.Gradient.state` of the step's gradient, also if the step was refused; None if there
        is none.
    """

    theta: Vector
    value: float
    state: S
    report: R
    carried: Any = None


class Optimizer(Protocol[S, R]):
    """What the loop needs of an optimizer: options alone, all that changes is in its state."""

    def init(self, theta: Vector) -> S:
        """The state before the first step."""

    def step(
        self, problem: Problem[Any], theta: Vector, batches: StepBatches[Any], state: S
    ) -> Step[S, R]:
        """One step. Neither ``theta`` nor the arrays of ``state`` are changed."""

    def terminate(self, state: S) -> Status:
        """Whether to go on, `Status.RUNNING`, or why not."""


class RunState(NamedTuple, Generic[S]):
    """All that a run needs to go on, by its fields.

    Attributes
    ----------
    step : int
        Steps done, refused ones included.
    theta : ndarray, shape (P,)
    value : float
        As `Step.value`, NaN before the first step.
    optimizer : NamedTuple
        Arrays and scalars.
    carried : NamedTuple or None
        What the next batch begins with; None unless batches are `hfopt.Carrying`.
    """

    step: int
    theta: Vector
    value: float
    optimizer: S
    carried: Any = None


class Progress(NamedTuple, Generic[S, R]):
    """What a callback is given after each step."""

    state: RunState[S]
    report: R


@dataclass(frozen=True)
class Result(Generic[S, R]):
    """The end of a run, with the names of `scipy.optimize.OptimizeResult`.

    Attributes
    ----------
    x : ndarray, shape (P,)
        The parameters.
    fun : float
        As `Step.value` of the last step.
    nit : int
        Steps done, those before a resumption included.
    status : Status
    message : str
    success : bool
        Whether the run converged.
    history : tuple
        The reports of the steps of this call.
    state : RunState
        From which a run goes on.
    """

    x: Vector
    fun: float
    nit: int
    status: Status
    message: str
    success: bool
    history: tuple[R, ...] = field(repr=False)
    state: RunState[S] = field(repr=False)


def minimize(
    problem: Problem[B],
    theta0: ArrayLike | None,
    optimizer: Optimizer[S, R],
    batches: Batches[B],
    *,
    max_steps: int = 100,
    callback: Callable[[Progress[S, R]], object] | None = None,
    state: RunState[S] | None = None,
) -> Result[S, R]:
    """Minimize the objective of a problem.

    Parameters
    ----------
    problem : Problem
    theta0 : array_like, shape (P,), or None
        Where to start. Not looked at, hence perhaps None, if a ``state`` is given.
    optimizer : Optimizer
    batches : callable, sequence or Carrying
        A callable from the number of the step to its batches, the same ones for the same step; or
        a sequence, whose item k modulo its length is for step k; or a `hfopt.Carrying`, which is
        also told what the problem carried from the step before. See `hfopt.batches`.
    max_steps : int
        The greatest number of steps, those before ``state`` included.
    callback : callable, optional
        Called with a `Progress` after each step; a true result stops the run.
    state : RunState, optional
        Where to go on: the state of any `Progress` or `Result` of a run with the same problem,
        optimizer and batches. The steps that follow have the same bits as if there had been no
        interruption.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        ``theta0`` is not a vector of finite numbers; ``state`` is that of another optimizer or
        size; ``batches`` are of neither form. What the problem raises goes through, and the step
        is as if it had not begun.
    """
    whole("max_steps", max_steps, least=0)
    _check_kinds(problem, optimizer)
    source, carries = as_carrying(batches), isinstance(batches, Carrying)
    if state is None:
        theta = _checked(theta0)
        run = RunState(0, theta, float("nan"), optimizer.init(theta))
    else:
        run = _checked_state(state, optimizer)
    history: list[R] = []
    stopped = False
    while True:
        status = optimizer.terminate(run.optimizer)
        if status is Status.RUNNING and stopped:
            status = Status.STOPPED
        if status is Status.RUNNING and run.step >= max_steps:
            status = Status.MAX_STEPS
        if status is not Status.RUNNING:
            break
        given = source(run.step, run.carried)
        step = optimizer.step(problem, run.theta, given, run.optimizer)
        carried = None
        if carries:  # without a gradient, the same batch comes again
            carried = run.carried if step.carried is None else step.carried
        run = RunState(run.step + 1, step.theta, step.value, step.state, carried)
        history.append(step.report)
        if callback is not None:
            stopped = bool(callback(Progress(run, step.report)))
    return Result(
        x=run.theta,
        fun=run.value,
        nit=run.step,
        status=status,
        message=status.message,
        success=status is Status.CONVERGED,
        history=tuple(history),
        state=run,
    )


def _check_kinds(problem: object, optimizer: object) -> None:
    """Tell what was mistaken for a problem or an optimizer."""
    for name, found, methods in (
        ("problem", problem, ("value", "gradient")),
        ("optimizer", optimizer, ("init", "step", "terminate")),
    ):
        if isinstance(found, type) or not all(
            callable(getattr(found, method, None)) for method in methods
        ):
            raise ValueError(
                f"{name}: expected one with the methods {', '.join(methods)}, got {found!r}"
            )


def _checked(theta0: ArrayLike | None) -> Vector:
    """A copy of initial parameters."""
    if theta0 is None:
        raise ValueError("theta0 must be given unless a state is")
    array = np.asarray(theta0)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise ValueError(
            f"theta0 must be a vector of real numbers, got {array.dtype} of shape {array.shape}"
        )
    theta = array.astype(np.float64)
    if not all_finite(theta):
        place = int(np.argmin(np.isfinite(theta)))
        raise ValueError(f"theta0 must be finite; parameter {place} is {theta[place]}")
    return theta


def _checked_state(state: RunState[S], optimizer: Optimizer[S, R]) -> RunState[S]:
    """A state with fields of the types and shapes that the optimizer makes."""
    own = optimizer.init(state.theta)
    if type(own) is not type(state.optimizer):
        raise ValueError(
            f"the state holds a {type(state.optimizer).__name__}; "
            f"{type(optimizer).__name__} needs a {type(own).__name__}"
        )
    for name, expected, found in zip(_names(own), own, state.optimizer, strict=True):
        if np.shape(found) != np.shape(expected):
            raise ValueError(
                f"{name} of the state has shape {np.shape(found)}; "
                f"{type(optimizer).__name__} needs {np.shape(expected)}"
            )
    return state


def _names(record: tuple[Any, ...]) -> tuple[str, ...]:
    names: tuple[str, ...] = record._fields  # type: ignore[attr-defined]
    return names
