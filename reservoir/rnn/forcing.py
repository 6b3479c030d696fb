"""Teacher forcing: how often a generator in training is given targets, and how it is judged free.

Forced, a network gets at each step the target of the step before, which keeps it on the path of
the targets (Williams and Zipser 1989; Doya 1992); free, its own output; or either by chance, a
target with a probability that falls with the steps of the optimizer (scheduled sampling: Bengio,
Vinyals, Jaitly and Shazeer 2015, NIPS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfopt import Schedule, schedule
from hfopt.schedules import at
from reservoir.errors import DataError
from reservoir.rnn.model import Model
from reservoir.weights.arguments import whole


@dataclass(frozen=True)
class Forcing:
    """How a generator is trained.

    Parameters
    ----------
    probability : float, str or callable
        That a step of a sequence is given the target of the step before: 1 forces all, 0 is a free
        run from the first step on. Or a schedule: a callable from the step of the optimizer, or a
        text (`hfopt.schedule`). Those of Bengio et al. (2015) are ``linear:INITIAL:FINAL:STEPS``,
        ``exponential:INITIAL:FACTOR`` and ``sigmoid:STEPS``.
    held : bool
        As `Feedback.held`.
    free_run : int, optional
        Steps at the end of each sequence of a validation that run free, after a forced start.

    Raises
    ------
    DataError
        A probability beyond [0, 1] or a text that is no schedule.
    """

    probability: Schedule | str = 1.0
    held: bool = False
    free_run: int | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "probability", schedule(self.probability))
        except ValueError as error:
            raise DataError(f"forcing: {error}") from None
        if not callable(self.probability):
            self.at(0)  # in [0, 1]
        if self.free_run is not None:
            whole("free_run", self.free_run, least=1)

    @property
    def mixes(self) -> bool:
        """Whether own outputs may come back in training."""
        return callable(self.probability) or self.probability != 1.0

    def check(
        self, *, second_order: bool, squares: bool, omega: bool, truncated: bool, feedback: bool
    ) -> None:
        """Refuse what a training cannot have together.

        Parameters
        ----------
        second_order : bool
            Whether the optimizer is Hessian-free.
        squares : bool
            Whether its preconditioner takes squared gradients of single sequences.
        omega : bool
            Whether the regularizer Omega is asked for.
        truncated : bool
            Whether batches are segments of sequences.
        feedback : bool
            As `Model.feedback`.

        Raises
        ------
        DataError
            The message says why.
        """
        if truncated and (self.mixes or feedback):
            raise DataError(
                "truncation is for inputs that are given: segments hand on neither own outputs "
                "(forcing below 1) nor the targets of feedback"
            )
        if not self.mixes:
            return
        if self.held and second_order:
            raise DataError(
                "outputs that are held constant have no gradient of any objective, which "
                "Hessian-free steps have to lower; take a first-order optimizer, or let "
                "derivatives go through them"
            )
        for asked, what in ((omega, "Omega"), (squares, "the Fisher preconditioner")):
            if asked:
                raise DataError(
                    f"{what} follows derivatives along the recurrence alone; own outputs that come "
                    "back (forcing below 1) lead them through the inputs too"
                )

    def at(self, step: int) -> float:
        """The probability at a step of the optimizer."""
        assert not isinstance(self.probability, str)
        try:
            found = at(self.probability, step)
        except ValueError as error:
            raise DataError(f"forcing: {error}") from None
        if not 0.0 <= found <= 1.0:
            raise DataError(f"forcing: {found:g} at step {step}; expected a probability in [0, 1]")
        return found

    def own(
        self, seed: Sequence[int], step: int, lengths: Sequence[int]
    ) -> list[NDArray[np.bool_]] | None:
        """Which steps of some sequences get own outputs, never the first; None if none does.

        The same for the same seed, step and lengths; with more sequences, those before have the
        same steps.
        """
        probability = self.at(step)
        if probability == 1.0:
            return None
        rng = np.random.default_rng([*seed, step])
        found = [rng.random(steps) >= probability for steps in lengths]
        for one in found:
            one[:1] = False
        return found


def free_run_loss(
    model: Model, inputs: Any, targets: Any, steps: int, weights: Any = None
) -> float:
    """The loss of the last ``steps`` steps of each sequence, free after a forced start.

    The first of these steps still is given a true value; shorter sequences are free from their
    second step on.

    Parameters
    ----------
    model : Model
        A generator with targets at every step.
    inputs, targets, weights
        As `Model.batch` takes them.
    """
    lengths = [len(one) for one in inputs]
    begins = [max(0, length - steps) for length in lengths]
    own, counted = [], []
    for i, (length, begin) in enumerate(zip(lengths, begins, strict=True)):
        own.append(np.arange(length) > begin)
        free = (np.arange(length) >= begin).astype(np.float64)
        counted.append(free if weights is None else free * np.asarray(weights[i]))
    batch = model.batch(inputs, targets, counted, own)
    return float(model.network.value(model.theta, batch))
