"""The activations against references of more digits, counted in units of the last place."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservoir.kernels.activations import CODES, activate
from reservoir.kernels.compile import kernel

FLOATS = {"float64": np.float64, "float32": np.float32}
ULPS = {"float64": 2, "float32": 4}
LN2 = math.log(2)


@kernel
def apply(code, a):
    activate(code, a)


def activated(name, x):
    a = x.copy()
    apply(CODES[name], a)
    assert a.dtype == x.dtype
    return a


def reference(name, x):
    """In long double (64 bits of mantissa) for float64, in float64 for float32."""
    wide = x.astype(np.longdouble if x.dtype == np.float64 else np.float64)
    if name == "tanh":
        return np.tanh(wide)
    with np.errstate(over="ignore", under="ignore"):
        # exp of a negative number alone: the other form would round away the far ends.
        e = np.exp(-np.abs(wide))
        return np.where(wide < 0, e, 1) / (1 + e)


def ulps(found, wanted):
    """Distance from the exact value in units of the last place of the result."""
    nearest = wanted.astype(found.dtype)
    unit = np.spacing(np.abs(nearest)).astype(wanted.dtype)
    return np.abs(found.astype(wanted.dtype) - wanted) / unit


def all_exponents(dtype, number, rng):
    """Random signs, exponents and digits: every finite float is as likely as any other."""
    kind = np.uint64 if dtype == np.float64 else np.uint32
    x = rng.integers(0, np.iinfo(kind).max, number, dtype=kind, endpoint=True).view(dtype)
    return x[np.isfinite(x)]


def break_points(dtype, period):
    """Both sides of every point where the argument reduction moves to the next integer."""
    middle = (np.arange(-1100, 1101) * (period / 2)).astype(dtype)
    steps = np.arange(-3, 4).astype(dtype) * np.spacing(np.abs(middle))[:, np.newaxis]
    return (middle[:, np.newaxis] + steps).ravel()


def points(name, dtype):
    rng = np.random.default_rng(1)
    end = 40 if name == "tanh" else 800
    return np.concatenate(
        [
            all_exponents(dtype, 200_000, rng),
            rng.uniform(-end, end, 200_000).astype(dtype),
            rng.uniform(-2, 2, 400_000).astype(dtype),
            break_points(dtype, LN2 / 2 if name == "tanh" else LN2),
            np.linspace(0, 1, 100_001).astype(dtype),
        ]
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["tanh", "logistic"])
def test_whole_range(name, dtype):
    if dtype == "float64" and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is no longer than double here; the mpmath test remains")
    x = points(name, FLOATS[dtype])
    found, wanted = activated(name, x), reference(name, x)
    error = ulps(found, wanted)
    worst = error.argmax()
    assert error[worst] <= ULPS[dtype], f"{name}({x[worst]!r}) is {error[worst]} ulp off"
    low = -1 if name == "tanh" else 0
    assert (found >= low).all()
    assert (found <= 1).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["tanh", "logistic"])
def test_against_mpmath(name, dtype):
    kind, rng = FLOATS[dtype], np.random.default_rng(2)
    x = np.concatenate(
        [
            all_exponents(kind, 1500, rng),
            rng.uniform(-20, 20, 1500).astype(kind),
            rng.uniform(-1, 1, 1500).astype(kind),
            rng.choice(break_points(kind, LN2 / 2), 1500),
        ]
    )
    tiny = float(np.finfo(kind).smallest_subnormal)
    found = activated(name, x)
    with mpmath.workdps(60):
        for value, result in zip(x, found, strict=True):
            exact = mpmath.mpf(float(value))
            exact = mpmath.tanh(exact) if name == "tanh" else 1 / (1 + mpmath.exp(-exact))
            unit = max(float(np.spacing(kind(abs(exact)))), tiny)
            assert abs(mpmath.mpf(float(result)) - exact) <= ULPS[dtype] * unit, value


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_values(dtype):
    kind = FLOATS[dtype]
    info = np.finfo(kind)
    x = np.array([0, -0.0, np.inf, -np.inf, info.max, info.min, np.nan, -np.nan], kind)
    tanh, logistic = activated("tanh", x), activated("logistic", x)
    assert tanh[:6].tolist() == [0, 0, 1, -1, 1, -1]
    assert np.signbit(tanh[:2]).tolist() == [False, True]
    assert logistic[:6].tolist() == [0.5, 0.5, 1, 0, 1, 0]
    assert np.isnan(tanh[6:]).all()
    assert np.isnan(logistic[6:]).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_subnormals_are_their_own_tanh(dtype):
    kind = FLOATS[dtype]
    tiny = np.finfo(kind).smallest_subnormal
    x = tiny * np.array([1, 2, 3, 5, 1000, 2**20 + 1], kind)
    x = np.concatenate([x, -x, np.array([np.finfo(kind).tiny], kind)])
    assert np.array_equal(activated("tanh", x), x)
    assert (activated("logistic", x) == 0.5).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_logistic_dies_out_through_the_subnormals(dtype):
    kind = FLOATS[dtype]
    end = -math.log(float(np.finfo(kind).smallest_subnormal))  # 744.4 or 103.3
    x = -np.linspace(end - 60, end + 20, 20_001).astype(kind)
    found = activated("logistic", x)
    wanted = np.exp(x.astype(np.longdouble))
    unit = np.spacing(np.abs(wanted.astype(kind))).astype(np.longdouble)
    assert (np.abs(found - wanted) <= ULPS[dtype] * unit).all()
    assert (np.diff(found) <= 0).all()
    assert (found[x > -(end - 1)] > 0).all()
    assert (found[x < -(end + 1)] == 0).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_relu_and_identity(dtype):
    kind = FLOATS[dtype]
    x = np.array([-np.inf, -2, -1e-40, -0.0, 0, 1e-40, 3, np.inf, np.nan], kind)
    assert np.array_equal(activated("relu", x), np.where(x < 0, 0, x), equal_nan=True)
    assert np.array_equal(activated("identity", x), x, equal_nan=True)


@given(
    values=st.lists(st.floats(width=32), min_size=1, max_size=40),
    name=st.sampled_from(sorted(CODES)),
    dtype=st.sampled_from(sorted(FLOATS)),
)
def test_a_value_does_not_depend_on_its_place(values, name, dtype):
    """Vector body and scalar remainder of a loop give the same bits."""
    x = np.array(values, FLOATS[dtype])
    alone = np.concatenate([activated(name, x[i : i + 1]) for i in range(x.size)])
    assert np.array_equal(activated(name, x), alone, equal_nan=True)
    assert np.array_equal(activated(name, x[::-1].copy())[::-1], alone, equal_nan=True)
