"""A series seen some steps later and in some of its columns: the target of a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.series.collection import Series


@dataclass(frozen=True)
class Shifted:
    """Row t is row ``t + shift`` of ``series`` in the given columns; read lazily."""

    series: Series
    shift: int
    columns: tuple[int, ...]

    dtype = np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int, int]:
        return max(0, self.series.shape[0] - self.shift), len(self.columns)

    def __getitem__(self, rows: slice) -> Any:
        start, stop, _ = rows.indices(self.shape[0])
        block = np.asarray(self.series[start + self.shift : stop + self.shift])
        return block[:, list(self.columns)]
