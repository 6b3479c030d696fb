"""What a readout fit gathers: one set of moments or factors for each contiguous fold.

Folds are summed for the fit and left out one at a time to judge a ridge. All of it is mergeable
(from parts of the data) and goes into a checkpoint, so that a fit can be continued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.esn.moment_sums import MomentSums
from reservoir.esn.moments import Moments
from reservoir.esn.sums import Sums
from reservoir.esn.triangular import Triangular
from reservoir.esn.triangular_sums import TriangularSums

Array = NDArray[np.float64]
Part = Moments | Triangular
PARTS: dict[str, type[Moments] | type[Triangular]] = {"gram": Moments, "qr": Triangular}
SUMS: dict[str, Callable[[int, int], Sums]] = {"gram": MomentSums, "qr": TriangularSums}


@dataclass
class Statistics:
    """One part a fold."""

    solver: str  # "gram" or "qr"
    folds: list[Part]

    @classmethod
    def empty(cls, solver: str, folds: int, features: int, targets: int) -> Statistics:
        return cls(solver, [PARTS[solver].empty(features, targets) for _ in range(folds)])

    @property
    def count(self) -> int:
        """Scored steps."""
        return sum(fold.count for fold in self.folds)

    def copy(self) -> Statistics:
        return Statistics(self.solver, [fold.copy() for fold in self.folds])

    def total(self, without: int | None = None) -> Part:
        """All folds together, or all but one."""
        parts = [fold for i, fold in enumerate(self.folds) if i != without]
        total = parts[0].copy()
        for part in parts[1:]:
            total.merge(part)  # type: ignore[arg-type]  # the parts are of one kind
        return total

    def merge(self, other: Statistics) -> None:
        """Take in the folds of ``other``, each into its own.

        Raises
        ------
        DataError
            If the two were gathered with another solver or number of folds.
        """
        if (self.solver, len(self.folds)) != (other.solver, len(other.folds)):
            raise DataError(
                f"statistics of solver {other.solver!r} with {len(other.folds)} folds cannot be "
                f"merged into those of solver {self.solver!r} with {len(self.folds)}"
            )
        for mine, theirs in zip(self.folds, other.folds, strict=True):
            mine.merge(theirs)  # type: ignore[arg-type]

    def arrays(self) -> dict[str, Any]:
        """Everything as a flat mapping, for a checkpoint."""
        flat: dict[str, Any] = {"solver": self.solver, "folds": len(self.folds)}
        for i, fold in enumerate(self.folds):
            flat |= {f"fold{i}_{name}": value for name, value in fold.arrays().items()}
        return flat

    @classmethod
    def from_arrays(cls, flat: Mapping[str, Any]) -> Statistics:
        part = PARTS[str(flat["solver"])]
        folds = []
        for i in range(int(flat["folds"])):
            prefix = f"fold{i}_"
            fields = {k.removeprefix(prefix): v for k, v in flat.items() if k.startswith(prefix)}
            folds.append(part.from_arrays(fields))
        return cls(str(flat["solver"]), folds)


class Collector:
    """Gathers rows fold by fold; what is pushed waits apart from ``total`` until it is settled."""

    def __init__(self, solver: str, folds: int, features: int, targets: int) -> None:
        self.total = Statistics.empty(solver, folds, features, targets)
        self._sums = [SUMS[solver](features, targets) for _ in range(folds)]

    def push(self, fold: int, features: tuple[NDArray[Any], ...], targets: Array) -> None:
        """Append rows; ``features`` are arrays side by side of any float type.

        Raises
        ------
        DataError
            If a feature is not finite.
        """
        self._sums[fold].push(features, targets)

    def settle(self, *, keep: bool = True) -> None:
        """Take what was pushed into ``total``, or drop it.

        Raises
        ------
        DataError
            As ``push``.
        """
        for fold, sums in zip(self.total.folds, self._sums, strict=True):
            part = sums.total() if keep else None
            if part is not None:
                fold.merge(part)
            sums.clear()
