"""Derivatives of a state by the state before, as maps of vectors: ``V -> (dh_t/dh_{t-1}) V``.

A stretch is a model linearized along some steps. Everything else (Jacobians, their products,
Lyapunov exponents) asks nothing of a model but to push vectors through its steps; the dense
Jacobian of a step is what the unit vectors become.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels import gru, gru_after, lstm

Array = NDArray[np.float64]


class Stretch(Protocol):
    """A model linearized along some consecutive steps of one trajectory."""

    @property
    def size(self) -> int:
        """Numbers n of the state."""

    @property
    def steps(self) -> int:
        """How many steps."""

    def push(self, t: int, V: Array) -> Array:
        """The product of the Jacobian of step t, from 0, with vectors (n, k)."""


class LayerStretch(Protocol):
    """A layer linearized along some steps; its state begins with the N numbers of h."""

    @property
    def size(self) -> int:
        """Numbers of the state."""

    @property
    def units(self) -> int:
        """Number of units N."""

    @property
    def steps(self) -> int:
        """How many steps."""

    def push(self, t: int, V: Array, V_x: Array | None = None) -> Array:
        """As of a `Stretch`; ``V_x`` (K, k) are the tangents of the inputs, if they have any."""


def _by_gate(W: Array, U: Array, V: Array, V_x: Array | None) -> Array:
    """Tangents (gates, N, k) of pre-activations, for W (gates, N, N) and U (gates, N, K)."""
    gates, units, _ = W.shape
    A = W.reshape(gates * units, -1) @ V
    if V_x is not None:
        A += U.reshape(gates * units, -1) @ V_x
    return A.reshape(gates, units, -1)


@dataclass(frozen=True, eq=False)
class Leaky:
    """``h = keep h- + leak f(W h- + U x + b)``: the RNN, and the echo state network."""

    W: Any  # (N, N) dense or sparse
    U: Array  # (N, K)
    slopes: Array  # (T, N) leak times f'
    keep: Array  # (N,) 1 - leak
    limit: float  # the largest that f' can be: 1, or 1/4 for the logistic

    @property
    def size(self) -> int:
        return len(self.keep)

    units = size

    @property
    def steps(self) -> int:
        return len(self.slopes)

    def push(self, t: int, V: Array, V_x: Array | None = None) -> Array:
        A: Array = self.W @ V
        if V_x is not None:
            A += self.U @ V_x
        A *= self.slopes[t][:, None]
        A += self.keep[:, None] * V
        return A


@dataclass(frozen=True, eq=False)
class LSTM:
    """``c = f c- + i g``, ``h = o tanh(c)``: the joint state (h, c), 2 N numbers."""

    W: Array  # (G, N, N)
    U: Array  # (G, N, K)
    blocks: tuple[int, ...]  # of the G gates in use
    gates: Array  # (T, 4, N)
    slopes: Array  # (T, 4, N)
    c: Array  # (T + 1, N)

    @property
    def size(self) -> int:
        return 2 * self.units

    @property
    def units(self) -> int:
        return int(self.c.shape[1])

    @property
    def steps(self) -> int:
        return len(self.gates)

    def push(self, t: int, V: Array, V_x: Array | None = None) -> Array:
        V_h, V_c = V[: self.units], V[self.units :]
        A = _by_gate(self.W, self.U, V_h, V_x) * self.slopes[t, list(self.blocks), :, None]
        R = dict(zip(self.blocks, A, strict=True))
        i, f, o, g = self.gates[t, :, :, None]
        tau = np.tanh(self.c[t + 1])[:, None]
        R_c = f * V_c + R[lstm.I] * g + R[lstm.G] * i
        if lstm.F in R:
            R_c += R[lstm.F] * self.c[t][:, None]
        R_h = R[lstm.O] * tau + o * (1.0 - tau) * (1.0 + tau) * R_c
        return np.concatenate([R_h, R_c])


@dataclass(frozen=True, eq=False)
class GRU:
    """``h = (1 - z) h- + z n``, the reset before or after the recurrent product."""

    W: Array  # (3, N, N)
    U: Array  # (3, N, K)
    gates: Array  # (T, 3, N), or (T, 4, N) with the reset after
    slopes: Array
    h: Array  # (T + 1, N)

    @property
    def size(self) -> int:
        return int(self.h.shape[1])

    units = size

    @property
    def steps(self) -> int:
        return len(self.gates)

    def push(self, t: int, V: Array, V_x: Array | None = None) -> Array:
        gates, slopes = self.gates[t, :, :, None], self.slopes[t, :, :, None]
        old = self.h[t][:, None]
        R_z, R_r = _by_gate(self.W[:2], self.U[:2], V, V_x) * slopes[:2]
        z, r, n, n_slope = gates[gru.Z], gates[gru.R], gates[-1], slopes[-1]
        if len(gates) == gru_after.BLOCKS:
            A = R_r * gates[gru_after.Q] + r * (self.W[2] @ V)
        else:
            A = self.W[2] @ (r * V + R_r * old)
        if V_x is not None:
            A += self.U[2] @ V_x
        found: Array = (1.0 - z) * V + z * n_slope * A + R_z * (n - old)
        return found


@dataclass(frozen=True, eq=False)
class Stack:
    """Layers one above the other: the joint state of all, the lowest first."""

    layers: tuple[LayerStretch, ...]

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @property
    def steps(self) -> int:
        return self.layers[0].steps

    def push(self, t: int, V: Array) -> Array:
        found: list[Array] = []
        begin, V_x = 0, None
        for layer in self.layers:
            found.append(layer.push(t, V[begin : begin + layer.size], V_x))
            begin, V_x = begin + layer.size, found[-1][: layer.units]
        return found[0] if len(found) == 1 else np.concatenate(found)
