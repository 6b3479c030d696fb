"""Backtracking over the stored iterates of conjugate gradients.

Martens (2010), "Deep learning via Hessian-free optimization", section 4.6: the last iterate serves
the model best, not the objective.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Backtracked(NamedTuple):
    """The iterate that was chosen.

    Attributes
    ----------
    at : int
        Its index.
    value : float
        The objective there, infinite if no iterate has a finite one.
    """

    at: int
    value: float


def backtrack(value: Callable[[int], float], count: int) -> Backtracked:
    """Walk from the last iterate to earlier ones while the objective improves.

    Parameters
    ----------
    value : callable
        The objective at the iterate of an index from 0 to ``count - 1``.
    count : int
        At least 1.

    Notes
    -----
    Values that are not finite count as infinite, and from an infinite one the walk goes on. Equal
    values end it.
    """
    best = Backtracked(count - 1, _or_infinite(value(count - 1)))
    for index in range(count - 2, -1, -1):
        earlier = _or_infinite(value(index))
        if earlier >= best.value and math.isfinite(best.value):
            break
        best = Backtracked(index, earlier)
    return best


def _or_infinite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
