"""The flat vector of all parameters and the named arrays in it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.rnn.cells.cell import Cell

Shape = tuple[int, ...]
Flat = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Names and shapes of parameters that lie one after the other in a vector.

    Parameters
    ----------
    shapes : tuple of (name, shape)
        In their order; the arrays are in C order.
    """

    shapes: tuple[tuple[str, Shape], ...]

    @cached_property
    def size(self) -> int:
        """Number of parameters."""
        return sum(math.prod(shape) for _, shape in self.shapes)

    @cached_property
    def _places(self) -> list[tuple[str, Shape, slice]]:
        found, start = [], 0
        for name, shape in self.shapes:
            found.append((name, shape, slice(start, start + math.prod(shape))))
            start += math.prod(shape)
        return found

    def views(self, theta: Flat) -> dict[str, Flat]:
        """Named views of a vector: writing to one writes to the vector."""
        return {name: theta[where].reshape(shape) for name, shape, where in self._places}

    def select(self, patterns: tuple[str, ...]) -> NDArray[np.intp]:
        """Places of the parameters whose names match a pattern; see `Network.select`."""
        names, found = [name for name, _ in self.shapes], np.zeros(self.size, bool)
        for pattern in patterns:
            chosen = [place for place in self._places if fnmatchcase(place[0], pattern)]
            if not chosen:
                raise DataError(
                    f"no parameter matches {pattern!r}; did you mean {_nearest(pattern, names)!r}? "
                    f"The parameters are {', '.join(names)}"
                )
            for _, _, where in chosen:
                found[where] = True
        return np.flatnonzero(found)

    def writable(self, theta: object) -> Flat:
        """``theta`` itself if its views can be written to, or a DataError."""
        if (
            not isinstance(theta, np.ndarray)
            or theta.dtype.kind != "f"
            or theta.shape != (self.size,)
        ):
            what = type(theta).__name__
            if isinstance(theta, np.ndarray):
                what = f"{theta.dtype} of shape {theta.shape}"
            raise DataError(
                f"theta must be an array of {self.size} floats to be viewed; got {what}"
            )
        return theta

    def checked(self, theta: object, what: str) -> Flat:
        """``theta`` as a vector of float64, or a DataError that names the wrong parameter.

        Raises
        ------
        DataError
            Not a vector of ``size`` real numbers, or not finite.
        """
        try:
            found = np.asarray(theta)
        except ValueError as error:  # nested lists of different lengths
            raise DataError(f"{what} is not a vector of numbers: {error}") from None
        if found.dtype.kind not in "fiu" or found.shape != (self.size,):
            raise DataError(
                f"{what} must be a vector of {self.size} real numbers; "
                f"got {found.dtype} of shape {found.shape}"
            )
        vector = np.ascontiguousarray(found, dtype=np.float64)
        if not np.isfinite(vector).all():
            bad = int(np.flatnonzero(~np.isfinite(vector))[0])
            raise DataError(
                f"{what} has {vector[bad]} at {self.place(bad)}; expected finite numbers"
            )
        return vector

    def place(self, index: int) -> str:
        """The name of a parameter: ``layers/0/W[3, 4]``."""
        for name, shape, where in self._places:
            if index < where.stop:
                at = np.unravel_index(index - where.start, shape)
                return f"{name}[{', '.join(str(int(i)) for i in at)}]"
        raise IndexError(index)


def _nearest(pattern: str, names: Sequence[str]) -> str:
    """The name that somebody who wrote ``pattern`` may have meant."""

    def likeness(name: str) -> tuple[float, float]:
        given, whole = pattern.lower(), name.lower()
        last = difflib.SequenceMatcher(None, given.split("/")[-1], whole.split("/")[-1]).ratio()
        return last, difflib.SequenceMatcher(None, given, whole).ratio()

    return max(names, key=likeness)


def shapes_of(
    cells: Sequence[Cell], inputs: int, outputs: int
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Names and shapes of the parameters of a network, in their order."""
    found: list[tuple[str, tuple[int, ...]]] = []
    columns = inputs
    for k, cell in enumerate(cells):
        found += [(f"layers/{k}/{name}", s) for name, s in cell.shapes(columns).items()]
        columns = cell.units
    return (*found, ("readout/V", (outputs, columns)), ("readout/c", (outputs,)))


def of_layer(views: dict[str, Flat], layer: int) -> dict[str, Flat]:
    """The arrays of one layer under their short names."""
    prefix = f"layers/{layer}/"
    return {name.removeprefix(prefix): a for name, a in views.items() if name.startswith(prefix)}
