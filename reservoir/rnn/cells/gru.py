"""The gated recurrent unit, with the reset before or after the recurrent product."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reservoir.kernels import gru, gru_after
from reservoir.kernels.steps import Steps
from reservoir.kernels.sums import Sums
from reservoir.rnn.cells.cell import Adjoint, Damped, Outer, Trace, Views
from reservoir.rnn.padded import Array, add_transposed, pitch_of, row, stacked, transposed, zeros
from reservoir.weights.arguments import one_of, whole

GATES = (0, 1, 2)  # update, reset, candidate, as parameters have them
AFTER = (gru_after.Z, gru_after.R, gru_after.N)  # their blocks where q has one of its own
STATES_AFTER = (gru_after.Z, gru_after.R, gru_after.Q)


@dataclass(frozen=True)
class GRU:
    """``h = (1 - z) h- + z n`` with the update z and the reset r logistic, the candidate n tanh.

    Parameters
    ----------
    units : int
        Number of units N.
    reset : {"before", "after"}
        ``"before"`` the recurrent product (Cho et al. 2014): ``n = tanh(W (r h-) + U x + b)``;
        ``"after"`` it, as in cuDNN, PyTorch and Keras: ``n = tanh(r (W h- + b_n) + U x + b)``.
        Those libraries exchange z and 1 - z: weights of z from there change their sign.
    learn_initial_state : bool
        Whether the initial state is a parameter; it is zero otherwise.

    Notes
    -----
    Parameters of a layer, in their order: U (3, N, K), W (3, N, N), b (3, N), b_n (N,) with the
    reset after, h0 (N,) if learned. Gates: update, reset, candidate. Cho et al. (2014),
    arXiv:1406.1078; z as in Chung et al. (2014), arXiv:1412.3555.
    """

    units: int
    reset: str = "before"
    learn_initial_state: bool = False
    parts: tuple[str, ...] = field(default=("h",), init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole("units", self.units, least=1))
        one_of("reset", self.reset, ("before", "after"))

    @property
    def _after(self) -> bool:
        return self.reset == "after"

    @property
    def blocks(self) -> int:
        """Blocks of a row of gates: one more for q with the reset after."""
        return gru_after.BLOCKS if self._after else gru.BLOCKS

    @property
    def damped_blocks(self) -> tuple[int, ...]:
        """The blocks of update, reset and candidate."""
        return AFTER if self._after else GATES

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        units = self.units
        shapes: dict[str, tuple[int, ...]] = {"U": (3, units, inputs), "W": (3, units, units)}
        shapes["b"] = (3, units)
        if self._after:
            shapes["b_n"] = (units,)
        if self.learn_initial_state:
            shapes["h0"] = (units,)
        return shapes

    def weights(self, views: Views, dtype: np.dtype[Any]) -> gru.GRU | gru_after.GRUAfter:
        U, W = views["U"], views["W"]
        matrices = transposed(U, GATES, 3, dtype), transposed(W, GATES, 3, dtype)
        back = stacked(U, GATES, 3, dtype), stacked(W, GATES, 3, dtype)
        if not self._after:
            return gru.GRU(*matrices, row(views["b"], GATES, 3, dtype), *back)
        biases = np.concatenate([views["b"], views["b_n"][None]])
        b = row(biases, (*AFTER, gru_after.Q), gru_after.BLOCKS, dtype)
        return gru_after.GRUAfter(*matrices, b, *back)

    def trace(self, lanes: int, rows: int, dtype: np.dtype[Any]) -> Trace:
        size = pitch_of(self.units, dtype)
        return Trace((zeros(lanes + rows, size, dtype),), (zeros(rows, self.blocks * size, dtype),))

    def forward(self, steps: Steps, x: Array, w: Any, trace: Trace, work: Array) -> None:
        if self._after:
            gru_after.forward(steps, x, w, trace.states[0], trace.rows[0])
        else:
            gru.forward(steps, x, w, trace.states[0], trace.rows[0], work)

    def tangent(
        self, steps: Steps, x: Array, R_x: Array, w: Any, v: Any, trace: Trace, to: Trace,
        work: Array,
    ) -> None:  # fmt: skip
        found = steps, x, R_x, w, v, trace.states[0], trace.rows[0], to.rows[0], to.states[0]
        if self._after:
            gru_after.tangent(*found)
        else:
            gru.tangent(*found, work)

    def backward(
        self, steps: Steps, x: Array, w: Any, trace: Trace, tangent: Trace, damped: Damped,
        adjoint: Adjoint, sums: Sums, summed: bool, work: Array,
    ) -> None:  # fmt: skip
        arguments = (
            steps, x, w, trace.states[0], trace.rows[0], tangent.rows[0], tangent.states[0],
            damped.preactivations, damped.h, damped.weighted,
            adjoint.d, adjoint.d_a, adjoint.carry[0], adjoint.d_x, sums, summed,
        )  # fmt: skip
        if self._after:
            gru_after.backward(*arguments)
        else:
            gru.backward(*arguments, work)

    def second(
        self, steps: Steps, x: Array, R_x: Array, w: Any, v: Any, trace: Trace, tangent: Trace,
        adjoint: Adjoint, R_adjoint: Adjoint, sums: Sums, work: Array,
    ) -> None:  # fmt: skip
        arguments = (
            steps, x, R_x, w, v, trace.states[0], trace.rows[0], tangent.rows[0],
            tangent.states[0], adjoint.d, R_adjoint.d, adjoint.d_a, R_adjoint.d_a,
            adjoint.carry[0], R_adjoint.carry[0], adjoint.d_x, R_adjoint.d_x, sums,
        )  # fmt: skip
        if self._after:
            gru_after.second(*arguments)
        else:
            gru.second(*arguments, work)

    def sums(self, inputs: int, lanes: int, dtype: np.dtype[Any]) -> Sums:
        size = pitch_of(self.units, dtype)
        shapes = (inputs, 3 * size), (self.units, 3 * size), (lanes, self.blocks * size), (0, size)
        return Sums(*(zeros(*shape, dtype) for shape in shapes))

    def outers(self, steps: Steps, x: Array, trace: Trace) -> list[Outer]:
        h, gates = trace.states[0], np.array(GATES)
        inputs = Outer(True, x, False, np.array(self.damped_blocks), gates)
        if self._after:
            return [inputs, Outer(False, h, True, np.array(STATES_AFTER), gates)]
        step = np.repeat(np.arange(steps.count.size), steps.count)
        begins = np.concatenate([[0], steps.lanes + steps.first[:-1]])  # rows before each step
        old = begins[step] + np.arange(step.size) - steps.first[step]
        P = h.shape[1]
        q = trace.rows[0][:, gru.R * P : (gru.R + 1) * P] * h[old]
        return [
            inputs,
            Outer(False, h, True, gates[:2], gates[:2]),
            Outer(False, q, False, gates[2:], gates[2:]),
        ]

    def add_gradient(self, sums: Sums, views: Views) -> None:
        add_transposed(views["U"], sums.U, GATES, 3)
        add_transposed(views["W"], sums.W, GATES, 3)
        total = sums.b.sum(axis=0, dtype=np.float64)[None]
        add_transposed(views["b"][:, :, None], total, self.damped_blocks, self.blocks)
        if self._after:
            add_transposed(views["b_n"][None, :, None], total, (gru_after.Q,), self.blocks)

    def slopes(self, steps: Steps, trace: Trace) -> Array:
        gates = trace.rows[0].reshape(-1, self.blocks, trace.states[0].shape[1])
        D = gates * (1.0 - gates)
        D[:, -1] = 1.0 - gates[:, -1] ** 2
        return D.reshape(trace.rows[0].shape)
