"""The recurrent matrix in its forms, and its product with one state or with many.

Each form is a record of arrays; ``add_product`` and ``add_lanes_product`` choose their code by
its type when they are compiled. Indices are unsigned: a signed one would cost a wrap-around check
per access. Sums run over the non-zeros of a row in ascending order of the column, in a few partial
sums; their order never depends on the number of lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload
from numpy.typing import NDArray

from reservoir.kernels.compile import OPTIONS
from reservoir.kernels.intrinsics import fma
from reservoir.kernels.vectors import (
    VECTOR_BITS,
    row_dot,
    row_times_1_vector,
    row_times_2_vectors,
    row_times_4_vectors,
)

VECTOR_BYTES = VECTOR_BITS // 8
ROW_TILE = 32  # rows of a dense W whose pre-activations stay in the first-level cache


class CSR(NamedTuple):
    """Compressed sparse rows."""

    data: NDArray[Any]  # (nnz,)
    indices: NDArray[np.uint32]  # (nnz,) column of each non-zero
    indptr: NDArray[np.uint64]  # (N + 1,)


class Blocks(NamedTuple):
    """Compressed sparse rows of one block of columns after the other, for lanes.

    The states of a block's columns stay in the first-level cache while all rows read them.
    """

    data: NDArray[Any]  # (nnz,)
    indices: NDArray[np.uint32]  # (nnz,) column of each non-zero in the whole matrix
    indptr: NDArray[np.uint64]  # (blocks, N + 1)


class Dense(NamedTuple):
    """A dense matrix, stored transposed: a column of W is contiguous."""

    transposed: NDArray[Any]  # (N, N): [from, to]


class Permutation(NamedTuple):
    """One weight a unit: row i reads ``weights[i] * x[sources[i]]`` (cycles, delay lines)."""

    weights: NDArray[Any]  # (N,)
    sources: NDArray[np.uint32]  # (N,)


Matrix = CSR | Blocks | Dense | Permutation


def add_product(W: Any, x: Any, a: Any) -> None:
    """``a += W x`` for one state; x, a: (N,)."""


def add_lanes_product(W: Any, x: Any, a: Any, lanes: int) -> None:
    """``a[:, :lanes] += W x[:, :lanes]``; x, a: (N, L); lanes: a multiple of a vector's."""


def _csr_series(W: Any, x: Any, a: Any) -> None:
    for i in range(a.size):
        start, end = np.int64(W.indptr[i]), np.int64(W.indptr[i + 1])
        a[i] = row_dot(W.data, W.indices, start, end, x, a[i])


def _blocks_lanes(W: Any, x: Any, a: Any, lanes: int) -> None:
    vector = VECTOR_BYTES // x.itemsize
    for indptr in W.indptr:
        for i in range(a.shape[0]):
            start, end = np.int64(indptr[i]), np.int64(indptr[i + 1])
            lane = 0
            while lane + 4 * vector <= lanes:
                row_times_4_vectors(W.data, W.indices, start, end, x, a, i, lane)
                lane += 4 * vector
            if lane + 2 * vector <= lanes:
                row_times_2_vectors(W.data, W.indices, start, end, x, a, i, lane)
                lane += 2 * vector
            if lane < lanes:
                row_times_1_vector(W.data, W.indices, start, end, x, a, i, lane)


def _dense_series(W: Any, x: Any, a: Any) -> None:
    n = a.size
    j = 0
    while j + 4 <= n:
        x0, x1, x2, x3 = x[j], x[j + 1], x[j + 2], x[j + 3]
        w0, w1 = W.transposed[j], W.transposed[j + 1]
        w2, w3 = W.transposed[j + 2], W.transposed[j + 3]
        for i in range(n):
            a[i] = fma(w3[i], x3, fma(w2[i], x2, fma(w1[i], x1, fma(w0[i], x0, a[i]))))
        j += 4
    while j < n:
        x0, w0 = x[j], W.transposed[j]
        for i in range(n):
            a[i] = fma(w0[i], x0, a[i])
        j += 1


def _dense_lanes(W: Any, x: Any, a: Any, lanes: int) -> None:
    n = a.shape[0]
    for start in range(0, n, ROW_TILE):
        end = min(start + ROW_TILE, n)
        j = 0
        while j + 4 <= n:
            for i in range(start, end):
                w0, w1 = W.transposed[j, i], W.transposed[j + 1, i]
                w2, w3 = W.transposed[j + 2, i], W.transposed[j + 3, i]
                for lane in range(lanes):
                    s = fma(w1, x[j + 1, lane], fma(w0, x[j, lane], a[i, lane]))
                    a[i, lane] = fma(w3, x[j + 3, lane], fma(w2, x[j + 2, lane], s))
            j += 4
        while j < n:
            for i in range(start, end):
                w0 = W.transposed[j, i]
                for lane in range(lanes):
                    a[i, lane] = fma(w0, x[j, lane], a[i, lane])
            j += 1


def _permutation_series(W: Any, x: Any, a: Any) -> None:
    for i in range(a.size):
        a[i] = fma(W.weights[i], x[W.sources[i]], a[i])


def _permutation_lanes(W: Any, x: Any, a: Any, lanes: int) -> None:
    for i in range(a.shape[0]):
        w, j = W.weights[i], W.sources[i]
        for lane in range(lanes):
            a[i, lane] = fma(w, x[j, lane], a[i, lane])


_SERIES = {CSR: _csr_series, Dense: _dense_series, Permutation: _permutation_series}
_LANES = {Blocks: _blocks_lanes, Dense: _dense_lanes, Permutation: _permutation_lanes}


@overload(add_product, jit_options=OPTIONS, strict=False)
def _add_product_of_type(W: Any, x: Any, a: Any) -> Any:
    return _SERIES.get(W.instance_class) if isinstance(W, types.BaseNamedTuple) else None


@overload(add_lanes_product, jit_options=OPTIONS, strict=False)
def _add_lanes_product_of_type(W: Any, x: Any, a: Any, lanes: Any) -> Any:
    return _LANES.get(W.instance_class) if isinstance(W, types.BaseNamedTuple) else None
