"""Matrices ``diag(exp(logs)) B`` whose rows are of very different size, by plane rotations.

Two rows ``exp(l_i) b_i`` and ``exp(l_j) b_j`` are rotated into two others without ever leaving the
logarithms: with ``rho = exp(l_j - l_i) <= 1`` the sine of the angle is rho times a number of
ordinary size, so that

    exp(l_i) b_i  becomes  exp(l_i) c (b_i + rho^2 tau b_j)  or the like,
    exp(l_j) b_j  becomes  exp(l_j) c (b_j - tau b_i),

and for rho = 0 elimination takes the place of rotation. Nothing over- or underflows, and each row
keeps its own relative accuracy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reservoir.kernels.compile import inlined, kernel

MOST_SWEEPS = 60
ORTHOGONAL = 1e-14  # cosine of two rows that need no more rotation


@inlined
def _turn(first: Any, second: Any, a: float, b: float, c: float, d: float) -> None:
    """Replace two rows by ``a first + b second`` and ``c first + d second``."""
    for k in range(first.size):
        x, y = first[k], second[k]
        first[k] = a * x + b * y
        second[k] = c * x + d * y


@inlined
def _scale_row(row: Any, factor: float) -> None:
    for k in range(row.size):
        row[k] *= factor


@kernel
def graded_qr(logs: Any, B: Any, Q_T: Any) -> None:
    """Factor ``diag(exp(logs)) B = Q diag(exp(logs')) M`` with M unit upper triangular.

    Parameters
    ----------
    logs : (n,)
        Replaced by logs'; -inf where a row is zero on the diagonal.
    B : (n, n)
        Replaced by M.
    Q_T : (n, n)
        The identity; replaced by the transpose of Q.
    """
    n = logs.size
    for j in range(n):
        for i in range(j + 1, n):  # those of like size first, so that the pivot gets large
            x, y = B[j, j], B[i, j]
            if y == 0.0 or logs[i] == -np.inf:
                continue
            if logs[j] >= logs[i] and x != 0.0:
                rho = math.exp(logs[i] - logs[j])
                h = math.hypot(x, rho * y)
                c, s = x / h, y / h
                _turn(B[j], B[i], c, rho * rho * s, -s, c)
                _turn(Q_T[j], Q_T[i], c, rho * s, -rho * s, c)
            else:
                rho = 0.0 if x == 0.0 else math.exp(logs[j] - logs[i])
                h = math.hypot(rho * x, y)
                c, s = x / h, y / h  # the cosine is rho c
                _turn(B[j], B[i], rho * rho * c, s, -s, c)
                _turn(Q_T[j], Q_T[i], rho * c, s, -s, rho * c)
                logs[j], logs[i] = logs[i], logs[j]
            B[i, j] = 0.0
    for j in range(n):
        x = B[j, j]
        if x == 0.0:
            logs[j] = -np.inf
            B[j] = 0.0
            B[j, j] = 1.0
            continue
        logs[j] += math.log(abs(x))
        _scale_row(B[j], 1.0 / x)
        if x < 0.0:
            _scale_row(Q_T[j], -1.0)


@inlined
def _normalize(logs: Any, B: Any, i: int) -> None:
    total = 0.0
    for k in range(B.shape[1]):
        total += B[i, k] * B[i, k]
    length = math.sqrt(total)
    logs[i] += math.log(length)
    _scale_row(B[i], 1.0 / length)


@kernel
def orthogonalize_rows(logs: Any, B: Any, Q_T: Any) -> int:
    """Turn the rows of ``diag(exp(logs)) B`` until they are orthogonal (one-sided Jacobi).

    Afterwards ``logs`` are the logarithms of its singular values, in no order.

    Parameters
    ----------
    logs : (r,), finite
    B : (r, n)
        Rows that are not zero; replaced by orthonormal ones.
    Q_T : (r, m)
        Turned like the rows: with the identity, ``diag(exp(logs)) B`` before is
        ``Q diag(exp(logs)) B`` after. m may be 0.

    Returns
    -------
    int
        Sweeps; one more than `MOST_SWEEPS` if that did not suffice.
    """
    rows, columns = B.shape
    for i in range(rows):
        _normalize(logs, B, i)
    for sweep in range(1, MOST_SWEEPS + 1):
        widest = 0.0
        for p in range(rows):
            for q in range(p + 1, rows):
                i, j = (p, q) if logs[p] >= logs[q] else (q, p)
                cosine = 0.0
                for k in range(columns):
                    cosine += B[i, k] * B[j, k]
                widest = max(widest, abs(cosine))
                if abs(cosine) <= ORTHOGONAL:
                    continue
                rho = math.exp(logs[j] - logs[i])
                gap = (1.0 - rho) * (1.0 + rho)
                tau = 2.0 * cosine / (gap + math.hypot(gap, 2.0 * rho * cosine))
                c = 1.0 / math.hypot(1.0, rho * tau)
                _turn(B[i], B[j], c, c * rho * rho * tau, -c * tau, c)
                _turn(Q_T[i], Q_T[j], c, c * rho * tau, -c * rho * tau, c)
                _normalize(logs, B, i)
                _normalize(logs, B, j)
        if widest <= ORTHOGONAL:
            return sweep
    return MOST_SWEEPS + 1
