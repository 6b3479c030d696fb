"""The choice of the ridge: a number, or the best of a path by one of three criteria.

- "blocks": each of some contiguous folds is predicted from the others. One pass, exact, and sound
  on autocorrelated series, where a step's neighbours give it away.
- "gcv": generalized cross-validation (Golub, Heath & Wahba 1979). One pass.
- "loo": exact leave-one-out errors from the leverages, by a second pass over the series.

Numbers are absolute; the grid of the criteria is relative to trace(G)/N, the mean eigenvalue.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, lapack

from reservoir import threads
from reservoir.errors import DataError, IllConditionedWarning
from reservoir.esn.leave_one_out import leave_one_out
from reservoir.esn.model import Readout, RidgePath
from reservoir.esn.moments import Moments
from reservoir.esn.spectrum import Spectrum
from reservoir.esn.statistics import Statistics

Array = NDArray[np.float64]
Rows = Callable[[], Iterator[tuple[Array, Array]]]

CRITERIA = ("blocks", "gcv", "loo")
GRID = np.logspace(-14, 2, 33)  # relative to the mean eigenvalue
WORST_CONDITION = {"gram": 1e15, "qr": 1e30}  # of the normal equations: no digit is left beyond


@dataclass(frozen=True)
class RidgeChoice:
    """What the user asked for."""

    criterion: str  # "fixed" or one of CRITERIA
    candidates: Array | None  # absolute; None for the grid
    per_target: bool = False


def parse_ridge(ridge: object, per_target: bool = False) -> RidgeChoice:
    """Read a ``ridge`` parameter: a number, a list of numbers, or the name of a criterion.

    Raises
    ------
    DataError
        If it is none of these or a number is negative or not finite.
    """
    if isinstance(ridge, str):
        if ridge not in CRITERIA:
            raise DataError(
                f"ridge={ridge!r}: expected a number >= 0, a list of them, or one of "
                + ", ".join(map(repr, CRITERIA))
            )
        return RidgeChoice(ridge, None, per_target)
    try:
        candidates = np.asarray(ridge, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"ridge={ridge!r}: expected a number, a list of numbers or a name"
        ) from None
    if candidates.size == 0 or not np.isfinite(candidates).all() or (candidates < 0).any():
        raise DataError(f"ridge={ridge!r}: expected finite numbers >= 0")
    if candidates.size == 1:
        return RidgeChoice("fixed", candidates.reshape(1), per_target)
    return RidgeChoice("blocks", np.unique(candidates), per_target)


def solve(
    statistics: Statistics, choice: RidgeChoice, rows: Rows | None
) -> tuple[Readout, RidgePath]:
    """The readout, and how its ridge was chosen.

    Parameters
    ----------
    rows
        Gives the features and targets again, for "loo"; None if they cannot be had.

    Raises
    ------
    DataError
        With fewer than two scored steps, or "loo" without ``rows``.
    """
    if statistics.count < 2:
        raise DataError(
            f"n_samples = {statistics.count}: a readout needs at least 2 scored steps after the "
            "washout"
        )
    if choice.criterion == "loo" and rows is None:
        raise DataError(
            'ridge="loo" needs all series in one fit; after partial_fit or a merge use "blocks" '
            'or "gcv"'
        )
    total = statistics.total()
    fixed = choice.criterion == "fixed"
    if fixed and isinstance(total, Moments) and choice.candidates is not None:
        quick = _cholesky(total, float(choice.candidates[0]))
        if quick is not None:
            return quick
    spectrum = total.spectrum()
    candidates = choice.candidates
    if candidates is None:
        candidates = _grid(spectrum, statistics.solver)
    targets = len(spectrum.target_mean)
    if fixed:
        errors = np.full((1, targets), np.nan)
        best = np.zeros(targets, np.int64)
    else:
        errors = _errors(statistics, spectrum, choice.criterion, candidates, rows)
        scored = errors if choice.per_target else errors.sum(axis=1, keepdims=True)
        best = np.broadcast_to(np.argmin(scored, axis=0), (targets,))
    chosen = candidates[best]
    condition = spectrum.condition(float(chosen.min(initial=np.inf)))
    _warn_if_ill(condition, statistics.solver)
    weights, intercept = spectrum.weights(chosen[np.newaxis])
    path = RidgePath(choice.criterion, candidates, errors, chosen, condition, statistics.count)
    return Readout(np.ascontiguousarray(weights[0]), intercept[0]), path


def _grid(spectrum: Spectrum, solver: str) -> Array:
    """The candidates of the criteria: those of GRID that leave the solver some digits."""
    mean = spectrum.values.mean() if spectrum.values.size else 0.0
    grid = GRID * (mean if mean > 0 else 1.0)
    usable = [spectrum.condition(float(ridge)) <= WORST_CONDITION[solver] for ridge in grid]
    return grid[usable]


def _cholesky(total: Moments, ridge: float) -> tuple[Readout, RidgePath] | None:
    """One ridge by one Cholesky factorization; None if the matrix is not positive definite."""
    gram = total.gram.copy(order="F")
    gram[np.diag_indices_from(gram)] += ridge
    norm = np.abs(total.symmetric_gram()).sum(axis=0).max(initial=0.0) + ridge
    factor, info = lapack.dpotrf(gram, lower=0, overwrite_a=1)
    if info != 0:
        return None
    reciprocal, info = lapack.dpocon(factor, norm)
    if info != 0 or reciprocal < np.finfo(float).eps:
        return None
    condition = float(1 / reciprocal)
    _warn_if_ill(condition, "gram")
    weights = cho_solve((factor, False), total.cross, check_finite=False)
    targets = len(total.target_mean)
    path = RidgePath(
        "fixed",
        np.array([ridge]),
        np.full((1, targets), np.nan),
        np.full(targets, ridge),
        condition,
        total.count,
    )
    return Readout(weights, total.target_mean - total.feature_mean @ weights), path


def _warn_if_ill(condition: float, solver: str) -> None:
    if condition > WORST_CONDITION[solver]:
        advice = "a larger ridge" + (' or solver="qr"' if solver == "gram" else "")
        warnings.warn(
            f"the readout is ill-conditioned (condition number {condition:.1e}): its weights may "
            f"have no correct digits; use {advice}",
            IllConditionedWarning,
            stacklevel=2,
        )


def _errors(
    statistics: Statistics, spectrum: Spectrum, criterion: str, candidates: Array, rows: Rows | None
) -> Array:
    """Mean squared error (L, M) of each candidate by the criterion."""
    if criterion == "gcv":
        n = spectrum.count
        left = np.maximum(n - spectrum.degrees_of_freedom(candidates), 0.0)[:, np.newaxis]
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = n * spectrum.residuals(candidates) / left**2
        return np.where(left > 1e-9 * n, errors, np.inf)
    if criterion == "loo":
        assert rows is not None
        return leave_one_out(spectrum, candidates, rows())
    return _leave_blocks_out(statistics, candidates)


def _leave_blocks_out(statistics: Statistics, candidates: Array) -> Array:
    """Each fold predicted by the readouts of all others."""

    def fold_errors(left_out: int) -> Array:
        weights, intercept = statistics.total(without=left_out).spectrum().weights(candidates)
        return statistics.folds[left_out].squared_errors(weights, intercept)

    filled = [i for i, fold in enumerate(statistics.folds) if fold.count > 0]
    if len(filled) < 2:
        raise DataError(
            f"ridge by blocks needs scored steps in at least 2 folds, there are {statistics.count} "
            "in one"
        )
    errors = threads.run_all([partial(fold_errors, i) for i in filled])
    return np.asarray(np.sum(errors, axis=0) / statistics.count)
