"""Labels of classes as JSON: a list, and the name of their type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.checkpoint.tree import NUMBERS
from reservoir.errors import CheckpointError

TEXT = "text"  # the type of labels that are texts; the others have NumPy's names
TYPES = (TEXT, "bool", *(np.dtype(code).name for code in NUMBERS))


def type_of(labels: NDArray[Any]) -> str:
    """The name of the type of labels; a CheckpointError if they cannot be stored."""
    if all(isinstance(label, str) for label in labels.tolist()):
        return TEXT
    if labels.dtype.name not in TYPES:
        raise CheckpointError(f"labels of the type {labels.dtype} cannot be stored")
    return labels.dtype.name


def from_json(values: Any, kind: str) -> NDArray[Any]:
    """Labels of a type.

    Raises
    ------
    CheckpointError
        If the values are no list of different labels of this type.
    """
    try:
        if isinstance(values, list) and all(_is_label(value, kind) for value in values):
            found = np.array(values, dtype=str if kind == TEXT else kind)
            if len(set(found.tolist())) == len(values):
                return found
    except OverflowError:  # an integer beyond the range of its type
        pass
    raise CheckpointError(f"the config's entry 'classes' is no list of different labels, {kind}")


def _is_label(value: Any, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind.startswith("float"):
        return isinstance(value, float | int) and math.isfinite(value)
    return isinstance(value, int)
