"""What the strict walk learns of an object before any of its data is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from reservoir.checkpoint.tree import Array

Hdf5Id: TypeAlias = Any  # one of h5py's low-level identifiers


@dataclass(frozen=True, eq=False)
class Header:
    """An object of an open file; `dataset` is None for a group."""

    path: str
    attributes: dict[str, Array]
    dataset: Hdf5Id = None
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype("u1"))
    shape: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize
