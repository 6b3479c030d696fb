"""Jacobians of steps, and singular values and eigenvalues of their products over any lag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reservoir.analysis.products import Product, products
from reservoir.analysis.tangents import Array, Stretch
from reservoir.kernels.graded import graded_qr, orthogonalize_rows
from reservoir.threads import single_blas

ROUNDS = 500  # of the QR iteration until a block parts; one that does not is left to LAPACK
APART = 1e-16  # coupling of blocks there and back, in units of the rows, that is none
NARROW = np.log(1e4)  # range of a block that LAPACK takes without loss


@dataclass(frozen=True)
class JacobianSpectra:
    """Singular values and eigenvalues of dh_lag/dh_0 for some lags, largest first."""

    lags: Array  # (L,) int64
    log_singular_values: Array  # (L, n) natural logarithms; -inf for 0
    log_moduli: Array  # (L, n) of the eigenvalues
    phases: Array  # (L, n) of the eigenvalues, in (-pi, pi]


def step_jacobians(path: Iterable[Stretch]) -> Array:
    """The Jacobian dh_t/dh_{t-1} of every step, (T, n, n)."""
    found = []
    for stretch in path:
        unit = np.eye(stretch.size)
        found += [stretch.push(t, unit) for t in range(stretch.steps)]
    return np.stack(found)


def jacobian_spectra(path: Iterable[Stretch], lags: Sequence[int]) -> JacobianSpectra:
    """Singular values and eigenvalues of the product of the leading Jacobians of a path.

    Parameters
    ----------
    path : iterable of Stretch
        From `network_path`, `esn_path`, ...
    lags : sequence of int
        Rising numbers of steps, each at least 1.

    Returns
    -------
    JacobianSpectra

    Raises
    ------
    DataError
        As `products.products`.

    Notes
    -----
    One pass over the path serves all lags. The range of the results is not bounded: they are
    logarithms all along. A direction that a step shrinks below its rounding, or that a unit at
    rest (a slope of 0) cuts off, has singular value and eigenvalue 0.
    """
    found = [
        (product.lag, singular_values(product), *eigenvalues(product))
        for product in products(path, lags)
    ]
    return JacobianSpectra(*(np.array(each) for each in zip(*found, strict=True)))


def singular_values(product: Product) -> Array:
    """Logarithms (n,) of the singular values, largest first.

    One-sided Jacobi rotations of the rows of ``diag(exp(logs)) M``; they are exact to the
    precision of the rows, however small these are (Demmel and Veselic 1992, SIAM J. Matrix Anal.
    Appl. 13:1204).
    """
    alive = np.isfinite(product.logs)
    logs, rows = product.logs[alive], product.M[alive]
    orthogonalize_rows(logs, rows, np.empty((len(rows), 0)))
    return np.concatenate([-np.sort(-logs), np.full((~alive).sum(), -np.inf)])


def eigenvalues(product: Product) -> tuple[Array, Array]:
    """Logarithms (n,) of the moduli of the eigenvalues, largest first, and their phases (n,).

    The product is similar to ``diag(exp(logs)) M K`` with ``K = Q_0' Q``. Of this the unshifted QR
    iteration (that is orthogonal iteration, as in the periodic Schur form of Bojanczyk, Golub and
    Van Dooren 1992, once the directions have been sorted) is done in logarithms: each round
    factors ``diag(exp(logs)) B = K diag(exp(logs')) M`` and goes on with ``B = M K``. The coupling
    of neighbours falls by the ratio of their moduli a round: most part at once. Blocks of moduli
    that are much alike, such as complex pairs, are left to LAPACK, with a common factor taken out.
    """
    n = len(product.logs)
    alive = np.flatnonzero(np.isfinite(product.logs))
    moduli, phases = [np.full(n - len(alive), -np.inf)], [np.zeros(n - len(alive))]
    with single_blas():
        B = (product.M @ (product.Q_0.T @ product.Q))[np.ix_(alive, alive)]
        for logs, block in _blocks(product.logs[alive], B):
            top = logs.max()
            own = np.linalg.eigvals(np.exp(logs - top)[:, None] * block)
            with np.errstate(divide="ignore"):
                moduli.append(top + np.log(np.abs(own)))
            phases.append(np.angle(own))
    found = np.concatenate(moduli)
    order = np.argsort(-found, kind="stable")
    return found[order], np.concatenate(phases)[order]


def _blocks(logs: Array, B: Array) -> Iterator[tuple[Array, Array]]:
    """Diagonal blocks of ``diag(exp(logs)) B``, itself turned until they have parted."""
    waiting = [(logs, B)]
    while waiting:
        logs, B = waiting.pop()
        for _ in range(ROUNDS):
            if len(logs) < 2 or np.ptp(logs) <= NARROW:
                break
            K_T = np.eye(len(logs))
            graded_qr(logs, B, K_T)
            B = B @ K_T.T
            parts = np.split(np.arange(len(logs)), _cuts(B))
            if len(parts) > 1:
                waiting += [(logs[part], B[np.ix_(part, part)]) for part in parts]
                logs = logs[:0]
        if len(logs):
            yield logs, B


def _cuts(B: Array) -> list[int]:
    """Where rows from i on no longer couple to those before: there and back is below rounding."""
    size, cuts = np.abs(B), []
    # the largest entry in rows from i on and columns up to j, and the other way round
    below = np.maximum.accumulate(np.maximum.accumulate(size[::-1], axis=0)[::-1], axis=1)
    above = np.maximum.accumulate(np.maximum.accumulate(size[:, ::-1], axis=1)[:, ::-1], axis=0)
    for i in range(1, len(B)):
        if below[i, i - 1] * above[i - 1, i] <= APART:
            cuts.append(i)
    return cuts
