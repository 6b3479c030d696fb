"""Outputs on their way: pieces of series, and the arrays or datasets that they go into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.errors import DataError
from reservoir.series.collection import Collection


@dataclass(frozen=True)
class Piece:
    """Outputs of consecutive steps of one series, final."""

    series: int
    start: int  # step of the first row
    outputs: NDArray[Any]  # (n, M) in raw units


def check_out(out: Any, inputs: Collection, columns: tuple[int, ...]) -> None:
    """Refuse what cannot take the outputs along some series; write nothing.

    Parameters
    ----------
    out : array or HDF5 dataset, or a list of them where the inputs are a list
    columns : (M,), or () for outputs without a second dimension

    Raises
    ------
    DataError
        Another shape than the outputs have, or a type that would not hold real numbers.
    """
    lengths = inputs.lengths
    if inputs.form == "one":
        _check_array(out, "out", (lengths[0], *columns))
    elif inputs.form == "stack":
        _check_array(out, "out", (len(lengths), *lengths[:1], *columns))
    else:
        if not isinstance(out, list | tuple) or len(out) != len(lengths):
            found = f"{len(out)} items" if isinstance(out, list | tuple) else type(out).__name__
            raise DataError(
                f"out is {found}; expected a list of {len(lengths)} arrays or datasets, as "
                f"{inputs.name} has {len(lengths)} series"
            )
        for i, (item, length) in enumerate(zip(out, lengths, strict=True)):
            _check_array(item, f"out, series {i}", (length, *columns))


def _check_array(item: Any, name: str, shape: tuple[int, ...]) -> None:
    if not hasattr(item, "shape") or not hasattr(item, "dtype"):
        raise DataError(f"{name} is a {type(item).__name__}, expected an array or a dataset")
    if tuple(item.shape) != shape:
        raise DataError(f"{name} has the shape {tuple(item.shape)}, expected {shape}")
    if np.dtype(item.dtype).kind != "f":
        raise DataError(f"{name} has the dtype {item.dtype}, expected real numbers")


def fill(out: Any, form: str, pieces: Iterable[Piece], *, flat: bool = False) -> None:
    """Write pieces to their places, as they come.

    Parameters
    ----------
    out
        In the form of the inputs, see ``Collection``: as ``check_out`` takes it.
    flat
        Whether the outputs lose their second dimension, of length 1.
    """
    with threads.single_blas():  # once, not for every piece that is made
        for piece in pieces:
            rows = slice(piece.start, piece.start + len(piece.outputs))
            outputs = piece.outputs[:, 0] if flat else piece.outputs
            if form == "one":
                out[rows] = outputs
            elif form == "stack":
                out[piece.series, rows] = outputs
            else:
                out[piece.series][rows] = outputs
