"""Learning rates and momenta that change with the steps.

A schedule is a number, or a callable from the number of the step, from 0, to a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hfopt.arguments import between, nonnegative, positive, whole

Schedule: TypeAlias = float | Callable[[int], float]


def at(schedule: Schedule, step: int) -> float:
    """The number of a schedule at a step.

    Raises
    ------
    ValueError
        The schedule gives none, or one below 0.
    """
    if not callable(schedule):
        return float(schedule)
    found = float(schedule(step))
    if not found >= 0.0:
        raise ValueError(
            f"the schedule {schedule!r} gives {found:g} at step {step}; expected at least 0"
        )
    return found


@dataclass(frozen=True)
class Exponential:
    """initial * factor^(step / every); with ``stairs``, the exponent is rounded down."""

    initial: float
    factor: float
    every: int = 1
    stairs: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        nonnegative("initial", self.initial)
        positive("factor", self.factor)
        whole("every", self.every, least=1)

    def __call__(self, step: int) -> float:
        """The number at a step."""
        exponent = step // self.every if self.stairs else step / self.every
        try:
            return float(self.initial * self.factor**exponent)
        except OverflowError:
            return math.inf if self.initial > 0.0 else 0.0


@dataclass(frozen=True)
class InverseTime:
    """initial / (1 + step / every)^power, after Robbins and Monro (1951)."""

    initial: float
    every: int
    power: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        nonnegative("initial", self.initial)
        whole("every", self.every, least=1)
        nonnegative("power", self.power)

    def __call__(self, step: int) -> float:
        """The number at a step."""
        return float(self.initial / (1.0 + step / self.every) ** self.power)


@dataclass(frozen=True)
class Cosine:
    """From ``initial`` down to ``final`` along half a cosine, in ``steps`` steps.

    Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", eq. 5.
    """

    initial: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        nonnegative("initial", self.initial)
        whole("steps", self.steps, least=1)
        nonnegative("final", self.final)

    def __call__(self, step: int) -> float:
        """The number at a step."""
        part = min(1.0, step / self.steps)
        return self.final + 0.5 * (self.initial - self.final) * (1.0 + math.cos(math.pi * part))


@dataclass(frozen=True)
class Linear:
    """From ``initial`` to ``final`` in ``steps`` equal parts, and ``final`` from there on."""

    initial: float
    final: float
    steps: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        nonnegative("initial", self.initial)
        nonnegative("final", self.final)
        whole("steps", self.steps, least=1)

    def __call__(self, step: int) -> float:
        """The number at a step."""
        part = min(1.0, step / self.steps)
        return (1.0 - part) * self.initial + part * self.final


@dataclass(frozen=True)
class InverseSigmoid:
    """steps / (steps + exp(step / steps)): from nearly 1 to 0, steepest at steps log(steps).

    Bengio, Vinyals, Jaitly and Shazeer (2015), "Scheduled sampling for sequence prediction with
    recurrent neural networks", NIPS, section 2.4.
    """

    steps: float

    def __post_init__(self) -> None:
        """Check the number."""
        if positive("steps", self.steps) < 1.0:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def __call__(self, step: int) -> float:
        """The number at a step."""
        rise = math.exp(min(step / self.steps, 700.0))
        return self.steps / (self.steps + rise)


@dataclass(frozen=True)
class Warmup:
    """A schedule times (step + 1) / steps during the first ``steps`` steps."""

    schedule: Schedule
    steps: int

    def __post_init__(self) -> None:
        """Check the number."""
        whole("steps", self.steps, least=1)

    def __call__(self, step: int) -> float:
        """The number at a step."""
        return min(1.0, (step + 1) / self.steps) * at(self.schedule, step)


@dataclass(frozen=True)
class RisingMomentum:
    """min(1 - 2^(-1 - log2(floor(step / every) + 1)), greatest).

    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum
    in deep learning", ICML, eq. 5: 1/2, 3/4, 5/6, 7/8, ...
    """

    greatest: float = 0.99
    every: int = 250

    def __post_init__(self) -> None:
        """Check the numbers."""
        between("greatest", self.greatest, 0.0, 1.0)
        whole("every", self.every, least=1)

    def __call__(self, step: int) -> float:
        """The momentum at a step."""
        return min(1.0 - 0.5 / (step // self.every + 1), self.greatest)
