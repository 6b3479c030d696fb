"""What another model gives to a run, as a short text: two jobs are compared by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from reservoir.series.scaler import Scaler


def digest(text: str, arrays: Iterable[ArrayLike]) -> str:
    """Of a text and of numbers, taken as float64."""
    found = hashlib.sha256(text.encode("ascii"))
    for array in arrays:
        found.update(np.ascontiguousarray(array, np.float64).tobytes())
    return found.hexdigest()


def numbers_of(*scalers: Scaler) -> list[ArrayLike]:
    """The arrays of scalers."""
    return [array for scaler in scalers for array in (scaler.mean, scaler.scale)]
