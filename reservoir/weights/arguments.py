"""Checks of single arguments: each returns the value in one type or says what was expected."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from inspect import signature

import numpy as np

from reservoir.errors import DataError


def whole(name: str, value: object, *, least: int) -> int:
    """Return ``value`` as an int of at least ``least``; a DataError names the argument."""
    number = _real(value)
    if not (number >= least and isinstance(value, numbers.Integral)):
        raise DataError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def finite(name: str, value: object) -> float:
    """Return ``value`` as a finite float; a DataError names the argument."""
    number = _real(value)
    if not math.isfinite(number):
        raise DataError(f"{name} must be a finite number, got {value!r}")
    return number


def nonnegative(name: str, value: object) -> float:
    """Return ``value`` as a finite float of at least 0; a DataError names the argument."""
    number = _real(value)
    if not 0.0 <= number < math.inf:
        raise DataError(f"{name} must be a finite number of at least 0, got {value!r}")
    return number


def fraction(name: str, value: object) -> float:
    """Return ``value`` as a float in (0, 1]; a DataError names the argument."""
    number = _real(value)
    if not 0.0 < number <= 1.0:
        raise DataError(f"{name} must be a number in (0, 1], got {value!r}")
    return number


def probability(name: str, value: object) -> float:
    """Return ``value`` as a float in [0, 1]; a DataError names the argument."""
    number = _real(value)
    if not 0.0 <= number <= 1.0:
        raise DataError(f"{name} must be a number in [0, 1], got {value!r}")
    return number


def check_flags(record: object) -> None:
    """Check the parameters of an estimator whose defaults are true or false."""
    for name, parameter in signature(type(record)).parameters.items():
        value = getattr(record, name)
        if isinstance(parameter.default, bool) and not isinstance(value, bool | np.bool_):
            raise DataError(f"{name} must be True or False, got {value!r}")


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``; a DataError offers the nearest of them."""
    known = tuple(choices)
    if isinstance(value, str):
        if value in known:
            return value
        near = difflib.get_close_matches(value.lower(), known, n=1, cutoff=0.5)
        if near:
            raise DataError(f"unknown {name} {value!r}; did you mean {near[0]!r}?")
    raise DataError(f"unknown {name} {value!r}; expected one of {', '.join(known)}")


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
