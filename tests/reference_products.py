"""Exact singular values and eigenvalues of long products of Jacobians, by mpmath.

``python tests/reference_products.py`` writes ``reference_products.json``, which takes some minutes;
the tests read it. The Jacobians are those of a slow twin, by complex steps. The networks forget
their start, so that another rounding of the states changes nothing that the tests could see.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import mpmath
import naive_cells
import naive_trained
import numpy as np

UNITS, STEPS, INPUTS = 8, 2000, 2
FILE = Path(__file__).with_name("reference_products.json")


class RNN(NamedTuple):
    """The options that the slow twin reads; the package has a class of this name too."""

    units: int = UNITS
    activation: str = "tanh"
    leak_rate: float = 1.0
    learn_leak: bool = False
    learn_initial_state: bool = False


class LSTM(NamedTuple):
    units: int = UNITS
    forget_gate: bool = True
    learn_initial_state: bool = False


class Network(NamedTuple):
    cells: tuple
    inputs: int = INPUTS
    outputs: int = 1
    loss: str = "squared_error"


def case(kind, steps=STEPS, units=UNITS):
    """A network of one layer, its parameters and inputs (T, K): the same bits anywhere."""
    network = Network(((RNN if kind == "RNN" else LSTM)(units),))
    rng = np.random.default_rng(7)
    # Sixteenths of whole numbers: no rounding anywhere on the way here.
    theta = rng.integers(-6, 7, naive_trained.size(network)) / 8.0 / (1 if kind == "RNN" else 2)
    inputs = rng.integers(-16, 17, (steps, INPUTS)) / 16.0
    return network, theta, inputs


def step_jacobian(cell, own, x, before):
    """d(state after) / d(state before) of one layer, (n, n), by complex steps."""
    flat = np.concatenate(before)
    columns = []
    for i in range(len(flat)):
        moved = flat.astype(complex)
        moved[i] += 1j * naive_trained.STEP
        parts = tuple(np.split(moved, len(before)))
        after = naive_cells.FORWARD[naive_cells.kind(cell)](cell, own, x, parts)["after"]
        columns.append(np.concatenate(after).imag / naive_trained.STEP)
    return np.array(columns).T


def jacobians(network, theta, inputs):
    """Of every step of the only layer, (T, n, n)."""
    cell = network.cells[0]
    own = naive_cells.of_layer(naive_cells.views(network, theta), 0)
    parts = tuple(np.zeros(cell.units) for _ in range(1 + (naive_cells.kind(cell) == "LSTM")))
    found = []
    for x in inputs:
        found.append(step_jacobian(cell, own, x, parts))
        parts = naive_cells.FORWARD[naive_cells.kind(cell)](cell, own, x, parts)["after"]
    return np.array(found)


def exact(factors, digits):
    """Logarithms of singular values, and of moduli of eigenvalues with their phases."""
    with mpmath.workdps(digits):
        product = mpmath.eye(factors.shape[1])
        for factor in factors:
            product = mpmath.matrix(factor.tolist()) * product
        singular = [float(mpmath.log(s)) for s in mpmath.svd_r(product, compute_uv=False)]
        eigen = mpmath.eig(product, left=False, right=False)
        found = sorted((float(mpmath.log(abs(e))), float(mpmath.arg(e))) for e in eigen)[::-1]
    return sorted(singular)[::-1], [m for m, _ in found], [p for _, p in found]


def main():
    written = {}
    for kind in ("RNN", "LSTM"):
        began = time.perf_counter()
        factors = jacobians(*case(kind))
        norms = np.linalg.norm(factors, 2, axis=(1, 2)), np.linalg.norm(factors, -2, axis=(1, 2))
        digits = int(np.log10(norms[0] / norms[1]).sum()) + 60
        sys.stdout.write(f"{kind}: {digits} digits\n")
        written[kind] = dict(
            zip(("singular", "moduli", "phases"), exact(factors, digits), strict=True)
        )
        sys.stdout.write(f"{time.perf_counter() - began:.0f} s\n")
    FILE.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
