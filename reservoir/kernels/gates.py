"""What cells with gates share: rows of blocks, products of single gates, damped gates.

A row of gates has a block of P columns for each gate, P the pitch of the units.
"""

from __future__ import annotations

from typing import Any

from reservoir.kernels.compile import inlined
from reservoir.kernels.elementwise import formula
from reservoir.kernels.products import add_outer, add_product

damp_gate = formula(lambda d, gate, R_a, s: d + s * gate * (1.0 - gate) * R_a)
damp_candidate = formula(lambda d, g, R_a, s: d + s * (1.0 - g * g) * R_a)


@inlined
def three_blocks(rows: Any, row: int) -> Any:
    """The blocks from a row on, as a formula takes them."""
    width = rows.shape[1]
    at, P = row * width, width // 3
    return (rows, at, width), (rows, at + P, width), (rows, at + 2 * P, width)


@inlined
def four_blocks(rows: Any, row: int) -> Any:
    """The blocks from a row on, as a formula takes them."""
    width = rows.shape[1]
    at, P = row * width, width // 4
    return (
        (rows, at, width),
        (rows, at + P, width),
        (rows, at + 2 * P, width),
        (rows, at + 3 * P, width),
    )


@inlined
def add_gate(
    a: Any, a_row: int, rows: int, depth: int, b: Any, gate: int, c: Any, c_row: int, block: int,
    units: int, P: int,
) -> None:  # fmt: skip
    """Add ``a[rows] @ b[:, gate]`` to a block of rows of c: gates and blocks are P columns each."""
    add_product(a, a_row, 0, rows, depth, b, 0, gate * P, c, c_row, block * P, units)


@inlined
def add_gate_back(
    d: Any, row: int, block: int, rows: int, units: int, w: Any, gate: int, carry: Any, c_row: int,
    columns: int, P: int,
) -> None:  # fmt: skip
    """Add ``d[rows, block] @ w[gate]``, w: (gates units, pitch), to rows of the carry."""
    add_product(d, row, block * P, rows, units, w, gate * units, 0, carry, c_row, 0, columns)


@inlined
def add_gate_outer(
    a: Any, a_row: int, depth: int, rows: int, d: Any, row: int, block: int, sums: Any, gate: int,
    units: int, P: int,
) -> None:  # fmt: skip
    """Add ``a[depth].T @ d[depth, block]`` to a gate's columns of the sums (rows, gates P)."""
    add_outer(a, a_row, 0, rows, depth, d, row, block * P, sums, 0, gate * P, units)
