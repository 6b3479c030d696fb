"""The echo state property, watched: states from different starts under the same drive.

A system has it if the inputs alone decide its state in the long run (Jaeger 2001, GMD report 148;
Yildiz, Jaeger & Kiebel 2012, Neural Networks 35:1): states from any two starts approach. Whether
they do is a matter of the drive too, so it is measured under a given one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from reservoir.analysis.driven import System
from reservoir.analysis.paths import STEPS, one_series
from reservoir.analysis.tangents import Array
from reservoir.errors import DataError
from reservoir.weights.arguments import fraction, whole
from reservoir.weights.seeds import generator

ROUNDING = 4096.0  # times the precision: distances below this part of the first are noise
FALL = 1.0  # of the logarithm over the later half, from which on states count as approaching


class Forgetting(Enum):
    """Whether the start was forgotten while it was watched."""

    FORGOTTEN = "forgotten"
    NOT_YET = "not yet"
    NEVER = "never"


@dataclass(frozen=True)
class Contraction:
    """Distances of states that began apart, by step."""

    distances: Array  # (starts, T + 1) Euclidean, from the trajectory that began at zero
    tolerance: float  # part of the first distance below which a start is forgotten
    outcome: Forgetting
    time: float  # steps after which all starts are and stay forgotten; infinite if they are not
    rate: float  # by which the logarithm of the distance changes a step; negative: it falls
    fitted: tuple[int, int]  # first and last step of the fit

    @property
    def relative(self) -> Array:
        """The distances in units of the first, (starts, T + 1)."""
        return np.asarray(self.distances / self.distances[:, :1])

    @property
    def time_scale(self) -> float:
        """Steps in which the distance falls by a factor of e; infinite if it does not fall."""
        return -1.0 / self.rate if self.rate < 0.0 else math.inf

    @property
    def message(self) -> str:
        """One sentence."""
        steps, part = self.distances.shape[1] - 1, f"{self.tolerance:g} of its first distance"
        if self.outcome is Forgetting.FORGOTTEN:
            scale = f"by e in {self.time_scale:.3g} steps"
            return f"forgotten: below {part} after {self.time:.0f} steps, falling {scale}"
        if self.outcome is Forgetting.NOT_YET:
            scale = f"by e in {self.time_scale:.3g} steps"
            return f"not yet: above {part} after {steps} steps, falling {scale}"
        left = float(self.relative[:, -1].max())
        return f"not in {steps} steps: {left:.2g} of the first distance is left, not falling"


def contraction(
    system: System,
    inputs: Any,
    *,
    starts: int = 8,
    tolerance: float = 1e-3,
    random_state: Any = 0,
) -> Contraction:
    """Drive a system from different starts by the same inputs.

    Parameters
    ----------
    system : System
        From `esn_system`, `model_system`, `reservoir_system` or `network_system`.
    inputs : (T, K)
        One series of at least one step.
    starts : int, default 8
        Random states, uniform in [-1, 1], beside the zero state that they are compared with.
    tolerance : float, default 1e-3
        A start is forgotten when its distance has fallen below this part of its first one, for
        good as far as is seen. Of float32 states, below some 1e-5 is rounding.
    random_state : int, Generator or None
        Of the starts.

    Returns
    -------
    Contraction
        ``rate`` is the slope of a line through the mean logarithm of the distances over the later
        half of the steps before the first of them meets rounding. ``NEVER`` says that over these
        steps it fell by less than a factor of e: chaos, or several attractors, or a series that is
        short beside the time scale.

    Raises
    ------
    DataError
        An argument is out of its range, the inputs are not one series of the system's columns, or
        the states leave the range of floats.

    Notes
    -----
    Memory does not grow with T but for the distances.
    """
    starts = whole("starts", starts, least=1)
    tolerance = fraction("tolerance", tolerance)
    series = one_series(inputs)
    if series.columns != system.columns:
        raise DataError(f"inputs: expected {system.columns} columns, got {series.columns}")
    x = np.zeros((starts + 1, system.size))
    x[1:] = generator(random_state).uniform(-1.0, 1.0, (starts, system.size))
    distances = [np.linalg.norm(x[1:] - x[0], axis=1)[:, None]]
    for begin in range(0, series.lengths[0], STEPS):
        rows = series.read(0, begin, min(begin + STEPS, series.lengths[0]))
        states = system.run(np.broadcast_to(rows, (starts + 1, *rows.shape)), x)
        apart = np.linalg.norm(states[1:] - states[0], axis=2)
        if not np.isfinite(apart).all():
            step = begin + int(np.argmin(np.isfinite(apart).all(axis=0)))
            raise DataError(f"the states of step {step} are not finite, or overflow")
        distances.append(apart)
        x = states[:, -1]
    return _judged(np.concatenate(distances, axis=1), tolerance, system.precision)


def _judged(distances: Array, tolerance: float, precision: float) -> Contraction:
    relative = distances / distances[:, :1]
    rate, first, last = _fit(relative, ROUNDING * precision)
    apart = np.flatnonzero((relative >= tolerance).any(axis=0))  # step 0 at least
    time = int(apart[-1]) + 1
    if time < relative.shape[1]:
        outcome, found = Forgetting.FORGOTTEN, float(time)
    else:
        falling = rate * (last - first) < -FALL
        outcome, found = Forgetting.NOT_YET if falling else Forgetting.NEVER, math.inf
    return Contraction(distances, tolerance, outcome, found, rate, (first, last))


def _fit(relative: Array, floor: float) -> tuple[float, int, int]:
    """Slope of the mean logarithm, and the steps that it was fitted to.

    The last of them may be at rounding already, where distances count as the floor: of states that
    meet at once, no other step is left.
    """
    lost = np.flatnonzero((relative <= floor).any(axis=0))
    last = int(lost[0]) if lost.size else relative.shape[1] - 1
    first = last // 2
    logs = np.log(np.maximum(relative[:, first : last + 1], floor)).mean(axis=0)
    return float(np.polyfit(np.arange(logs.size), logs, 1)[0]), first, last
