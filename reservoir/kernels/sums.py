"""The derivatives by a layer's parameters, as backward kernels gather them over a tile."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Sums(NamedTuple):
    """In the form of the transposed parameters; what costs no product is kept apart by lanes."""

    U: NDArray[Any]  # (K, gates P)
    W: NDArray[Any]  # (N, gates P)
    b: NDArray[Any]  # (lanes, blocks P)
    leak: NDArray[Any]  # (lanes, P), or (0, P) if none is learned
