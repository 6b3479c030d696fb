"""When a sequence is wrong: criteria on linear outputs, of the last step or of all steps.

What is not finite is wrong: comparisons are written so that NaN fails them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfopt.losses import LOSSES
from reservoir.errors import DataError
from reservoir.tasks.sample import Sample
from reservoir.weights.arguments import one_of

Array = NDArray[Any]
Bools = NDArray[np.bool_]

ABSOLUTE = 0.04  # |e|, Hochreiter & Schmidhuber (1997), experiments 4 and 5
SQUARED = 0.04  # e^2, Pascanu, Mikolov & Bengio (2013), section 4.1.2
UNITS = 0.3  # |e| of all output units, Hochreiter & Schmidhuber (1997), experiment 6


def chosen(criterion: str | None, criteria: tuple[str, ...]) -> str:
    """The criterion, by default the first; a DataError offers the nearest."""
    return criteria[0] if criterion is None else one_of("criterion", criterion, criteria)


def wrong_values(outputs: Array, targets: Array, criterion: str) -> Bools:
    """Of each row, whether a number misses its target: by "absolute" or "squared" error."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.asarray(outputs, np.float64) - targets
        right = np.abs(error) < ABSOLUTE if criterion == "absolute" else error**2 <= SQUARED
    return _any_wrong(right)


def wrong_bits(outputs: Array, targets: Array) -> Bools:
    """Of each row, whether a logistic output is on the wrong side of 1/2."""
    right = ((outputs > 0.0) == (targets > 0.5)) & np.isfinite(outputs)
    return _any_wrong(right)


def wrong_labels(outputs: Array, labels: Array) -> Bools:
    """Of each row, whether the largest output is another than the label's."""
    bad = _any_wrong(np.isfinite(outputs))
    bad |= outputs.argmax(axis=1) != labels
    return bad


def wrong_units(outputs: Array, labels: Array, loss: str) -> Bools:
    """Of each row, whether any output after the output function is off by 0.3 or more."""
    error = LOSSES[loss].mean(np.asarray(outputs, np.float64))
    error = error - (labels[:, None] == np.arange(outputs.shape[1]))
    return _any_wrong(np.abs(error) < UNITS)


def _any_wrong(right: Array) -> Bools:
    """Of each row, whether any of its columns is not right."""
    bad: Bools = np.logical_not(right.all(axis=1))
    return bad


def last_rows(outputs: Any, sample: Sample, columns: int) -> Array:
    """Outputs of the last step of each sequence, (B, M)."""
    if isinstance(outputs, np.ndarray) and outputs.ndim == 2 and sample.at == "last":
        return _checked(outputs, (len(sample), columns), "outputs of the last step")
    series = _series(outputs, sample, columns)
    return np.stack([one[-1] for one in series])


def all_rows(outputs: Any, sample: Sample, columns: int) -> Array:
    """Outputs of all steps, one sequence after the other, (sum of T_i, M)."""
    return np.concatenate(_series(outputs, sample, columns))


def _series(outputs: Any, sample: Sample, columns: int) -> list[Array]:
    """The outputs of each sequence, (T_i, M)."""
    if not isinstance(outputs, np.ndarray | list | tuple) or len(outputs) != len(sample):
        count = len(outputs) if hasattr(outputs, "__len__") else repr(outputs)
        raise DataError(f"outputs: expected those of {len(sample)} sequences, got {count}")
    # the steps that a stack has beyond the end of a shorter sequence are not looked at
    stack = isinstance(outputs, np.ndarray)
    found = []
    for i, (one, inputs) in enumerate(zip(outputs, sample.inputs, strict=True)):
        array = np.asarray(one)
        array = array[: len(inputs)] if stack and array.ndim == 2 else array
        found.append(_checked(array, (len(inputs), columns), f"outputs of series {i}"))
    return found


def _checked(array: Array, shape: tuple[int, int], what: str) -> Array:
    if array.shape != shape:
        raise DataError(f"{what}: expected shape {shape}, got {array.shape}")
    return array
