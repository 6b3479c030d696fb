"""The adding problem of fixed length, as the papers on orthogonal networks have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.tasks import laws
from reservoir.tasks.drawing import arguments, between
from reservoir.tasks.protocol import SOLVED, Control
from reservoir.tasks.sample import Sample, last_step
from reservoir.tasks.scoring import chosen, last_rows, wrong_values
from reservoir.weights.arguments import one_of, whole

MARKS = ("halves", "anywhere")


@dataclass(frozen=True)
class Adding:
    """The sum of two marked numbers, after exactly T steps.

    Parameters
    ----------
    length : int
        T, at least 2: every sequence has T steps.
    marks : {"halves", "anywhere"}, default "halves"
        One mark in each half of the sequence, or two different steps of the whole.

    Notes
    -----
    "halves": Arjovsky, Shah & Bengio (2016), "Unitary evolution recurrent neural networks",
    ICML, and Henaff, Szlam & LeCun (2016), "Recurrent orthogonal networks and long-memory
    tasks", ICML. "anywhere": Le, Jaitly & Hinton (2015), "A simple way to initialize recurrent
    networks of rectified linear units", arXiv:1504.00941. Numbers are uniform on [0, 1], marks 1
    or 0; the target is the sum, not half of it as in "addition". Papers print the mean square,
    twice our loss: the variance of the target, 1/6 = 0.167, is the mark to pass. They have no
    criterion of success; that of Hochreiter & Schmidhuber is used, an error below 0.04, which is
    twice as strict here, where the target is twice as large.
    """

    length: int
    marks: str = "halves"

    def __post_init__(self) -> None:
        whole("length", self.length, least=2)
        one_of("marks", self.marks, MARKS)

    @property
    def name(self) -> str:
        return "adding"

    @property
    def inputs(self) -> int:
        return 2

    @property
    def outputs(self) -> int:
        return 1

    @property
    def loss(self) -> str:
        return "squared_error"

    @property
    def at(self) -> str:
        return "last"

    @property
    def criteria(self) -> tuple[str, ...]:
        return ("absolute", "squared")

    @property
    def steps(self) -> tuple[int, int]:
        return self.length, self.length

    def draw(
        self, sequences: int, rng: int | np.random.Generator, *, dtype: str = "float32"
    ) -> Sample:
        """Draw fresh sequences; see `Task.draw`."""
        count, source, kind = arguments(sequences, rng, dtype)
        x = np.zeros((count, self.length, 2), kind)
        x[:, :, 0] = source.random((count, self.length), np.float32)
        if self.marks == "halves":
            first = between(0, self.length // 2, count, source)
            second = between(self.length // 2, self.length, count, source)
        else:
            first = between(0, self.length, count, source)
            second = between(0, self.length - 1, count, source)
            second += second >= first
        rows = np.arange(count)
        x[rows, first, 1] = 1.0
        x[rows, second, 1] = 1.0
        target = x[rows, first, 0].astype(np.float64) + x[rows, second, 0]
        return last_step(x, np.full(count, self.length), target[:, None])

    def wrong(self, outputs: Any, sample: Sample, criterion: str | None = None) -> float:
        """The fraction of sequences that are wrong; see `Task.wrong`.

        Parameters
        ----------
        criterion : {"absolute", "squared"}
            An error of at least 0.04, or a squared error above 0.04.
        """
        criterion = chosen(criterion, self.criteria)
        rows = last_rows(outputs, sample, self.outputs)
        return float(wrong_values(rows, sample.targets, criterion).mean())

    def solved(self, outputs: Any, sample: Sample, criterion: str | None = None) -> bool:
        """Whether less than 1 % of the sequences is wrong."""
        return self.wrong(outputs, sample, criterion) < SOLVED

    def control(self, criterion: str | None = None) -> Control:
        """The constant 1: a loss of 1/12, a mean square of 1/6."""
        law = laws.Law(1.0, 1.0 / 6.0, laws.triangular(0.0, 2.0), 1.0)
        return law.control(chosen(criterion, self.criteria))
