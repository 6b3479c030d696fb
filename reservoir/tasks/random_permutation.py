"""Random permutation: the last symbol of a random sequence is the first one again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.tasks.drawing import arguments, classes, flag, one_hot
from reservoir.tasks.protocol import SOLVED, Control
from reservoir.tasks.sample import Sample, every_step
from reservoir.tasks.scoring import chosen, last_rows, wrong_labels
from reservoir.weights.arguments import one_of, whole

SCORED = ("all", "last")


@dataclass(frozen=True)
class RandomPermutation:
    """Predict the next symbol; only the last one can be known, and only from the first input.

    Parameters
    ----------
    length : int
        T, at least 2: the steps of the inputs, and how long the first symbol is remembered.
    symbols : int, default 100
        Symbols, at least 3: the first two begin and end a sequence, the others fill it.
    scored : {"all", "last"}, default "all"
        Whether the loss is over all predictions or over the last one; success is decided by that
        one in any case.
    balanced : bool, default False
        First symbols are dealt out in turn instead of drawn.

    Notes
    -----
    Martens & Sutskever (2011), ICML, with the details of Sutskever's thesis (2013), section
    4.4.4, after a task of Hochreiter & Schmidhuber (1997), experiment 2: the sequence a, s_2,
    ..., s_T, a has a from {1, 2} and s from {3, ..., 100}, all independent: permuted is nothing
    but the name. The inputs are its first T symbols, the targets the symbols after them. The
    programs of Sutskever and of Pascanu, Mikolov & Bengio (2013) have T inputs, as here; counting
    both ends, as the thesis may, gives one less. The latter score the last prediction alone.
    With all scored, the loss is hardly anything but the logarithm of the other symbols, which
    nobody can predict: compare it with the floor of `control`, not with 0.

    Inputs take 400 bytes a step in float32: 0.8 GB for 10,000 sequences of 200 steps, which a
    draw fills in less time than the system may take to hand them out.
    """

    length: int
    symbols: int = 100
    scored: str = "all"
    balanced: bool = False

    def __post_init__(self) -> None:
        whole("length", self.length, least=2)
        whole("symbols", self.symbols, least=3)
        one_of("scored", self.scored, SCORED)
        flag("balanced", self.balanced)

    @property
    def name(self) -> str:
        return "random_permutation"

    @property
    def inputs(self) -> int:
        return self.symbols

    @property
    def outputs(self) -> int:
        return self.symbols

    @property
    def loss(self) -> str:
        return "softmax_cross_entropy"

    @property
    def at(self) -> str:
        return "every"

    @property
    def criteria(self) -> tuple[str, ...]:
        return ("largest",)

    @property
    def steps(self) -> tuple[int, int]:
        return self.length, self.length

    def draw(
        self, sequences: int, rng: int | np.random.Generator, *, dtype: str = "float32"
    ) -> Sample:
        """Draw fresh sequences; see `Task.draw`. Targets are labels (T,) each."""
        count, source, kind = arguments(sequences, rng, dtype)
        sequence = source.integers(2, self.symbols, (count, self.length + 1))
        sequence[:, 0] = classes(2, count, source, balanced=self.balanced)
        sequence[:, -1] = sequence[:, 0]
        scored = None
        if self.scored == "last":
            scored = np.zeros((count, self.length), np.bool_)
            scored[:, -1] = True
        return every_step(one_hot(sequence[:, :-1], self.inputs, kind), sequence[:, 1:], scored)

    def wrong(self, outputs: Any, sample: Sample, criterion: str | None = None) -> float:
        """The fraction of sequences whose last prediction is wrong; see `Task.wrong`.

        Parameters
        ----------
        criterion : "largest"
            The largest output is another than the label's.
        """
        chosen(criterion, self.criteria)
        labels = np.array([one[-1] for one in sample.targets])
        return float(wrong_labels(last_rows(outputs, sample, self.outputs), labels).mean())

    def solved(self, outputs: Any, sample: Sample, criterion: str | None = None) -> bool:
        """Whether less than 1 % of the last predictions is wrong."""
        return self.wrong(outputs, sample, criterion) < SOLVED

    def control(self, criterion: str | None = None) -> Control:
        """One of the other symbols before the last step, one of the first two there."""
        chosen(criterion, self.criteria)
        if self.scored == "last":
            return Control(math.log(2.0), 0.0, 0.5, 0.5)
        floor = (self.length - 1) * math.log(self.symbols - 2) / self.length
        return Control(floor + math.log(2.0) / self.length, floor, 0.5, 0.5)
