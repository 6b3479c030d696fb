"""What drives the units and what reads them, as records of arrays that a kernel takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels.matrices import Matrix


class Weights(NamedTuple):
    """The recurrence ``x <- keep x + leak f(W x + W_in u + bias + W_fb y + noise)``."""

    W: Matrix
    W_in: NDArray[Any]  # (K, N) transposed: the weights of one input are contiguous
    W_fb: NDArray[Any]  # (M, N) transposed, or (0, N) without feedback
    bias: NDArray[Any]  # (N,)
    leak: NDArray[Any]  # (N,)
    keep: NDArray[Any]  # (N,) 1 - leak
    activation: int  # a code of activations.py


class Scales(NamedTuple):
    """What lanes that are models have of their own; leak and keep replace those of ``Weights``."""

    W: NDArray[Any]  # (L,) factor of each lane on W
    W_in: NDArray[Any]  # (L,) on W_in
    bias: NDArray[Any]  # (L,) on the bias
    leak: NDArray[Any]  # (L,)
    keep: NDArray[Any]  # (L,) 1 - leak


class Loop(NamedTuple):
    """The readout and the way of its outputs back: ``u[column] = gain y + offset``."""

    weights: NDArray[Any]  # (M, F): F = N, or N + K with direct inputs
    intercept: NDArray[Any]  # (M,)
    columns: NDArray[np.int64]  # (M,) the input that an output replaces, or -1
    gain: NDArray[Any]  # (M,)
    offset: NDArray[Any]  # (M,)
