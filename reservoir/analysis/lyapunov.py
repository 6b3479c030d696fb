"""Lyapunov exponents: the mean growth of orthogonal directions along a trajectory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reservoir.analysis.block_means import BlockMeans
from reservoir.analysis.directions import Directions
from reservoir.analysis.tangents import Array, Stretch
from reservoir.errors import DataError
from reservoir.weights.arguments import whole


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Leading Lyapunov exponents, largest first, natural logarithms a unit of time."""

    exponents: Array  # (k,) -inf for directions that are lost
    errors: Array  # (k,) standard errors, from the means of blocks of steps; NaN if there is one
    steps: int  # that were counted, of all paths
    block_means: Array  # (blocks, k) in the order of time

    @property
    def dimension(self) -> float:
        """Kaplan and Yorke's: where the sum of the exponents falls below 0.

        NaN if it never does among those computed.
        """
        total = np.cumsum(self.exponents)
        if self.exponents[0] < 0.0:
            return 0.0
        above = np.flatnonzero(total < 0.0)
        if above.size == 0:
            return float("nan")
        j = int(above[0])
        return float(j + total[j - 1] / abs(self.exponents[j]))


def lyapunov_spectrum(
    *paths: Iterable[Stretch],
    count: int = 1,
    transient: int = 0,
    duration: float = 1.0,
    random_state: int = 0,
) -> LyapunovSpectrum:
    """The leading exponents of an autonomous system, or the conditional ones of a driven one.

    Parameters
    ----------
    *paths : iterables of Stretch
        One a trajectory, from `network_path`, `esn_path`, `map_path`, ...; exponents are means over
        the steps of all.
    count : int, default 1
        How many exponents k; not more than the state has numbers.
    transient : int, default 0
        Steps of each path that are not counted, in which the directions find their order. Without,
        exponents have an error of about 1/T.
    duration : float, default 1
        Time of a step, if it is not the unit.
    random_state : int
        Of the first directions.

    Raises
    ------
    DataError
        ``count`` is out of its range, no path is longer than the transient, or a Jacobian is not
        finite.

    Notes
    -----
    Benettin et al. (1980), Meccanica 15:9, by QR: k orthonormal vectors are pushed through the
    steps and orthogonalized as often as it takes, see `directions`. Memory does not depend on T.
    """
    count = whole("count", count, least=1)
    transient = whole("transient", transient, least=0)
    if not 0.0 < duration < np.inf:
        raise DataError(f"duration must be a finite number above 0, got {duration!r}")
    means, lost = BlockMeans(count), np.zeros(count, bool)
    for path in paths:
        lost |= _follow(path, Directions(count, random_state), transient, means)
    if means.steps == 0:
        raise DataError(f"no path is longer than the transient of {transient} steps")
    exponents = np.where(lost, -np.inf, means.mean() / duration)
    order = np.argsort(-exponents, kind="stable")
    return LyapunovSpectrum(
        exponents[order],
        np.where(lost, 0.0, means.error() / duration)[order],
        means.steps,
        means.blocks()[:, order] / duration,
    )


def _follow(
    path: Iterable[Stretch], directions: Directions, transient: int, means: BlockMeans
) -> NDArray[np.bool_]:
    """Add the growth along one path; which directions are lost on it."""
    done = 0
    for stretch in path:
        t = 0
        while t < stretch.steps:
            most = stretch.steps - t
            if done < transient:
                most = min(most, transient - done)
            steps, growth = directions.push(stretch, t, most, done)
            t, done = t + steps, done + steps
            if done > transient:
                means.add(growth, steps)
    return directions.lost
