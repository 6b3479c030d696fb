"""When training ends early: the loss of whole passes is watched, on held-out data or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hfopt import Progress
from reservoir.rnn.parameters import Flat


class Stopping:
    """A callback of `hfopt.minimize` that stops when passes no longer improve the loss.

    Parameters
    ----------
    steps : int
        Of a pass, or of as many passes as are watched together.
    patience : int
        Passes in a row without improvement that stop the run.
    tol : float
        The relative improvement over the best loss that counts.
    validate : callable or None
        The loss of held-out data at some parameters. None: the mean loss of the pass's steps is
        watched.
    best : ndarray, optional
        Parameters of a fit before, which stay the best ones until others have a lower loss of
        held-out data; they do not count for the patience.

    Attributes
    ----------
    losses : list of float
        Of each step, as the optimizer knows it.
    watched : list of float
        Of each pass.
    best : float
    theta : ndarray or None
        The parameters of the best loss of held-out data; None without such data.
    """

    def __init__(
        self,
        steps: int,
        patience: int,
        tol: float,
        validate: Callable[[Flat], float] | None,
        best: Flat | None = None,
    ) -> None:
        self._steps, self._patience, self._tol, self._validate = steps, patience, tol, validate
        self.losses: list[float] = []
        self.watched: list[float] = []
        self.best, self.theta = math.inf, None  # type: float, Flat | None
        if validate is not None and best is not None and (loss := validate(best)) < math.inf:
            self.best, self.theta = loss, best
        self._to_beat, self._since = math.inf, 0

    def __call__(self, progress: Progress[Any, Any]) -> bool:
        """Whether to stop."""
        state = progress.state
        self.losses.append(float(state.value))
        if state.step % self._steps:
            return False
        if self._validate is None:
            part = self.losses[-self._steps :]
            loss = sum(part) / len(part)
        else:
            loss = self._validate(state.theta)
            if loss < self.best:
                self.theta = state.theta
        self.watched.append(loss)
        self.best = min(self.best, loss)
        margin = self._tol * abs(self._to_beat) if math.isfinite(self._to_beat) else 0.0
        if loss < self._to_beat - margin:
            self._to_beat, self._since = loss, 0
        else:
            self._since += 1
        return self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether the patience is at its end."""
        return self._since >= self._patience
