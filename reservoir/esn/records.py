"""A model as the records of arrays that kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.esn.model import ESN, Reservoir
from reservoir.kernels.activations import CODES
from reservoir.kernels.matrices import CSR, Blocks, Dense, Matrix, Permutation
from reservoir.kernels.weights import Loop, Weights

ACTIVATION = 32  # multiply-adds that take as long as a tanh
LEAST_COLUMNS, LEAST_NONZEROS = 192, 16  # of a block of W: columns, and non-zeros a row


def matrix_record(W: sparse.csr_array | NDArray[Any]) -> Matrix:
    """The cheapest kernel form of W: at most one weight a row is a permutation."""
    if isinstance(W, np.ndarray):
        return Dense(np.ascontiguousarray(W.T))
    weights_a_row = np.diff(W.indptr)
    if weights_a_row.size and weights_a_row.max() <= 1:
        rows = np.flatnonzero(weights_a_row)
        weights = np.zeros(W.shape[0], W.dtype)
        sources = np.zeros(W.shape[0], np.uint32)
        weights[rows], sources[rows] = W.data, W.indices
        return Permutation(weights, sources)
    return CSR(W.data, W.indices.astype(np.uint32), W.indptr.astype(np.uint64))


def blocks(W: CSR) -> Blocks:
    """The form for lanes: as many blocks of columns as leave each row some non-zeros in each."""
    units = len(W.indptr) - 1
    count = max(1, min(units // LEAST_COLUMNS, len(W.data) // (LEAST_NONZEROS * max(1, units))))
    width = -(-units // count)
    block = (W.indices // width).astype(np.uint16)
    order = np.argsort(block, kind="stable")
    row = np.repeat(np.arange(units), np.diff(W.indptr).astype(np.int64))
    filled = np.bincount(block.astype(np.int64) * units + row, minlength=count * units)
    ends = np.cumsum(filled).reshape(count, units)
    starts = np.concatenate([[0], ends[:-1, -1]])
    indptr = np.concatenate([starts[:, np.newaxis], ends], axis=1)
    return Blocks(W.data[order], W.indices[order], indptr.astype(np.uint64))


def kernel_weights(reservoir: Reservoir) -> Weights:
    """The record that the kernels take."""
    return Weights(
        W=matrix_record(reservoir.W),
        W_in=np.ascontiguousarray(reservoir.W_in.T),
        W_fb=np.ascontiguousarray(reservoir.W_fb.T),
        bias=reservoir.bias,
        leak=reservoir.leak_rate,
        keep=1 - reservoir.leak_rate,
        activation=CODES[reservoir.activation],
    )


def lane_weights(weights: Weights) -> Weights:
    """The same for ``drive_lanes``."""
    return weights._replace(W=blocks(weights.W)) if isinstance(weights.W, CSR) else weights


def multiply_adds(reservoir: Reservoir) -> int:
    """Operations of a step, each activation counted as some."""
    W = reservoir.W
    nonzeros = W.size if isinstance(W, np.ndarray) else W.nnz
    return int(nonzeros) + reservoir.W_in.size + ACTIVATION * reservoir.units


def kernel_loop(model: ESN) -> Loop:
    """Readout and feedback of a fitted model, between scaled outputs and scaled inputs."""
    dtype = model.reservoir.dtype
    columns = model.continues
    fed_back = np.maximum(columns, 0)
    gain = model.target_scaler.scale / model.input_scaler.scale[fed_back]
    offset = (
        model.target_scaler.mean - model.input_scaler.mean[fed_back]
    ) / model.input_scaler.scale[fed_back]
    return Loop(
        weights=np.ascontiguousarray(model.readout.weights.T, dtype=dtype),
        intercept=model.readout.intercept.astype(dtype),
        columns=columns.astype(np.int64),
        gain=gain.astype(dtype),
        offset=offset.astype(dtype),
    )


def no_loop(dtype: np.dtype[Any]) -> Loop:
    """For reservoirs without a readout yet: no outputs."""
    nothing = np.zeros(0, dtype)
    return Loop(np.zeros((0, 0), dtype), nothing, np.zeros(0, np.int64), nothing, nothing)
