"""Exact leave-one-out errors of many ridges, from the leverages, in a second pass over the rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.spectrum import Spectrum
from reservoir.kernels.panels import PANEL, multiply, pack, pack_transposed

Array = NDArray[np.float64]

ROWS_A_TASK = 4 * PANEL  # they stay in the second-level cache while all components go by
FREE = 1e-12  # least part of a step that its own fit leaves free, for an error to be told


def leave_one_out(
    spectrum: Spectrum, candidates: Array, rows: Iterable[tuple[Array, Array]]
) -> Array:
    """Mean squared error (L, M) of each step predicted by the readout of all others.

    It is the error of the readout of all steps over one minus the step's leverage (Allen 1974).

    Parameters
    ----------
    spectrum
        Of all steps.
    candidates : (L,)
    rows
        Features (n, F) and targets (n, M), piece by piece.
    """
    basis = spectrum.coefficients(candidates)  # (L, F, M)
    count, features, targets = basis.shape
    flat = np.ascontiguousarray(basis.transpose(1, 0, 2).reshape(features, -1))
    usable = spectrum.values > 0
    inverse = np.where(
        usable[:, np.newaxis],
        1.0 / np.where(usable[:, np.newaxis], spectrum.values[:, np.newaxis] + candidates, 1.0),
        0.0,
    )  # (F, L)
    vectors = np.zeros((-(-features // PANEL), features, PANEL))
    pack(np.ascontiguousarray(spectrum.vectors), 0, 0, vectors)

    def errors_of(z: Array, y: Array) -> Array:
        packed = np.empty((-(-len(z) // PANEL), features, PANEL))
        pack_transposed(z, spectrum.feature_mean, packed)
        components = np.zeros((len(packed) * PANEL, len(vectors) * PANEL))
        multiply(vectors, packed, components)
        principal = components[: len(z), :features]
        predicted = (principal @ flat).reshape(len(z), count, targets)
        leverage = 1.0 / spectrum.count + principal**2 @ inverse  # (n, L)
        residual = (y - spectrum.target_mean)[:, np.newaxis] - predicted
        free = 1.0 - leverage
        with np.errstate(divide="ignore", invalid="ignore"):
            left_out = np.where(
                free[..., np.newaxis] > FREE, residual / free[..., np.newaxis], np.inf
            )
        return np.asarray((left_out**2).sum(axis=0))

    errors = np.zeros((count, targets))
    for z, y in rows:
        parts = [slice(at, at + ROWS_A_TASK) for at in range(0, len(z), ROWS_A_TASK)]
        for found in threads.run_all([partial(errors_of, z[part], y[part]) for part in parts]):
            errors += found
    return errors / spectrum.count
