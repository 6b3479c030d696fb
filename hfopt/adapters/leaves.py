"""The arrays of a framework's parameters as one flat vector, and back."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hfopt.vectors import Vector


class Leaves(NamedTuple):
    """Names and shapes of arrays that lie one after the other, each in C order."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return sum(math.prod(shape) for shape in self.shapes)

    def joined(self, arrays: Sequence[NDArray[Any]]) -> Vector:
        """The arrays as a vector (P,) of float64.

        Raises
        ------
        ValueError
            There are others than these, or of another shape.
        """
        if len(arrays) != len(self.names):
            raise ValueError(f"expected {len(self.names)} arrays of parameters, got {len(arrays)}")
        for name, shape, array in zip(self.names, self.shapes, arrays, strict=True):
            if array.shape != shape:
                raise ValueError(f"parameter {name} must have shape {shape}, got {array.shape}")
        if not arrays:
            return np.zeros(0)
        return np.concatenate([array.ravel() for array in arrays], dtype=np.float64)

    def parted(self, theta: Vector) -> list[Vector]:
        """Views of a vector (P,) in the shapes of the arrays.

        Raises
        ------
        ValueError
            It has another length.
        """
        if np.shape(theta) != (self.size,):
            raise ValueError(
                f"theta must be a vector of {self.size} numbers, got shape {np.shape(theta)}"
            )
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        parts = np.split(np.asarray(theta, np.float64), ends)
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]


def check_real(name: str, dtype: object, real: bool) -> None:
    """Raise a ValueError unless a parameter is of a real floating type."""
    if not real:
        raise ValueError(f"parameter {name} must be floating, got {dtype}")


def imported(name: str, user: str) -> Any:
    """A framework, imported when it is needed; an ImportError says who needs it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"{user} needs {name}, which is not installed", name=name) from None
