"""The bounds of single cells: derivations, and what they need of a path.

For a matrix W and diagonal matrices with ``0 <= d_i <= D_i``, ``|diag(d) W| <= |diag(D) W|``, and
the norm of a matrix of blocks is at most that of the matrix of the blocks' norms. With C, H and Q
the largest values of a cell c, a state h and a recurrent input q along the path:

- leaky units: ``J = diag(1 - leak) + diag(leak f') W``, ``f' <= gamma``, so
  ``|J| <= max(1 - leak) + gamma |diag(leak) W|``. gamma is 1 for tanh, ReLU and identity, 1/4 for
  the logistic. Without a leak that is ``gamma |W|``.
- LSTM, state (h, c): ``dc/dh- = diag(f' c-) W_f + diag(i' g) W_i + diag(i g') W_g``, so
  ``|dc/dh-| <= a = C/4 |W_f| + 1/4 |W_i| + |W_g|``; ``dc/dc- = diag(f) <= 1``; h follows from
  ``dh = diag(o' tau) W_o dh- + diag(o tau') dc``. Together at most the norm of
  ``[[|W_o|/4 + a, 1], [a, 1]]``. The 1 in the corner is the cell's own path: no choice of weights
  brings this bound below 1. c has no bound of its own; C is measured.
- GRU, reset before: ``J = diag(1-z) + diag(z' (n - h-)) W_z + diag(z n') W_n (diag(r) +
  diag(h- r') W_r)``, so ``|J| <= 1 + (1 + H)/4 |W_z| + |W_n| (1 + H/4 |W_r|)``. Reset after: the
  last term is ``diag(z n') (diag(r) W_n + diag(q r') W_r)``, at most ``|W_n| + Q/4 |W_r|``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from reservoir.analysis.tangents import GRU, LSTM, Array, LayerStretch, Leaky
from reservoir.kernels import gru, gru_after, lstm
from reservoir.threads import single_blas

Largest = dict[str, Array]  # of what a unit computes, by name: (N,) the largest along a path
SPARSE = 1000  # units from which a sparse matrix stays one


def spectral_norm(W: Any) -> float:
    """The largest singular value of a matrix, dense or sparse."""
    least = min(W.shape)
    with single_blas():
        if sparse.issparse(W) and least > SPARSE:
            start = np.random.default_rng(0).standard_normal(least)
            found = sparse.linalg.svds(W, k=1, v0=start, return_singular_vectors=False)
            return float(found[0])
        dense = np.asarray(W.toarray() if sparse.issparse(W) else W, np.float64)
        size = float(np.abs(dense).max(initial=0.0))
        if size == 0.0:
            return 0.0
        scaled = dense / size  # the square neither overflows nor vanishes
        return size * float(np.sqrt(np.linalg.eigvalsh(scaled.T @ scaled)[-1]))


def _rows(factor: Array, W: Any) -> float:
    """The norm of ``diag(factor) W``."""
    scaled = sparse.diags_array(factor) @ W if sparse.issparse(W) else factor[:, None] * W
    return spectral_norm(scaled)


class CellBound(Protocol):
    """The bound of one layer; made of one stretch of a path, it takes in others like it."""

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the G recurrent matrices."""

    @property
    def limits(self) -> Array:
        """How large the slope of each gate can be, (G,)."""

    @property
    def matrices(self) -> list[Any]:
        """W of each gate."""

    def slopes(self) -> Array:
        """Of each gate, step and unit: (G, T, N)."""

    def largest(self) -> Largest:
        """The factors of the bound, along the stretch."""

    def at_most(self, largest: Largest) -> Largest:
        """The factors' limits; or what is measured, where they have none."""

    def bound(self, factors: Largest) -> float:
        """Of the norm of the Jacobian."""


def bound_of(layer: LayerStretch) -> CellBound:
    """The bound of a layer by its kind."""
    if isinstance(layer, Leaky):
        return LeakyBound(layer)
    return LSTMBound(layer) if isinstance(layer, LSTM) else GRUBound(layer)  # type: ignore[arg-type]


@dataclass(frozen=True)
class LeakyBound:
    """Of leaky units."""

    layer: Leaky
    gates = ("W",)

    @property
    def limits(self) -> Array:
        return np.array([self.layer.limit])

    @property
    def matrices(self) -> list[Any]:
        return [self.layer.W]

    def slopes(self) -> Array:
        leak = 1.0 - self.layer.keep
        return np.asarray(self.layer.slopes / np.where(leak == 0.0, 1.0, leak))[None]

    def largest(self) -> Largest:
        return {"slope": np.abs(self.layer.slopes).max(axis=0)}

    def at_most(self, largest: Largest) -> Largest:
        return {"slope": self.layer.limit * np.abs(1.0 - self.layer.keep)}

    def bound(self, factors: Largest) -> float:
        return float(np.abs(self.layer.keep).max()) + _rows(factors["slope"], self.layer.W)


