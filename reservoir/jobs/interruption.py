"""Signals that ask a run to end, and a problem that asks for them between two kernel calls.

A step of a second-order optimizer can take half a minute, so the problem itself looks: what it
raises leaves `hfopt.minimize` as if the step had not begun, and the step is done again later.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt import Gradient, Linearization, Problem, Structural, Tangent
from hfopt.vectors import Vector

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interrupted(Exception):
    """A signal asked the run to end; the message is its name."""


class Flag:
    """Which signal has come, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self.signal is not None:
            raise Interrupted(self.signal.name)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal; a second SIGINT does not wait."""
        if number == signal.SIGINT and self.signal is signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)


@contextmanager
def watching() -> Iterator[Flag]:
    """Let SIGTERM, SIGUSR1 and SIGINT set a flag for the time of the block.

    Python delivers signals to the main thread alone; in any other the flag is never set.
    """
    flag = Flag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = {number: signal.signal(number, flag.handle) for number in SIGNALS}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Watched:
    """A problem that calls ``check`` before each of its passes."""

    problem: Problem[Any]
    check: Callable[[], None]

    def value(self, theta: Vector, batch: Any) -> float:
        """As `hfopt.Problem.value`."""
        self.check()
        return self.problem.value(theta, batch)

    def gradient(self, theta: Vector, batch: Any, *, squares: bool = False) -> Gradient:
        """As `hfopt.Problem.gradient`."""
        self.check()
        return self.problem.gradient(theta, batch, squares=squares)

    def linearize(self, theta: Vector, batch: Any) -> WatchedLinearization:
        """As `hfopt.Problem.linearize`."""
        self.check()
        return WatchedLinearization(self.problem.linearize(theta, batch), self.check)


@dataclass(frozen=True)
class WatchedLinearization:
    """A linearization whose products call ``check`` first."""

    linear: Linearization
    check: Callable[[], None]

    @property
    def value(self) -> float:
        """As `hfopt.Linearization.value`."""
        return self.linear.value

    @property
    def gradient(self) -> NDArray[np.float64]:
        """As `hfopt.Linearization.gradient`."""
        return self.linear.gradient

    @property
    def squares(self) -> NDArray[np.float64] | None:
        """As `hfopt.Linearization.squares`."""
        return self.linear.squares

    @property
    def state(self) -> Any:
        """As `hfopt.Linearization.state`."""
        return self.linear.state

    @property
    def size(self) -> int:
        """As `hfopt.Linearization.size`."""
        return self.linear.size

    def jvp(self, v: NDArray[np.float64]) -> Tangent:
        """As `hfopt.Linearization.jvp`."""
        self.check()
        return self.linear.jvp(v)

    def vjp(
        self, outputs: NDArray[np.floating], states: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """As `hfopt.Linearization.vjp`."""
        self.check()
        return self.linear.vjp(outputs, states)

    def loss_curvature(self, outputs: NDArray[np.floating]) -> NDArray[np.floating]:
        """As `hfopt.Linearization.loss_curvature`."""
        return self.linear.loss_curvature(outputs)

    def state_curvature(
        self, states: NDArray[np.floating], structural: Structural
    ) -> NDArray[np.floating]:
        """As `hfopt.Linearization.state_curvature`."""
        return self.linear.state_curvature(states, structural)

    def operator(
        self, damping: float = 0.0, structural: float | Structural = 0.0
    ) -> LinearOperator:
        """As `hfopt.Linearization.operator`."""
        inner = self.linear.operator(damping, structural)

        def product(v: NDArray[Any]) -> NDArray[Any]:
            self.check()
            return np.asarray(inner.matvec(v))

        return LinearOperator(inner.shape, matvec=product, rmatvec=product, dtype=inner.dtype)
