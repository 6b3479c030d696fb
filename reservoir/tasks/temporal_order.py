"""Temporal order: which of two symbols came first, and which after it, among distractors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.tasks.drawing import arguments, between, classes, flag, lengths, one_hot
from reservoir.tasks.protocol import SOLVED, Control
from reservoir.tasks.sample import Sample, last_step
from reservoir.tasks.scoring import chosen, last_rows, wrong_labels, wrong_units
from reservoir.weights.arguments import one_of, whole

SOURCES = ("martens2011", "hochreiter1997")
DISTRACTORS = 4
# First and last step of each symbol, in hundredths of T, counted from 1.
PLACES = {
    ("martens2011", 2): ((10, 20), (50, 60)),
    ("martens2011", 3): ((10, 20), (30, 40), (60, 70)),
    ("hochreiter1997", 2): ((10, 20), (50, 60)),
    ("hochreiter1997", 3): ((10, 20), (33, 43), (66, 76)),
}


@dataclass(frozen=True)
class TemporalOrder:
    """Sequences of one-hot symbols; the class at their end is the order of a few X and Y.

    The columns of the inputs are X, Y, the distractors a, b, c, d and, in the form of 1997, the
    start E and the trigger B. Labels count in binary, X = 0 and Y = 1, the first symbol being the
    highest bit: XX, XY, YX, YY.

    Parameters
    ----------
    length : int
        T, at least 10 (20 in the form of 1997).
    bits : {2, 3}, default 2
        How many symbols to remember: 4 or 8 classes. "3-bit temporal order" has three.
    source : {"martens2011", "hochreiter1997"}, default "martens2011"
        Whose form, see the notes.
    balanced : bool, default False
        Classes are dealt out in turn, so that any stretch of sequences has them equally often.

    Notes
    -----
    Martens & Sutskever (2011), ICML, with the details of Sutskever's thesis (2013), sections
    4.4.2 and 4.4.3: T steps of six symbols; X or Y are at steps T/10 to 2T/10 and 5T/10 to
    6T/10, counted from 1, or T/10 to 2T/10, 3T/10 to 4T/10 and 6T/10 to 7T/10. Pascanu, Mikolov
    & Bengio (2013) have the same, counted from 0 and without the upper ends. Success is the right
    class, that of the largest output, in more than 99 % of 10,000 fresh sequences.

    Hochreiter & Schmidhuber (1997), experiments 6a and 6b: T to 1.1 T steps of eight symbols, E
    first and B last; X or Y are at T/10 to 2T/10 and 5T/10 to 6T/10, or (for T = 100) at 10 to
    20, 33 to 43 and 66 to 76. A sequence is right if all outputs are off by less than 0.3:
    the criterion "units". They trained logistic outputs by squared error; here the loss is the
    softmax cross-entropy in any case.

    The program that Sutskever published is a third form: T to 1.1 T steps of eight symbols, the
    second symbol at 4T/10 to 5T/10, or the three at 1 to 10, 30 to 40 and 50 to 60 of 100, and
    classes in turn, as with ``balanced``.
    """

    length: int
    bits: int = 2
    source: str = "martens2011"
    balanced: bool = False

    def __post_init__(self) -> None:
        one_of("source", self.source, SOURCES)
        whole("length", self.length, least=10 if self.source == "martens2011" else 20)
        if whole("bits", self.bits, least=2) > 3:
            raise DataError(f"bits must be 2 or 3, got {self.bits!r}")
        flag("balanced", self.balanced)

    @property
    def name(self) -> str:
        return "temporal_order" if self.bits == 2 else "temporal_order_3bit"

    @property
    def inputs(self) -> int:
        return 2 + DISTRACTORS + (2 if self.source == "hochreiter1997" else 0)

    @property
    def outputs(self) -> int:
        return 1 << self.bits

    @property
    def loss(self) -> str:
        return "softmax_cross_entropy"

    @property
    def at(self) -> str:
        return "last"

    @property
    def criteria(self) -> tuple[str, ...]:
        return ("largest", "units") if self.source == "martens2011" else ("units", "largest")

    @property
    def steps(self) -> tuple[int, int]:
        more = self.length // 10 if self.source == "hochreiter1997" else 0
        return self.length, self.length + more

    def draw(
        self, sequences: int, rng: int | np.random.Generator, *, dtype: str = "float32"
    ) -> Sample:
        """Draw fresh sequences; see `Task.draw`. Targets are labels (B,)."""
        count, source, kind = arguments(sequences, rng, dtype)
        old = self.source == "hochreiter1997"
        steps = lengths(self.length, count, source) if old else np.full(count, self.length)
        symbols = source.integers(2, 2 + DISTRACTORS, (count, int(steps.max())), np.int8)
        labels = classes(self.outputs, count, source, balanced=self.balanced)
        rows = np.arange(count)
        for k, (low, high) in enumerate(PLACES[self.source, self.bits]):
            place = between(self.length * low // 100 - 1, self.length * high // 100, count, source)
            symbols[rows, place] = labels >> (self.bits - 1 - k) & 1
        if old:
            symbols[:, 0] = 2 + DISTRACTORS
            symbols[rows, steps - 1] = 3 + DISTRACTORS
        return last_step(one_hot(symbols, self.inputs, kind), steps, labels)

    def wrong(self, outputs: Any, sample: Sample, criterion: str | None = None) -> float:
        """The fraction of sequences that are wrong; see `Task.wrong`.

        Parameters
        ----------
        criterion : {"largest", "units"}
            The largest output is another than the label's; or any of the probabilities that the
            outputs stand for is off by 0.3 or more.
        """
        criterion = chosen(criterion, self.criteria)
        rows = last_rows(outputs, sample, self.outputs)
        if criterion == "units":
            return float(wrong_units(rows, sample.targets, self.loss).mean())
        return float(wrong_labels(rows, sample.targets).mean())

    def solved(self, outputs: Any, sample: Sample, criterion: str | None = None) -> bool:
        """Whether less than 1 % of the sequences is wrong."""
        return self.wrong(outputs, sample, criterion) < SOLVED

    def control(self, criterion: str | None = None) -> Control:
        """All classes equally likely."""
        guess = 1.0 - 1.0 / self.outputs
        units = chosen(criterion, self.criteria) == "units"
        return Control(math.log(self.outputs), 0.0, 1.0 if units else guess, guess)
