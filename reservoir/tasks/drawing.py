"""What generators of sequences share: arguments, lengths, places and one-hot symbols."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.weights.arguments import one_of, whole

Ints = NDArray[np.int64]
Array = NDArray[Any]


def arguments(
    sequences: object, rng: object, dtype: object
) -> tuple[int, np.random.Generator, np.dtype[Any]]:
    """Check the arguments of `Task.draw`."""
    count = whole("sequences", sequences, least=1)
    kind = np.dtype(one_of("dtype", dtype, ("float32", "float64")))
    if isinstance(rng, np.random.Generator):
        return count, rng, kind
    if not isinstance(rng, numbers.Integral):
        raise DataError(f"rng: expected a numpy.random.Generator or a seed, got {rng!r}")
    return count, np.random.default_rng(whole("rng", rng, least=0)), kind


def flag(name: str, value: object) -> None:
    """Refuse what is not True or False."""
    if not isinstance(value, bool):
        raise DataError(f"{name} must be True or False, got {value!r}")


def lengths(length: int, sequences: int, rng: np.random.Generator) -> Ints:
    """Whole numbers from T to T + T/10, both included, (B,)."""
    return rng.integers(length, length + length // 10, sequences, endpoint=True)


def between(low: Any, high: Any, sequences: int, rng: np.random.Generator) -> Ints:
    """Whole numbers from ``low`` to ``high - 1``, (B,); the bounds may differ by sequence."""
    return rng.integers(low, high, sequences)


def one_hot(symbols: Array, columns: int, dtype: np.dtype[Any]) -> Array:
    """Symbols (B, T) from 0 to K - 1 as rows with one 1, (B, T, K)."""
    rows = np.zeros((*symbols.shape, columns), dtype)
    rows.reshape(-1)[np.arange(symbols.size) * columns + symbols.reshape(-1)] = 1.0
    return rows


def classes(count: int, sequences: int, rng: np.random.Generator, *, balanced: bool) -> Ints:
    """Classes from 0 to ``count - 1``, (B,): drawn, or dealt out in turn."""
    if balanced:
        return np.arange(sequences, dtype=np.int64) % count
    return rng.integers(0, count, sequences)
