"""Checks of single arguments: each returns the value in one type or says what was expected."""

from __future__ import annotations

import math
import numbers


def nonnegative(name: str, value: object) -> float:
    """Return ``value`` as a finite float of at least 0; a ValueError names the argument."""
    number = _real(value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    return number


def _real(value: object) -> float:
    """A real number as a float; NaN for anything else, which no range contains."""
    if isinstance(value, bool):
        return math.nan
    if not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int beyond the range of floats
        return math.inf
