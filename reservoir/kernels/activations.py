"""tanh, logistic, relu and identity over arrays, without a branch an element.

Both transcendental functions reduce the argument to ``n ln 2 + r`` with ``|r| <= ln(2)/2`` (Cody
and Waite) and take a polynomial for ``exp(r) - 1``. tanh is ``e / (e + 2)`` with
``e = exp(2|x|) - 1``, which keeps all digits towards 0; the logistic is ``1 / (1 + e)`` or
``e / (1 + e)`` with ``e = exp(-|x|)``, which keeps them towards both ends. Adding and subtracting
1.5 * 2^52 (float64) or 1.5 * 2^23 (float32) rounds to an integer and leaves it in the low bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.extending import overload

from reservoir.kernels.compile import inlined
from reservoir.kernels.intrinsics import copysign, fma, from_bits, to_bits

TANH, LOGISTIC, RELU, IDENTITY = range(4)
CODES = {"tanh": TANH, "logistic": LOGISTIC, "relu": RELU, "identity": IDENTITY}


@inlined
def _reduced64(y: float) -> Any:
    """``n`` with its bits and ``exp(r) - 1`` for ``y = n ln 2 + r``."""
    shifted = fma(y, 1.4426950408889634, 6755399441055744.0)
    n = shifted - 6755399441055744.0
    high = fma(n, -6.93147180369123816490e-01, y)  # exact
    r = fma(n, -1.90821492927058770002e-10, high)
    low = fma(n, -1.90821492927058770002e-10, high - r)
    p = 1.0 / 6227020800.0
    p = fma(p, r, 1.0 / 479001600.0)
    p = fma(p, r, 1.0 / 39916800.0)
    p = fma(p, r, 1.0 / 3628800.0)
    p = fma(p, r, 1.0 / 362880.0)
    p = fma(p, r, 1.0 / 40320.0)
    p = fma(p, r, 1.0 / 5040.0)
    p = fma(p, r, 1.0 / 720.0)
    p = fma(p, r, 1.0 / 120.0)
    p = fma(p, r, 1.0 / 24.0)
    p = fma(p, r, 1.0 / 6.0)
    p = fma(p, r, 0.5)
    return n, to_bits(shifted), r + fma(p * r, r, low)


@inlined
def _quotient64(numerator: float, e: float, c: float) -> Any:
    """``numerator / (e + c)`` as if the sum had not been rounded, for ``e >= 0``."""
    denominator = e + c
    larger, smaller = (e, c) if e > c else (c, e)
    lost = (larger - denominator) + smaller
    reciprocal = 1.0 / denominator
    q = numerator * reciprocal
    remainder = fma(-q, lost, fma(-q, denominator, numerator))
    return fma(remainder, reciprocal, q)


@inlined
def _tanh64(x: float) -> Any:
    magnitude = abs(x)
    magnitude = 20.0 if magnitude > 20.0 else magnitude
    _, bits, p = _reduced64(magnitude + magnitude)
    s = from_bits((bits + 1023) << 52)
    e = fma(s, p, s - 1.0)
    return copysign(_quotient64(e, e, 2.0), x)


@inlined
def _logistic64(x: float) -> Any:
    magnitude = abs(x)
    magnitude = 746.0 if magnitude > 746.0 else magnitude
    n, _, p = _reduced64(-magnitude)
    # 2^n in two factors: the second one alone goes below the normal range.
    first = -1000.0 if n < -1000.0 else n
    s = from_bits((to_bits(first + 6755399441055744.0) + 1023) << 52)
    t = from_bits((to_bits((n - first) + 6755399441055744.0) + 1023) << 52)
    e = fma(s, p, s) * t
    return _quotient64(e if x < 0.0 else 1.0, e, 1.0)


@inlined
def _reduced32(y: Any) -> Any:
    shifted = fma(y, np.float32(1.4426950408889634), np.float32(12582912.0))
    n = shifted - np.float32(12582912.0)
    r = fma(n, np.float32(-6.93359375e-1), y)
    r = fma(n, np.float32(2.12194440e-4), r)
    p = np.float32(1.0 / 40320.0)
    p = fma(p, r, np.float32(1.0 / 5040.0))
    p = fma(p, r, np.float32(1.0 / 720.0))
    p = fma(p, r, np.float32(1.0 / 120.0))
    p = fma(p, r, np.float32(1.0 / 24.0))
    p = fma(p, r, np.float32(1.0 / 6.0))
    p = fma(p, r, np.float32(0.5))
    return n, to_bits(shifted), fma(p * r, r, r)


@inlined
def _tanh32(x: Any) -> Any:
    magnitude = abs(x)
    magnitude = np.float32(10.0) if magnitude > np.float32(10.0) else magnitude
    _, bits, p = _reduced32(magnitude + magnitude)
    s = from_bits(np.int32((bits + np.int32(127)) << np.int32(23)))
    e = fma(s, p, s - np.float32(1.0))
    return copysign(e / (e + np.float32(2.0)), x)


@inlined
def _logistic32(x: Any) -> Any:
    magnitude = abs(x)
    magnitude = np.float32(105.0) if magnitude > np.float32(105.0) else magnitude
    n, _, p = _reduced32(-magnitude)
    first = np.float32(-100.0) if n < np.float32(-100.0) else n
    second = n - first
    s = from_bits(
        np.int32((to_bits(first + np.float32(12582912.0)) + np.int32(127)) << np.int32(23))
    )
    t = from_bits(
        np.int32((to_bits(second + np.float32(12582912.0)) + np.int32(127)) << np.int32(23))
    )
    e = fma(s, p, s) * t
    return (e if x < np.float32(0.0) else np.float32(1.0)) / (np.float32(1.0) + e)


def _tanh(x: Any) -> Any:
    """tanh of a scalar of either float type."""


def _logistic(x: Any) -> Any:
    """Logistic function of a scalar of either float type."""


@overload(_tanh, strict=False)
def _tanh_of_type(x: Any) -> Any:
    return (lambda x: _tanh32(x)) if x == types.float32 else (lambda x: _tanh64(x))


@overload(_logistic, strict=False)
def _logistic_of_type(x: Any) -> Any:
    return (lambda x: _logistic32(x)) if x == types.float32 else (lambda x: _logistic64(x))


@inlined
def activate(code: int, a: Any) -> None:
    """Replace every element of the 1-D array ``a`` by its activation."""
    if code == TANH:
        for i in range(a.size):
            a[i] = _tanh(a[i])
    elif code == LOGISTIC:
        for i in range(a.size):
            a[i] = _logistic(a[i])
    elif code == RELU:
        zero = a.dtype.type(0)
        for i in range(a.size):
            a[i] = zero if a[i] < zero else a[i]  # a NaN stays one
