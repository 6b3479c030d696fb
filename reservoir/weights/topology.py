"""The registry of topologies: a recurrent matrix by name, built and scaled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.errors import DataError
from reservoir.weights.arguments import fraction, nonnegative, one_of, whole
from reservoir.weights.cycles import cycle, cycle_with_jumps, delay_line
from reservoir.weights.orthogonal import orthogonal
from reservoir.weights.random_sparse import random_sparse
from reservoir.weights.small_world import small_world
from reservoir.weights.spectral import try_scale
from reservoir.weights.values import VALUES

TOPOLOGIES = ("random", "orthogonal", "cycle", "cycle_jumps", "delay_line", "small_world")
INCOMING = 10  # connections that a unit hears if no connectivity is given
DRAWS = 100  # of a random matrix, until one has a spectral radius


def recurrent_matrix(
    topology: str,
    units: int,
    *,
    connectivity: float | None,
    values: str,
    spectral_radius: float,
    rng: np.random.Generator,
) -> sparse.csr_array | NDArray[np.float64]:
    """Build a recurrent matrix and give it a spectral radius.

    Parameters
    ----------
    topology : str
        One of `TOPOLOGIES`:

        - ``"random"``: `random_sparse`, scaled.
        - ``"orthogonal"``: a dense orthogonal matrix times ``spectral_radius``.
        - ``"cycle"``: a cycle with the weight ``spectral_radius``.
        - ``"cycle_jumps"``: a cycle with jumps over about sqrt(N) units and of half its weight,
          scaled; fewer than 4 units have no room for jumps and form a cycle.
        - ``"delay_line"``: a line with the weight ``spectral_radius``. It is nilpotent: its own
          spectral radius is 0.
        - ``"small_world"``: `small_world` with a tenth of the connections rewired, scaled.
    units : int
        Number of units N.
    connectivity : float, optional
        Fraction of non-zeros, in (0, 1]; None is about ten incoming connections a unit,
        ``min(1, 10 / N)``. The other topologies than "random" and "small_world" have no use for
        it.
    values : {"uniform", "normal", "signs"}
        What random weights are drawn from; only "random" and "small_world" use it.
    spectral_radius : float
        Finite and at least 0.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    csr_array or ndarray, shape (N, N), float64
        An array for "orthogonal", sparse with sorted int32 indices for all others.

    Raises
    ------
    DataError
        An argument is out of its range; an unknown name (the message offers the nearest); or a
        connectivity so low that no draw had a cycle.

    Warns
    -----
    DenseFallbackWarning
        As `reservoir.weights.spectral.spectral_radius`.

    Notes
    -----
    A random matrix can have the spectral radius 0, which no factor changes: with fewer
    connections than units its graph may have no cycle, and signs may cancel, as in
    ``[[1, 1], [-1, -1]]``. Such a draw is thrown away and the next one taken, up to `DRAWS`
    times. The result is then a draw of the same distribution under the condition that the
    spectral radius is not 0.
    """
    topology = one_of("topology", topology, TOPOLOGIES)
    units = whole("units", units, least=1)
    values = one_of("values", values, VALUES)
    radius = nonnegative("spectral_radius", spectral_radius)
    if connectivity is None:
        density = min(1.0, INCOMING / units)
    else:
        density = fraction("connectivity", connectivity)
    if topology == "orthogonal":
        return radius * orthogonal(units, rng=rng)
    if topology == "cycle":
        return cycle(units, radius)
    if topology == "delay_line":
        return delay_line(units, radius)
    if topology == "cycle_jumps":
        return _cycle_jumps(units, radius)
    draw = random_sparse if topology == "random" else small_world
    for _ in range(DRAWS):
        scaled = try_scale(draw(units, density, values=values, rng=rng), radius)
        if scaled is not None:
            return scaled
    raise DataError(
        f"connectivity {density:g} is too low: none of {DRAWS} random matrices of {units} units "
        f"had a cycle of connections, hence a spectral radius; use at least {1 / units:g} (1/units)"
    )


def _cycle_jumps(units: int, radius: float) -> sparse.csr_array:
    if units < 4:
        return cycle(units, radius)
    return try_scale(cycle_with_jumps(units, 1.0, 0.5, max(2, math.isqrt(units))), radius)
