"""Seeds, in all the forms in which they are given."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from reservoir.errors import DataError


def generator(random_state: Any) -> np.random.Generator:
    """A generator from a seed, None, or another generator, which is copied.

    Raises
    ------
    DataError
        If it is none of these.
    """
    if isinstance(random_state, np.random.Generator):
        return copy.deepcopy(random_state)
    if isinstance(random_state, np.random.RandomState):
        # scikit-learn's habit; its state is copied too.
        return np.random.default_rng(copy.deepcopy(random_state).randint(0, 2**31 - 1, size=4))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        raise DataError(
            f"random_state={random_state!r}: expected None, an integer >= 0 or a Generator"
        ) from None
