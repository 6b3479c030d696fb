"""Checks of what functions of other people return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfopt.problem import Structural
from hfopt.vectors import Vector

Function = Callable[..., Any]


def with_batch(function: Function, batched: bool) -> Function:
    """A function that is always called with a batch as its last argument."""
    return function if batched else lambda *arguments: function(*arguments[:-1])


def number(name: str, value: object) -> float:
    """One real number; a ValueError names what returned something else."""
    found = _real(name, value)
    if found.size != 1:
        raise ValueError(f"{name} must return one number, got shape {found.shape}")
    return float(found.reshape(()))


def vector(name: str, value: object, size: int | None = None) -> Vector:
    """A vector of float64, of a given length; a ValueError names what returned something else."""
    found = _real(name, value)
    if found.ndim != 1 or size not in (None, found.size):
        length = "" if size is None else f" of {size} numbers"
        raise ValueError(f"{name} must return a vector{length}, got shape {found.shape}")
    return found.astype(np.float64, copy=False)


def refuse_states(structural: Structural) -> None:
    """Raise a ValueError if structural damping is asked of a problem that has no states."""
    if any(structural):
        raise ValueError("structural damping needs states, and this problem has none")


def refuse_squares(squares: bool, which: str) -> None:
    """Raise a ValueError if squared gradients are asked for where only their sum is known."""
    if squares:
        raise ValueError(
            f"squares of gradients, which a preconditioner asked for, are not known: {which}"
        )


def _real(name: str, value: object) -> NDArray[Any]:
    try:
        found = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} must return real numbers: {error}") from None
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{name} must return real numbers, got {found.dtype}")
    return found
