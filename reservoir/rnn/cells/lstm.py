"""The long short-term memory cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reservoir.kernels import lstm
from reservoir.kernels.steps import Steps
from reservoir.kernels.sums import Sums
from reservoir.rnn.cells.cell import Adjoint, Damped, Outer, Trace, Views
from reservoir.rnn.padded import Array, add_transposed, pitch_of, row, stacked, transposed, zeros
from reservoir.weights.arguments import whole

ALL = (lstm.I, lstm.F, lstm.O, lstm.G)
NO_FORGET = (lstm.I, lstm.O, lstm.G)


@dataclass(frozen=True)
class LSTM:
    """``c = f c- + i g``, ``h = o tanh(c)``; the gates i, f, o are logistic, the candidate g tanh.

    Parameters
    ----------
    units : int
        Number of units N.
    forget_gate : bool
        False: f = 1, as in 1997.
    learn_initial_state : bool
        Whether the initial h and c are parameters; they are zero otherwise.

    Notes
    -----
    Parameters of a layer, in their order: U (4, N, K), W (4, N, N), b (4, N), h0 and c0 (N,) if
    learned. Gates: input, forget, output, candidate; three without the forget gate. Hochreiter and
    Schmidhuber (1997), Neural Computation 9:1735; Gers et al. (2000), Neural Computation 12:2451.
    """

    units: int
    forget_gate: bool = True
    learn_initial_state: bool = False
    parts: tuple[str, ...] = field(default=("h", "c"), init=False, repr=False)
    blocks: int = field(default=lstm.BLOCKS, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole("units", self.units, least=1))

    @property
    def damped_blocks(self) -> tuple[int, ...]:
        """The blocks of the gates in use, in the order of the parameters."""
        return ALL if self.forget_gate else NO_FORGET

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        units, gates = self.units, len(self.damped_blocks)
        shapes: dict[str, tuple[int, ...]] = {"U": (gates, units, inputs)}
        shapes |= {"W": (gates, units, units), "b": (gates, units)}
        if self.learn_initial_state:
            shapes |= {"h0": (units,), "c0": (units,)}
        return shapes

    def weights(self, views: Views, dtype: np.dtype[Any]) -> lstm.LSTM:
        blocks = self.damped_blocks
        return lstm.LSTM(
            transposed(views["U"], blocks, lstm.BLOCKS, dtype),
            transposed(views["W"], blocks, lstm.BLOCKS, dtype),
            row(views["b"], blocks, lstm.BLOCKS, dtype),
            stacked(views["U"], blocks, lstm.BLOCKS, dtype),
            stacked(views["W"], blocks, lstm.BLOCKS, dtype),
            self.forget_gate,
        )

    def trace(self, lanes: int, rows: int, dtype: np.dtype[Any]) -> Trace:
        size = pitch_of(self.units, dtype)
        h, c = (zeros(lanes + rows, size, dtype) for _ in range(2))
        return Trace((h, c), (zeros(rows, size, dtype), zeros(rows, lstm.BLOCKS * size, dtype)))

    def forward(self, steps: Steps, x: Array, w: Any, trace: Trace, work: Array) -> None:
        h, c, tau, gates = *trace.states, *trace.rows
        lstm.forward(steps, x, w, h, c, tau, gates)

    def tangent(
        self, steps: Steps, x: Array, R_x: Array, w: Any, v: Any, trace: Trace, to: Trace,
        work: Array,
    ) -> None:  # fmt: skip
        h, c, tau, gates = *trace.states, *trace.rows
        R_h, R_c = to.states
        lstm.tangent(steps, x, R_x, w, v, h, c, tau, gates, to.rows[0], R_h, R_c)

    def backward(
        self, steps: Steps, x: Array, w: Any, trace: Trace, tangent: Trace, damped: Damped,
        adjoint: Adjoint, sums: Sums, summed: bool, work: Array,
    ) -> None:  # fmt: skip
        h, c, tau, gates = *trace.states, *trace.rows
        R_h, R_c = tangent.states
        carry, carry_c = adjoint.carry
        lstm.backward(
            steps, x, w, h, c, tau, gates, tangent.rows[0], R_h, R_c,
            damped.preactivations, damped.h, damped.c, damped.weighted,
            adjoint.d, adjoint.d_a, carry, carry_c, adjoint.d_x, sums, summed,
        )  # fmt: skip

    def second(
        self, steps: Steps, x: Array, R_x: Array, w: Any, v: Any, trace: Trace, tangent: Trace,
        adjoint: Adjoint, R_adjoint: Adjoint, sums: Sums, work: Array,
    ) -> None:  # fmt: skip
        h, c, tau, gates = *trace.states, *trace.rows
        R_h, R_c = tangent.states
        carry, carry_c, R_carry, R_carry_c = *adjoint.carry, *R_adjoint.carry
        lstm.second(
            steps, x, R_x, w, v, h, c, tau, gates, tangent.rows[0], R_h, R_c,
            adjoint.d, R_adjoint.d, adjoint.d_a, R_adjoint.d_a, carry, carry_c, R_carry, R_carry_c,
            adjoint.d_x, R_adjoint.d_x, sums,
        )  # fmt: skip

    def sums(self, inputs: int, lanes: int, dtype: np.dtype[Any]) -> Sums:
        size = pitch_of(self.units, dtype)
        width = lstm.BLOCKS * size
        shapes = (inputs, width), (self.units, width), (lanes, width), (0, size)
        return Sums(*(zeros(*shape, dtype) for shape in shapes))

    def outers(self, steps: Steps, x: Array, trace: Trace) -> list[Outer]:
        blocks = np.array(self.damped_blocks)
        return [
            Outer(True, x, False, blocks, blocks),
            Outer(False, trace.states[0], True, blocks, blocks),
        ]

    def add_gradient(self, sums: Sums, views: Views) -> None:
        blocks = self.damped_blocks
        add_transposed(views["U"], sums.U, blocks, lstm.BLOCKS)
        add_transposed(views["W"], sums.W, blocks, lstm.BLOCKS)
        total = sums.b.sum(axis=0, dtype=np.float64)[None]
        add_transposed(views["b"][:, :, None], total, blocks, lstm.BLOCKS)

    def slopes(self, steps: Steps, trace: Trace) -> Array:
        gates = trace.rows[1].reshape(-1, lstm.BLOCKS, trace.states[0].shape[1])
        D = gates * (1.0 - gates)
        D[:, lstm.G] = 1.0 - gates[:, lstm.G] ** 2
        return D.reshape(trace.rows[1].shape)
