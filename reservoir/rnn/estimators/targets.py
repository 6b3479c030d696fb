"""Where targets belong, at every step or at the last, and in which forms they come."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.rnn.model import AT
from reservoir.series.collection import Collection, collect
from reservoir.series.scaler import Scaler, measure
from reservoir.weights.arguments import one_of

TARGETS = ("auto", *AT)


class Numbers(NamedTuple):
    """Targets of a regression.

    Attributes
    ----------
    each : list of ndarray
        (T_i, M) of each series, or its row (M,).
    columns : int
    scaler : Scaler
        Measured on them.
    flat : bool
        Whether they came without columns.
    """

    each: list[NDArray[np.float64]]
    columns: int
    scaler: Scaler
    flat: bool


def place_of(targets: str, inputs: Collection, y: Any) -> str:
    """Whether targets belong to every step or to the last one of each series.

    Parameters
    ----------
    targets : {"auto", "every", "last"}
        "auto": every step for one series, for a list of arrays and for three dimensions; else a
        row of ``y`` for each series.
    inputs : Collection
    y
        Targets in any form.

    Raises
    ------
    DataError
        Another word, or "auto" where ``y`` of shape (n, T) may be both.
    """
    if one_of("targets", targets, TARGETS) != "auto":
        return targets
    if inputs.form == "one" or is_list_of_arrays(y):
        return "every"
    shape = shape_of(y)
    if len(shape) == 2 and inputs.form == "stack" and 1 < shape[1] == inputs.lengths[0]:
        raise DataError(
            f"y of shape {shape} may be a target for each of {shape[1]} steps or {shape[1]} "
            "targets for the last one; say which with targets='every' or targets='last'"
        )
    return "every" if len(shape) == 3 else "last"


def is_list_of_arrays(y: Any) -> bool:
    """Whether ``y`` is a list with something for each series that has a shape of its own."""
    return isinstance(y, list | tuple) and any(getattr(one, "shape", ()) for one in y)


def shape_of(y: Any) -> tuple[int, ...]:
    """The shape of targets that are no list of arrays."""
    try:
        return np.shape(y)
    except ValueError:  # nested lists of different lengths
        raise DataError("y: expected one row for each series, all of one length") from None


def numbers_of(y: Any, inputs: Collection, at: str, *, nan: bool) -> Numbers:
    """Targets of a regression, checked to be finite, or NaN if ``nan`` allows it.

    Raises
    ------
    DataError
        Values that cannot be used; no columns. The message names series, step and column.
    """
    if at == "every":
        if inputs.form == "stack" and not is_list_of_arrays(y) and len(shape_of(y)) == 2:
            y = list(np.asarray(y))  # (n, T)
        collected = collect(y, "y", one_dimensional=True)
        flat = collected.flat
    else:
        rows = collect(_rows(y), "y", one_dimensional=True)
        flat = rows.flat
        # one step a series, so that messages name the series
        collected = collect(np.asarray(rows.series[0])[:, np.newaxis], "y")
    if not collected.columns:
        raise DataError("y has no columns; expected at least one")
    each = [collected.read(i, 0, steps, nan=nan) for i, steps in enumerate(collected.lengths)]
    if at == "last":
        each = [one[0] for one in each]
    return Numbers(each, collected.columns, measure(collected, nan=nan), flat)


def _rows(y: Any) -> Any:
    """Targets, one row a series, as an array."""
    if not is_list_of_arrays(y):
        return y
    try:
        return np.stack([np.asarray(one) for one in y])
    except ValueError:
        raise DataError("y: expected one row for each series, all of one length") from None


def weights_of(sample_weight: Any, count: int) -> NDArray[np.float64]:
    """Weights of all targets, series by series.

    Raises
    ------
    DataError
        Another number of them than there are targets.
    """
    if is_list_of_arrays(sample_weight):
        sample_weight = np.concatenate([np.ravel(one) for one in sample_weight])
    weights = np.asarray(sample_weight, dtype=np.float64).reshape(-1)
    if weights.size != count:
        raise DataError(
            f"sample_weight has {weights.size} numbers; expected one for each of {count} targets"
        )
    return weights
