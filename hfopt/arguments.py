"""Checks of single arguments: each returns the value in one type or says what was expected."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable


def nonnegative(name: str, value: object) -> float:
    """Return ``value`` as a finite float of at least 0; a ValueError names the argument."""
    number = _real(value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    return number


def positive(name: str, value: object) -> float:
    """Return ``value`` as a finite float above 0; a ValueError names the argument."""
    number = _real(value)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return number


def between(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` as a float in [low, high]; a ValueError names the argument."""
    number = _real(value)
    if not low <= number <= high:
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}")
    return number


def whole(name: str, value: object, *, least: int) -> int:
    """Return ``value`` as an int of at least ``least``; a ValueError names the argument."""
    number = _real(value)
    if not (number >= least and isinstance(value, numbers.Integral)):
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``; a ValueError offers the nearest of them."""
    known = tuple(choices)
    if isinstance(value, str):
        if value in known:
            return value
        near = difflib.get_close_matches(value.lower(), known, n=1, cutoff=0.5)
        if near:
            raise ValueError(f"unknown {name} {value!r}; did you mean {near[0]!r}?")
    raise ValueError(f"unknown {name} {value!r}; expected one of {', '.join(known)}")


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
