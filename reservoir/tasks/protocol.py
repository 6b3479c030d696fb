"""What the generated tasks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from reservoir.tasks.sample import Sample

SOLVED = 0.01  # a task is solved if a smaller fraction of fresh sequences is wrong
FRESH = 10_000  # sequences on which Martens & Sutskever (2011) and Pascanu et al. (2013) decide


@dataclass(frozen=True)
class Control:
    """What is had without memory: by the best predictor that knows the step but no input.

    Attributes
    ----------
    loss : float
        Its expected loss, as a network gives it: the mean over scored targets. For the squared
        error that is half the mean square that papers print.
    floor : float
        The least expected loss of all, that of a perfect memory.
    wrong : float
        The fraction of sequences that this predictor gets wrong.
    least_wrong : float
        The smallest fraction wrong that any predictor without memory has.
    """

    loss: float
    floor: float
    wrong: float
    least_wrong: float


class Task(Protocol):
    """A generated benchmark: sequences, a criterion, and what is had without memory."""

    @property
    def name(self) -> str:
        """The name that `reservoir.tasks.task` knows."""

    @property
    def inputs(self) -> int:
        """Columns K of the inputs."""

    @property
    def outputs(self) -> int:
        """Columns M of a network's linear outputs."""

    @property
    def loss(self) -> str:
        """The name of the matching loss."""

    @property
    def at(self) -> str:
        """ "last": one target a sequence; "every": one a step."""

    @property
    def criteria(self) -> tuple[str, ...]:
        """By what a sequence may be called wrong; the first is the default."""

    @property
    def steps(self) -> tuple[int, int]:
        """Least and most steps of a sequence."""

    def draw(
        self, sequences: int, rng: int | np.random.Generator, *, dtype: str = "float32"
    ) -> Sample:
        """Draw fresh sequences.

        Parameters
        ----------
        sequences : int
            How many, B.
        rng : Generator or int
            A Generator is drawn from, and so gives other sequences the next time; a number is the
            seed of one made here. The same state, the same sequences, in either dtype.
        dtype : {"float32", "float64"}
            Of the inputs, which are float32 numbers in either. Targets that are no labels are
            float64, computed from the inputs without rounding.

        Raises
        ------
        DataError
            An argument is out of range.
        """

    def wrong(self, outputs: Any, sample: Sample, criterion: str | None = None) -> float:
        """The fraction of sequences (or symbols) that linear outputs get wrong.

        Parameters
        ----------
        outputs : list of (T_i, M), or (B, T, M)
            As `reservoir.rnn.Network.predict` gives them: before the output function. If targets
            are at the last step, (B, M) may be the outputs of that step alone.
        sample : Sample
            That the outputs belong to.
        criterion : str, optional
            One of `criteria`. Outputs that are not finite are wrong by any of them.

        Raises
        ------
        DataError
            The criterion is unknown, or outputs and sample do not belong together.
        """

    def solved(self, outputs: Any, sample: Sample, criterion: str | None = None) -> bool:
        """Whether less than 1 % is wrong; published on 10,000 fresh sequences (`FRESH`)."""

    def control(self, criterion: str | None = None) -> Control:
        """What is had without memory, in closed form."""