@dataclass(frozen=True)
class LSTMBound:
    """Of the joint state (h, c)."""

    layer: LSTM

    @property
    def gates(self) -> tuple[str, ...]:
        names = ("input", "forget", "output", "candidate")
        return tuple(names[block] for block in self.layer.blocks)

    @property
    def limits(self) -> Array:
        return np.array([1.0 if block == lstm.G else 0.25 for block in self.layer.blocks])

    @property
    def matrices(self) -> list[Any]:
        return list(self.layer.W)

    def slopes(self) -> Array:
        return self.layer.slopes[:, list(self.layer.blocks)].swapaxes(0, 1)

    def largest(self) -> Largest:
        i, f, o, g = self.layer.gates.swapaxes(0, 1)
        of_i, of_f, of_o, of_g = self.layer.slopes.swapaxes(0, 1)
        tau, c = np.tanh(self.layer.c[1:]), np.abs(self.layer.c[:-1])
        every = {"c": c, "by f": of_f * c, "by i": of_i * np.abs(g), "by g": of_g * i}
        every |= {"by o": of_o * np.abs(tau), "f": f, "out": o * (1.0 - tau) * (1.0 + tau)}
        return {name: value.max(axis=0) for name, value in every.items()}

    def at_most(self, largest: Largest) -> Largest:
        one = np.ones(self.layer.units)
        by_f = 0.25 * largest["c"].max() * one
        quarter = 0.25 * one
        return {"by f": by_f, "by i": quarter, "by g": one, "by o": quarter, "f": one, "out": one}

    def bound(self, factors: Largest) -> float:
        W = dict(zip(self.layer.blocks, self.layer.W, strict=True))
        a = _rows(factors["by i"], W[lstm.I]) + _rows(factors["by g"], W[lstm.G])
        if lstm.F in W:
            a += _rows(factors["by f"], W[lstm.F])
        by_o = _rows(factors["by o"], W[lstm.O])
        out, f = float(factors["out"].max()), float(factors["f"].max())
        return float(np.linalg.norm([[by_o + out * a, out * f], [a, f]], 2))


@dataclass(frozen=True)
class GRUBound:
    """Of gated units, the reset before or after the product."""

    layer: GRU
    gates = ("update", "reset", "candidate")

    @property
    def limits(self) -> Array:
        return np.array([0.25, 0.25, 1.0])

    @property
    def matrices(self) -> list[Any]:
        return list(self.layer.W)

    @property
    def _after(self) -> bool:
        return bool(self.layer.gates.shape[1] == gru_after.BLOCKS)

    def slopes(self) -> Array:
        return self.layer.slopes[:, [gru.Z, gru.R, -1]].swapaxes(0, 1)

    def largest(self) -> Largest:
        gates, (of_z, of_r, of_n) = self.layer.gates.swapaxes(0, 1), self.slopes()
        z, r, n, h = gates[gru.Z], gates[gru.R], gates[-1], self.layer.h[:-1]
        reset = np.abs(gates[gru_after.Q] if self._after else h)  # what r multiplies
        every = {"h": np.abs(h), "reset": reset, "keep": 1.0 - z, "r": r}
        every |= {"by z": of_z * np.abs(n - h), "by r": of_r * reset, "by n": z * of_n}
        return {name: value.max(axis=0) for name, value in every.items()}

    def at_most(self, largest: Largest) -> Largest:
        one = np.ones(self.layer.units)
        highest = max(1.0, float(largest["h"].max()))  # h is a mean of n and of the h before
        by_r = 0.25 * (largest["reset"] if self._after else highest * one)
        by_z = 0.25 * (1.0 + highest) * one
        return {"keep": one, "by z": by_z, "by n": one, "r": one, "by r": by_r}

    def bound(self, factors: Largest) -> float:
        W_z, W_r, W_n = self.layer.W
        found = float(factors["keep"].max()) + _rows(factors["by z"], W_z)
        by_n, by_r = factors["by n"], factors["by r"]
        if self._after:
            return found + _rows(by_n * factors["r"], W_n) + _rows(by_n * by_r, W_r)
        return found + _rows(by_n, W_n) * (float(factors["r"].max()) + _rows(by_r, W_r))
