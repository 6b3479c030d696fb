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
    """Describe a generator: its state and, for `Generator.spawn`, the seeds it came from.

    Raises
    ------
    TypeError
        If its bit generator is not one of NumPy's own.
    """
    seeds: Any = None
    if isinstance(generator, np.random.RandomState):
        kind, state = "RandomState", dict(generator.get_state(legacy=False))
    else:
        kind, state = "Generator", dict(generator.bit_generator.state)
        seeds = generator.bit_generator.seed_seq
    if state["bit_generator"] not in BIT_GENERATORS:
        raise TypeError(f"a generator of the kind {state['bit_generator']} cannot be stored")
    document = {"kind": kind, "state": _plain(state)}
    if isinstance(seeds, np.random.SeedSequence):
        document["seeds"] = _plain(dict(seeds.state))
    return document


def from_json(document: Any) -> np.random.Generator | np.random.RandomState:
    """Make a generator that continues where the stored one stood.

    Raises
    ------
    CheckpointError
        If the description is not one that `to_json` makes.
    """
    try:
        kind, state = document["kind"], document["state"]
        _check(state)
        seeds = _seeds(document["seeds"]) if "seeds" in document else None
        bits = BIT_GENERATORS[state["bit_generator"]](seeds)
        if kind == "RandomState":
            legacy = np.random.RandomState(bits)
            legacy.set_state(_arrays(state))
            return legacy
        if kind != "Generator":
            raise ValueError(kind)
        bits.state = _arrays(state)
        return np.random.Generator(bits)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise CheckpointError(f"holds a random state that is none: {str(error)[:80]}") from None


def _seeds(document: dict[str, Any]) -> np.random.SeedSequence:
    if not 4 <= document["pool_size"] <= 64:
        raise ValueError("the pool of its seeds has a strange size")
    return np.random.SeedSequence(
        document["entropy"],
        spawn_key=tuple(document["spawn_key"]),
        pool_size=document["pool_size"],
        n_children_spawned=document["n_children_spawned"],
    )


def _check(state: dict[str, Any]) -> None:
    """Check what NumPy does not: a position beyond its buffer would read foreign memory."""
    kind, inner = state["bit_generator"], state["state"]
    if kind == "MT19937":
        fits = len(inner["key"]) == 624 and 0 <= inner["pos"] <= 624
    elif kind == "Philox":
        sizes = len(inner["counter"]), len(inner["key"]), len(state["buffer"])
        fits = sizes == (4, 2, 4) and 0 <= state["buffer_pos"] <= 4
    elif kind == "SFC64":
        fits = len(inner["state"]) == 4
    else:
        fits = True  # PCG64 and PCG64DXSM hold integers alone
    if not fits:
        raise ValueError("an array or a position in it has the wrong size")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _arrays(value: Any) -> Any:
    """Lists of integers as the arrays that the bit generators ask for."""
    if isinstance(value, dict):
        return {name: _arrays(item) for name, item in value.items()}
    return np.array(value, dtype=np.uint64) if isinstance(value, list) else value
