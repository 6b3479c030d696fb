"""Rows on their way into moments or triangular factors, in blocks large enough to be fast.

Blocks depend on the order of the rows alone, never on how they were cut when pushed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError

Array = NDArray[np.float64]

ROWS = 512  # of a block


class Sums(Protocol):
    """What takes rows and knows what they come to."""

    def push(self, features: tuple[NDArray[Any], ...], targets: Array) -> None:
        """Append rows; ``features`` are arrays side by side of any float type.

        Raises
        ------
        DataError
            If a feature is not finite.
        """

    def total(self) -> Any:
        """All rows since the last ``clear`` as a part of ``Statistics``; None without any."""

    def clear(self) -> None:
        """Forget all rows."""


def cuts(filled: int, rows: int) -> Iterator[tuple[int, slice]]:
    """Cut new rows at the borders of blocks: where each piece goes in its block, and its rows."""
    done = 0
    while done < rows:
        take = min(rows - done, ROWS - filled)
        yield filled, slice(done, done + take)
        done, filled = done + take, (filled + take) % ROWS


def check_finite(finite: bool) -> None:
    """Refuse features that are not finite.

    Raises
    ------
    DataError
    """
    if not finite:
        raise DataError(
            "the states of the reservoir are not finite: it diverges; expected a smaller "
            "spectral_radius or input_scaling, or a bounded activation"
        )
