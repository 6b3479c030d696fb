"""JSON as ASCII, strictly: the same text in every language, no NaN, no doubled names."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np

from reservoir.errors import CheckpointError


def dumps(value: Any) -> str:
    """Write JSON in ASCII (other characters escaped), names sorted; NumPy scalars as numbers.

    Raises
    ------
    ValueError, TypeError
        For NaN, infinities and everything else that is not JSON.
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, default=_number)


def loads(text: str, name: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    CheckpointError
        If `text` is no JSON object; `name` says where it stood.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} is not valid JSON: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{name} is not a JSON object")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
