"""Random number generators as JSON, so that a stored one goes on where it stood.

Their states are dictionaries of integers (128 bits wide for PCG64) and short integer arrays.
Nothing is unpickled: the names of the generators are a fixed list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.errors import CheckpointError

BIT_GENERATORS: dict[str, Any] = {
    "PCG64": np.random.PCG64,
    "PCG64DXSM": np.random.PCG64DXSM,
    "Philox": np.random.Philox,
    "SFC64": np.random.SFC64,
    "MT19937": np.random.MT19937,
}


def to_json(generator: np.random.Generator | np.random.RandomState) -> dict[str, Any]:
    """Describe a generator.

    Raises
    ------
    TypeError
        If its bit generator is not one of NumPy's own.
    """
    if isinstance(generator, np.random.RandomState):
        kind, state = "RandomState", dict(generator.get_state(legacy=False))
    else:
        kind, state = "Generator", dict(generator.bit_generator.state)
    if state["bit_generator"] not in BIT_GENERATORS:
        raise TypeError(f"a generator of the kind {state['bit_generator']} cannot be stored")
    return {"kind": kind, "state": _plain(state)}


def from_json(document: Any) -> np.random.Generator | np.random.RandomState:
    """Make a generator that continues where the stored one stood.

    Raises
    ------
    CheckpointError
        If the description is not one that `to_json` makes.
    """
    try:
        kind, state = document["kind"], document["state"]
        bits = BIT_GENERATORS[state["bit_generator"]]()
        if kind == "RandomState":
            legacy = np.random.RandomState(bits)
            legacy.set_state(state)
            return legacy
        if kind != "Generator":
            raise ValueError(kind)
        bits.state = _arrays(state)
        return np.random.Generator(bits)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise CheckpointError(f"holds a random state that is none: {str(error)[:80]}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return [int(item) for item in value]
    return value if isinstance(value, str) else _number(value)


def _number(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)


def _arrays(value: Any) -> Any:
    """Lists of integers as the arrays that the bit generators ask for."""
    if isinstance(value, dict):
        return {name: _arrays(item) for name, item in value.items()}
    return np.array(value, dtype=np.uint64) if isinstance(value, list) else value
