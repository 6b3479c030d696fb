"""Noiseless memorization and copying: symbols are shown once and asked for after a lag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.tasks.drawing import Array, Ints, arguments, flag, one_hot
from reservoir.tasks.protocol import SOLVED, Control
from reservoir.tasks.sample import Sample, every_step
from reservoir.tasks.scoring import all_rows, chosen, wrong_labels
from reservoir.weights.arguments import one_of, whole

SCORED = ("all", "recall")
TRIGGERS = ("before", "with")
PATTERNS = 100_000  # at most so many are listed


@dataclass(frozen=True)
class Recall:
    """Symbols, a lag of blanks, a trigger, and the symbols again, as outputs.

    The columns of the inputs are the values, the blank and the trigger; those of the outputs the
    values and the blank, which is the target of every step that recalls nothing. A sequence has
    T + 2 ``symbols`` steps.

    Parameters
    ----------
    name : str
        What the task is called.
    length : int
        T, at least 1: the lag. A symbol is asked for ``symbols`` + T steps after it was shown.
    symbols : int
        How many symbols are remembered.
    values : int
        How many values a symbol may have, at least 2.
    variable : bool, default False
        Each sequence has a lag of its own, 1 to T, equally likely; blanks fill it up.
    scored : {"all", "recall"}, default "all"
        Whether all steps count in loss and success, or those alone that recall a symbol.
    trigger : {"before", "with"}, default "before"
        The trigger is the last of the T steps of the lag, or the input of the first step that
        recalls a symbol.

    Notes
    -----
    memorization_5bit is five symbols of two values, memorization_20bit ten of five (2^23
    patterns): Martens & Sutskever (2011), ICML, with the details of Sutskever's thesis (2013),
    section 4.4.5, after Jaeger (2012), "Long short-term memory in echo state networks: details
    of a simulation study", Jacobs University, report 27. The program of Pascanu, Mikolov & Bengio
    (2013) has the trigger "with" the first symbol. That of Sutskever counts the whole sequence as
    T, lets blank and trigger share their inputs with two of the values, and has all 32 patterns
    of the first task in its batch, as `patterns` gives. Both score all steps; to score the
    recalled ones alone is an option of the latter. Whether one wrong symbol makes a sequence wrong
    is not said in the papers; it does here, and "symbol" is a criterion too.

    copy is ten symbols of eight values: Arjovsky, Shah & Bengio (2016), ICML, and Henaff, Szlam &
    LeCun (2016), ICML, who have T - 1 blanks, a trigger and T + 20 steps, too. copy_variable is
    that with a lag of its own for each sequence, from Henaff et al.; as told by Tallec & Ollivier
    (2018), "Can recurrent neural networks warp time?", ICLR, the blanks before the trigger are 1
    to T, here 0 to T - 1, so that the longest lag is that of copy. Without memory, but knowing
    when to answer, the loss is 10 ln 8 / (T + 20). No criterion of success is published.
    """

    name: str
    length: int
    symbols: int
    values: int
    variable: bool = False
    scored: str = "all"
    trigger: str = "before"

    def __post_init__(self) -> None:
        whole("length", self.length, least=1)
        whole("symbols", self.symbols, least=1)
        whole("values", self.values, least=2)
        flag("variable", self.variable)
        one_of("scored", self.scored, SCORED)
        one_of("trigger", self.trigger, TRIGGERS)

    @property
    def inputs(self) -> int:
        return self.values + 2

    @property
    def outputs(self) -> int:
        return self.values + 1

    @property
    def loss(self) -> str:
        return "softmax_cross_entropy"

    @property
    def at(self) -> str:
        return "every"

    @property
    def criteria(self) -> tuple[str, ...]:
        return ("sequence", "symbol")

    @property
    def steps(self) -> tuple[int, int]:
        return self.length + 2 * self.symbols, self.length + 2 * self.symbols

    def draw(
        self, sequences: int, rng: int | np.random.Generator, *, dtype: str = "float32"
    ) -> Sample:
        """Draw fresh sequences; see `Task.draw`. Targets are labels each, the blank the last."""
        count, source, kind = arguments(sequences, rng, dtype)
        pattern = source.integers(0, self.values, (count, self.symbols))
        lag = np.full(count, self.length)
        if self.variable:
            lag = source.integers(1, self.length, count, endpoint=True)
        return self._sample(pattern, lag, kind)

    def patterns(self, *, dtype: str = "float32") -> Sample:
        """Each possible sequence once: all that there is to test.

        Raises
        ------
        DataError
            There are more than 100,000, or lags vary.
        """
        kind = np.dtype(one_of("dtype", dtype, ("float32", "float64")))
        count = self.values**self.symbols
        if self.variable or count > PATTERNS:
            what = "lags vary" if self.variable else f"there are {count} patterns"
            raise DataError(f"{what}: they are not listed, draw some")
        places = self.values ** np.arange(self.symbols)[::-1]
        pattern = np.arange(count)[:, None] // places % self.values
        return self._sample(pattern, np.full(count, self.length), kind)

    def _sample(self, pattern: Array, lag: Ints, kind: np.dtype[Any]) -> Sample:
        rows, blank = np.arange(len(lag)), self.values
        shape = (len(lag), self.steps[0])
        shown, labels = np.full(shape, blank), np.full(shape, blank)
        shown[:, : self.symbols] = pattern
        recall = self.symbols + lag
        shown[rows, recall - (self.trigger == "before")] = blank + 1
        labels[rows[:, None], recall[:, None] + np.arange(self.symbols)] = pattern
        scored = labels != blank if self.scored == "recall" else None
        return every_step(one_hot(shown, self.inputs, kind), labels, scored)

    def wrong(self, outputs: Any, sample: Sample, criterion: str | None = None) -> float:
        """The fraction of sequences, or of symbols, that are wrong; see `Task.wrong`.

        Parameters
        ----------
        criterion : {"sequence", "symbol"}
            Sequences with a wrong output (another is the largest) at any scored step; or recalled
            symbols that are wrong.
        """
        criterion = chosen(criterion, self.criteria)
        labels = np.concatenate(sample.targets)
        bad = wrong_labels(all_rows(outputs, sample, self.outputs), labels)
        if criterion == "symbol":
            return float(bad[labels != self.values].mean())
        if sample.weights is not None:
            bad &= np.concatenate(sample.weights) > 0.0
        return float(bad.reshape(len(sample), -1).any(axis=1).mean())

    def solved(self, outputs: Any, sample: Sample, criterion: str | None = None) -> bool:
        """Whether less than 1 % of the sequences, or symbols, is wrong."""
        return self.wrong(outputs, sample, criterion) < SOLVED

    def control(self, criterion: str | None = None) -> Control:
        """Blanks where nothing is recalled, and all values equally likely where a symbol is."""
        symbol = chosen(criterion, self.criteria) == "symbol"
        steps = self.steps[0] if self.scored == "all" else self.symbols
        loss = self.symbols * math.log(self.values) / steps
        wrong = 1.0 - self.values ** -(1.0 if symbol else float(self.symbols))
        return Control(loss, 0.0, wrong, wrong)
