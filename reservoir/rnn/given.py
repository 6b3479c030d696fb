"""What a user gives: arrays of numbers, one a sequence, or a message that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.rnn.padded import Array
from reservoir.rnn.tile import Indices


def refuse_masks(data: Any, name: str) -> None:
    if isinstance(data, np.ma.MaskedArray):
        raise DataError(f"{name}: a masked array, whose mask is not read; see weights")


def array_of(data: Any, name: str) -> Array:
    refuse_masks(data, name)
    try:
        return np.asarray(data)
    except ValueError as error:  # nested lists of different lengths
        raise DataError(f"{name}: not an array of numbers: {error}") from None


def one_each(
    data: Any, lengths: Indices, name: str, rows: tuple[tuple[int, ...], ...]
) -> list[Array]:
    """One array for each sequence, as many rows as it has steps.

    A single sequence may have its array alone; ``rows`` are the shapes that a row may have, by
    which the two forms are told apart.
    """
    if hasattr(data, "iloc"):  # a data frame, whose items are the names of its columns
        data = data.to_numpy()
    if not hasattr(data, "__iter__") or isinstance(data, str | bytes | dict):
        raise DataError(f"{name}: expected an array for each sequence, got {data!r}")
    items = list(data)
    series = [array_of(one, f"{name} of series {i}") for i, one in enumerate(items)]
    if lengths.size == 1 and not (
        len(series) == 1 and len(series[0].shape) > 0
        and len(series[0]) == lengths[0] and series[0].shape[1:] in rows
    ):  # fmt: skip
        alone = array_of(data if hasattr(data, "shape") else items, name)
        if alone.ndim in (1, 2) and (len(alone) == lengths[0] or len(series) != 1):
            series = [alone]
    if len(series) != lengths.size:
        raise DataError(f"{name}: {lengths.size} sequences need one each, got {len(series)}")
    for i, one in enumerate(series):
        if one.ndim == 0 or len(one) != lengths[i]:
            raise DataError(
                f"{name} of series {i} have shape {one.shape}; expected {lengths[i]} rows"
            )
        if one.ndim != series[0].ndim or one.shape[1:] != series[0].shape[1:]:
            raise DataError(
                f"{name} of series {i} have shape {one.shape}, those of series 0 "
                f"{series[0].shape}; expected equally many columns"
            )
    return series
