"""Sums over vectors in float64, whose bits do not depend on the number of threads.

BLAS sums a long vector in as many parts as it has threads; `numpy.einsum` has one order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# overflow ends in numbers that are not finite, which are looked for
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")


@quiet
def dot(x: Vector, y: Vector) -> float:
    """The inner product of two vectors (P,), without a temporary array."""
    return float(np.einsum("i,i->", x, y))


@quiet
def norm(x: Vector) -> float:
    """The Euclidean norm of a vector (P,), right also where squares overflow or vanish."""
    square = dot(x, x)
    if 1e-200 < square < math.inf:
        return math.sqrt(square)
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = x / largest
    return largest * math.sqrt(dot(scaled, scaled))


def all_finite(x: Vector) -> bool:
    """Whether every number of a vector is finite."""
    return bool(np.isfinite(x).all())
