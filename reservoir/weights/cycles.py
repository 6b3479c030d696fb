"""Deterministic reservoirs of minimum complexity: cycle, cycle with jumps, delay line."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from reservoir.errors import DataError
from reservoir.weights.arguments import finite, whole


def cycle(units: int, weight: float) -> sparse.csr_array:
    """A simple cycle: unit i+1 hears unit i, and the first hears the last.

    Parameters
    ----------
    units : int
        Number of units N. A single unit hears itself.
    weight : float
        Weight of all connections; its absolute value is the spectral radius.

    Returns
    -------
    csr_array, shape (N, N), float64
        Indices are sorted, int32.

    Raises
    ------
    DataError
        ``units`` is not a whole number of at least 1, or ``weight`` is not finite.

    Notes
    -----
    Rodan & Tino (2011), "Minimum complexity echo state network", IEEE Transactions on Neural
    Networks 22:131 (SCR).
    """
    units = whole("units", units, least=1)
    weight = finite("weight", weight)
    places = np.roll(np.arange(units, dtype=np.int32), 1)  # row i hears unit i - 1
    starts = np.arange(units + 1, dtype=np.int32)
    return sparse.csr_array((np.full(units, weight), places, starts), shape=(units, units))


def cycle_with_jumps(units: int, weight: float, jump_weight: float, jump: int) -> sparse.csr_array:
    """A cycle with regular jumps in both directions.

    Jumps join units 0 and ``jump``, ``jump`` and ``2 * jump``, and so on. Units count from 0; the
    last jump ends in unit 0 if ``jump`` divides N and in unit ``N - N % jump`` otherwise.

    Parameters
    ----------
    units : int
        Number of units N, at least 4.
    weight : float
        Weight of the cycle.
    jump_weight : float
        Weight of the jumps, the same both ways.
    jump : int
        Units that a jump passes on, from 2 to N // 2.

    Returns
    -------
    csr_array, shape (N, N), float64
        Indices are sorted, int32.

    Raises
    ------
    DataError
        An argument is out of its range.

    Notes
    -----
    Rodan & Tino (2012), "Simple deterministically constructed cycle reservoirs with regular
    jumps", Neural Computation 24:1822 (CRJ).
    """
    units = whole("units", units, least=4)
    weight = finite("weight", weight)
    jump_weight = finite("jump_weight", jump_weight)
    jump = whole("jump", jump, least=2)
    if jump > units // 2:
        raise DataError(f"jump must be at most half of the {units} units, got {jump}")
    near = np.arange(units, dtype=np.int32)  # near -> near + 1, with `weight`
    # a jump of half the cycle meets the same pair on its way back
    count = 1 if 2 * jump == units else units // jump
    far = np.arange(count, dtype=np.int32) * jump  # far <-> far + jump
    rows = np.concatenate([(near + 1) % units, far, (far + jump) % units])
    columns = np.concatenate([near, (far + jump) % units, far])
    weights = np.repeat([weight, jump_weight], [units, 2 * count])
    return sparse.csr_array((weights, (rows, columns)), shape=(units, units))  # sorts


def delay_line(units: int, weight: float) -> sparse.csr_array:
    """A line that hands its input on: unit i+1 hears unit i, the first hears nobody.

    Parameters
    ----------
    units : int
        Number of units N. A single unit has no connection.
    weight : float
        Weight of all connections. The spectral radius is 0 whatever it is: the matrix is
        nilpotent, the network forgets everything after N steps.

    Returns
    -------
    csr_array, shape (N, N), float64
        Indices are sorted, int32.

    Raises
    ------
    DataError
        ``units`` is not a whole number of at least 1, or ``weight`` is not finite.

    Notes
    -----
    Rodan & Tino (2011), "Minimum complexity echo state network", IEEE Transactions on Neural
    Networks 22:131 (DLR).
    """
    units = whole("units", units, least=1)
    weight = finite("weight", weight)
    places = np.arange(units - 1, dtype=np.int32)
    starts = np.concatenate([[0], np.arange(units)]).astype(np.int32)  # 0, 0, 1, ..., N-1
    return sparse.csr_array((np.full(units - 1, weight), places, starts), shape=(units, units))
