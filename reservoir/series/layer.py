"""One series of a three-dimensional dataset, read lazily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layer:
    """Rows of ``stack[index]``: a dataset would read all of it to take one index alone."""

    stack: Any  # (n, T, C)
    index: int

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.stack.dtype
        return dtype

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.stack.shape[1]), int(self.stack.shape[2])

    def __getitem__(self, rows: slice) -> Any:
        return self.stack[self.index, rows]
