"""Products of Jacobians through time as one matrix whose rows have logarithms of their own.

``dh_t/dh_k = J_t ... J_{k+1}`` over- and underflows, and one of its directions buries all others.
Here it is kept as ``Q diag(exp(logs)) M Q_0'`` with orthogonal Q and Q_0 and a unit upper
triangular M: each Jacobian is multiplied on the left, ``J Q = Q_new R`` (Householder, rows sorted
by their size, which keeps the digits of small ones), and R goes into logs and M,

    R diag(exp(logs)) M = diag(exp(logs_new)) (I + N) M,  N_ij = R_ij / R_ii exp(logs_j - logs_i),

where N vanishes as the logarithms part. Q_0 is random: from it, orthogonal iteration sorts the
directions by their growth, and M stays well conditioned. (Where directions do not mix, rotations
put them in order.) Singular values and eigenvalues follow
from the small matrix ``diag(exp(logs)) M``, see `jacobians`; the diagonal alone is neither.

Each Jacobian takes part with an error of some units in the last place of its rows. What this does
to the result is a question of its conditioning, not of the length or the range of the product. Ill
conditioned are products of units that are not coupled at all and change their order on the way:
rounding couples them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reservoir.analysis.tangents import Array, Stretch
from reservoir.errors import DataError
from reservoir.kernels.graded import orthogonalize_rows
from reservoir.threads import single_blas
from reservoir.weights.orthogonal import orthogonal

UNSORTED = np.log(1e4)  # how far a direction may outgrow those before it


@dataclass(frozen=True, eq=False)
class Product:
    """``Q diag(exp(logs)) M Q_0'``, the derivative of a state by the one ``lag`` steps before."""

    lag: int
    Q: Array  # (n, n) orthogonal
    logs: Array  # (n,) about falling; -inf for directions that are lost
    M: Array  # (n, n) unit upper triangular
    Q_0: Array  # (n, n) orthogonal

    def dense(self) -> Array:
        """The matrix itself (n, n), if it is in the range of floats."""
        found: Array = self.Q @ (np.exp(self.logs)[:, None] * self.M) @ self.Q_0.T
        return found


def products(
    path: Iterable[Stretch], lags: Sequence[int], *, random_state: int = 0
) -> Iterator[Product]:
    """Products of the leading Jacobians of a path.

    Parameters
    ----------
    path : iterable of Stretch
        Of one trajectory, in the order of time.
    lags : sequence of int
        Numbers of steps, rising, each at least 1.
    random_state : int
        Of Q_0.

    Yields
    ------
    Product
        For each lag. One pass; O(n^3) operations a step, memory O(n^2).

    Raises
    ------
    DataError
        ``lags`` do not rise, the path is shorter than the last of them, or a Jacobian is not
        finite.
    """
    wanted = [int(lag) for lag in lags]
    if not wanted or wanted[0] < 1 or any(b <= a for a, b in itertools.pairwise(wanted)):
        raise DataError(f"lags must be rising whole numbers of at least 1, got {list(lags)}")
    done, found = 0, None
    for stretch in path:
        for t in range(stretch.steps):
            if found is None:
                found = _nothing(stretch.size, random_state)
            found = _times(stretch, t, found)
            done += 1
            if done == wanted[0]:
                yield found
                del wanted[0]
                if not wanted:
                    return
    raise DataError(f"lags: {wanted[-1]} steps were asked for, the path has {done}")


def _nothing(n: int, random_state: int) -> Product:
    """The product of no Jacobian."""
    Q_0 = orthogonal(n, rng=np.random.default_rng(random_state))
    return Product(0, Q_0, np.zeros(n), np.eye(n), Q_0)


def _times(stretch: Stretch, t: int, before: Product) -> Product:
    """The product with one more Jacobian from the left."""
    with single_blas():
        with np.errstate(over="ignore", invalid="ignore"):
            Y = stretch.push(t, before.Q)
        if not np.isfinite(Y).all():
            raise DataError(f"the Jacobian of step {before.lag} is not finite")
        Q, R, lost = graded_rows_qr(Y)
        logs, alive = before.logs, np.isfinite(before.logs) & ~lost
        with np.errstate(divide="ignore", over="ignore"):
            d = np.abs(np.diag(R))
            new = np.where(alive, logs + np.log(np.where(alive, d, 1.0)), -np.inf)
            steep = np.exp(logs - np.where(alive, logs, 0.0)[:, None])
        N = np.triu(R / np.where(alive, np.diag(R), np.inf)[:, None], 1) * np.triu(steep, 1)
        M = before.M + N @ before.M
        after = Product(before.lag + 1, Q, new, M, before.Q_0)
        later = np.maximum.accumulate(new[::-1])[::-1]
        behind = (later[alive] - new[alive]).max(initial=0.0)
        return _sorted(after) if behind > UNSORTED else after


def _sorted(product: Product) -> Product:
    """The same product with its directions in the order of their growth, and M the identity.

    Directions that do not mix stay where they are in Q, and one may outgrow those before it.
    """
    order = np.argsort(-product.logs, kind="stable")
    rows = order[np.isfinite(product.logs[order])]
    logs, B, turned = product.logs[rows], product.M[rows], np.ascontiguousarray(product.Q.T[rows])
    orthogonalize_rows(logs, B, turned)
    again = np.argsort(-logs, kind="stable")
    n, r = len(product.logs), len(rows)
    Q_0 = np.linalg.qr(B[again].T, mode="complete")[0]
    Q_0[:, :r] = B[again].T
    Q = np.concatenate([turned[again].T, product.Q[:, order[r:]]], axis=1)
    found = np.concatenate([logs[again], np.full(n - r, -np.inf)])
    return Product(product.lag, Q, found, np.eye(n), product.Q_0 @ Q_0)


def graded_rows_qr(Y: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """``Y = Q R`` with a diagonal of R at least 0, and which of it is no more than rounding.

    Householder reflections keep the relative precision of rows of very different size if the
    large ones come first (Cox and Higham 1998, BIT 38:34).
    """
    sizes = np.abs(Y).max(axis=1)
    order = np.argsort(-sizes, kind="stable")
    Q = np.empty_like(Y)
    Q[order], R = np.linalg.qr(Y[order])
    negative = np.diag(R) < 0.0
    Q[:, negative] *= -1.0
    R[negative] *= -1.0
    lost = np.diag(R) <= len(Y) * np.finfo(float).eps * sizes[order]
    return Q, R, lost
