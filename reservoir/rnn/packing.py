"""A parameter vector, or a direction, as the kernels take it; and derivatives back to a vector."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reservoir.kernels.readout import Readout
from reservoir.rnn.cells import Cell
from reservoir.rnn.padded import Array, output_pitch, padded, row
from reservoir.rnn.parameters import Flat, Layout, of_layer

INITIAL = {"h": "h0", "c": "c0"}  # the parameter of each part of a state


class Packed(NamedTuple):
    """All parameters of a network, or a direction of theirs."""

    layers: tuple[Any, ...]  # the records of the kernels
    readout: Readout
    initial: tuple[tuple[Array | None, ...], ...]  # a layer, a part: (P,) if it is learned


def pack(
    layout: Layout,
    cells: tuple[Cell, ...],
    vector: Flat,
    dtype: np.dtype[Any],
    *,
    direction: bool = False,
) -> Packed:
    """Copy a vector, or a ``direction``, into the forms of the kernels."""
    views = layout.views(vector)
    layers, initial = [], []
    for k, cell in enumerate(cells):
        own = of_layer(views, k)
        if direction:  # a leak rate that is no parameter does not move
            own.setdefault("leak_rate", np.zeros(cell.units))
        layers.append(cell.weights(own, dtype))
        names = [INITIAL[part] for part in cell.parts]
        initial.append(tuple(_row(own[n], dtype) if n in own else None for n in names))
    V, c = views["readout/V"], views["readout/c"]
    width = output_pitch(len(c), dtype)
    readout = Readout(padded(V.T, dtype, width), padded(c[None], dtype, width)[0], padded(V, dtype))
    return Packed(tuple(layers), readout, tuple(initial))


def _row(vector: Flat, dtype: np.dtype[Any]) -> Array:
    return row(vector[None], (0,), 1, dtype)
