"""Losses against their definitions, number by number, and at the ends of the floats."""

from __future__ import annotations

import cmath
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfopt import LOSSES

SQUARED = LOSSES["squared_error"]
LOGISTIC = LOSSES["logistic_cross_entropy"]
SOFTMAX = LOSSES["softmax_cross_entropy"]
DTYPES = ("float32", "float64")
# what a rounding of o - max(o) within the range of exp does to exp, relatively
TOLERANCE = {"float32": 2e-5, "float64": 2e-13}
SMALLEST = {"float32": 1e-37, "float64": 1e-307}
ENDS = [-1e4, -745.0, -700.0, -87.0, -40.0, -1.5, -1e-6, 0.0, 1e-6, 2.0, 40.0, 87.0, 700.0, 1e4]


def value_of_row(name, outputs, targets):
    """The loss by its definition; 360 digits keep 1 + 1e-308 apart from 1."""
    with mpmath.workdps(360):
        o = [mpmath.mpf(float(x)) for x in outputs]
        y = [mpmath.mpf(float(x)) for x in targets]
        if name == "squared_error":
            return float(sum((a - b) ** 2 for a, b in zip(o, y, strict=True)) / 2)
        if name == "logistic_cross_entropy":
            total = mpmath.mpf(0)
            for a, b in zip(o, y, strict=True):
                p, q = 1 / (1 + mpmath.exp(-a)), 1 / (1 + mpmath.exp(a))
                total -= b * mpmath.log(p) + (1 - b) * mpmath.log(q)
            return float(total)
        whole = sum(mpmath.exp(a) for a in o)
        return float(-sum(b * mpmath.log(mpmath.exp(a) / whole) for a, b in zip(o, y, strict=True)))


def mean_of_row(name, outputs):
    """The matching output function by its definition."""
    with mpmath.workdps(40):
        o = [mpmath.mpf(float(x)) for x in outputs]
        if name == "squared_error":
            return [float(a) for a in o]
        if name == "logistic_cross_entropy":
            return [float(1 / (1 + mpmath.exp(-a))) for a in o]
        whole = sum(mpmath.exp(a) for a in o)
        return [float(mpmath.exp(a) / whole) for a in o]


def dense_curvature(name, mean):
    """H_L of one row as a matrix."""
    size = len(mean)
    H = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            if name == "squared_error":
                H[i, j] = i == j
            elif name == "logistic_cross_entropy":
                H[i, j] = mean[i] * (1 - mean[i]) * (i == j)
            else:
                H[i, j] = mean[i] * (i == j) - mean[i] * mean[j]
    return H


def draw(name, rows, columns, rng, spread=3.0):
    """Outputs and targets of a loss."""
    outputs = spread * rng.standard_normal((rows, columns))
    targets = rng.random((rows, columns))
    if name == "softmax_cross_entropy":
        targets /= targets.sum(axis=1, keepdims=True)
    return outputs, targets


def test_names():
    assert {name: loss.name for name, loss in LOSSES.items()} == {
        "squared_error": "squared_error",
        "logistic_cross_entropy": "logistic_cross_entropy",
        "softmax_cross_entropy": "softmax_cross_entropy",
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_logistic_values_at_the_ends(target, dtype):
    outputs = np.array(ENDS, dtype)[:, None]
    targets = np.full_like(outputs, target)
    expected = [value_of_row(LOGISTIC.name, *row) for row in zip(outputs, targets, strict=True)]
    np.testing.assert_allclose(
        LOGISTIC.values(outputs, targets),
        expected,
        rtol=4 * np.finfo(dtype).eps,
        atol=SMALLEST[dtype],
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("targets", [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.25, 0.25]])
def test_softmax_values_at_the_ends(targets, dtype):
    outputs = [[a, b, 0.3] for a in ENDS[::2] for b in (-1e4, 0.0, 1e4)]
    outputs += [[5.0, 5.0, 5.0], [5.0, 5.0, -40.0], [-40.0, -40.0, 0.0], [0.0, -0.7, -1e4]]
    outputs = np.array(outputs, dtype)
    expected = [value_of_row(SOFTMAX.name, row, targets) for row in outputs]
    np.testing.assert_allclose(
        SOFTMAX.values(outputs, np.tile(np.array(targets, dtype), (len(outputs), 1))),
        expected,
        rtol=TOLERANCE[dtype],
        atol=SMALLEST[dtype],
    )


@pytest.mark.parametrize("columns", [1, 2, 5, 31, 32, 70])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_means_of_any_width(name, columns):
    outputs, targets = draw(name, 4, columns, np.random.default_rng(columns))
    loss = LOSSES[name]
    values = [value_of_row(name, *row) for row in zip(outputs, targets, strict=True)]
    np.testing.assert_allclose(loss.values(outputs, targets), values, rtol=1e-13, atol=1e-15)
    means = [mean_of_row(name, row) for row in outputs]
    np.testing.assert_allclose(loss.mean(outputs), means, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_means_at_the_ends(dtype):
    ends = np.array(ENDS, dtype)
    logistic = mean_of_row(LOGISTIC.name, ends)
    np.testing.assert_allclose(
        LOGISTIC.mean(ends[:, None])[:, 0],
        logistic,
        rtol=4 * np.finfo(dtype).eps,
        atol=SMALLEST[dtype],
    )
    rows = np.stack([ends, np.zeros_like(ends)], axis=1)
    softmax = [mean_of_row(SOFTMAX.name, row) for row in rows]
    np.testing.assert_allclose(
        SOFTMAX.mean(rows), softmax, rtol=4 * np.finfo(dtype).eps, atol=SMALLEST[dtype]
    )


def test_squared_error_of_float32_is_summed_in_float64():
    outputs = np.array([[1e25, 1.0], [3.0, 1e4]], np.float32)
    expected = (outputs.astype(np.float64) ** 2).sum(axis=1) / 2  # 1e50 is beyond float32
    np.testing.assert_allclose(SQUARED.values(outputs, np.zeros_like(outputs)), expected, 1e-15)


@given(st.sampled_from(sorted(LOSSES)), st.integers(1, 4), st.integers(0, 10**6))
def test_gradient_is_the_complex_step_of_the_value(name, columns, seed):
    def value(o, y):
        if name == "squared_error":
            return sum((a - b) ** 2 for a, b in zip(o, y, strict=True)) / 2
        inner = sum(a * b for a, b in zip(o, y, strict=True))
        if name == "logistic_cross_entropy":
            return sum(cmath.log(1 + cmath.exp(a)) for a in o) - inner
        return cmath.log(sum(cmath.exp(a) for a in o)) - inner

    outputs, targets = draw(name, 2, columns, np.random.default_rng(seed))
    loss = LOSSES[name]
    gradient = loss.gradient(loss.mean(outputs), targets)
    for row in range(2):
        for column in range(columns):
            o = outputs[row].astype(complex)
            o[column] += 1e-30j
            step = value(o.tolist(), targets[row].tolist()).imag / 1e-30
            assert math.isclose(gradient[row, column], step, rel_tol=1e-11, abs_tol=1e-13)


@given(st.sampled_from(sorted(LOSSES)), st.integers(1, 4), st.integers(0, 10**6))
def test_curvature_is_the_difference_quotient_of_the_gradient(name, columns, seed):
    rng = np.random.default_rng(seed)
    outputs, targets = draw(name, 3, columns, rng)
    tangents = rng.standard_normal((3, columns))
    loss = LOSSES[name]
    ahead = loss.gradient(loss.mean(outputs + 1e-5 * tangents), targets)
    behind = loss.gradient(loss.mean(outputs - 1e-5 * tangents), targets)
    product = loss.curvature(loss.mean(outputs), tangents)
    np.testing.assert_allclose(product, (ahead - behind) / 2e-5, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_curvature_is_symmetric_and_positive_semidefinite(name, dtype):
    rng = np.random.default_rng(1)
    outputs = np.concatenate([3 * rng.standard_normal((20, 4)), rng.choice(ENDS, (30, 4))])
    loss = LOSSES[name]
    mean = loss.mean(outputs.astype(dtype))
    columns = [loss.curvature(mean, np.tile(unit, (50, 1))) for unit in np.eye(4, dtype=dtype)]
    H = np.stack(columns, axis=2)  # H: (50, 4, 4)
    dense = [dense_curvature(name, row) for row in mean.astype(np.float64)]
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(H, dense, atol=4 * eps)
    np.testing.assert_allclose(H, H.transpose(0, 2, 1), atol=eps)
    assert np.linalg.eigvalsh(H.astype(np.float64)).min() >= -4 * eps


@given(st.integers(1, 40), st.integers(1, 20), st.sampled_from(DTYPES), st.integers(0, 10**6))
def test_labels_are_one_hot_rows(columns, rows, dtype, seed):
    rng = np.random.default_rng(seed)
    outputs = (5 * rng.standard_normal((rows, columns))).astype(dtype)
    labels = rng.integers(0, columns, rows)
    rows_of_one = np.eye(columns, dtype=dtype)[labels]
    mean = SOFTMAX.mean(outputs)
    assert np.array_equal(SOFTMAX.gradient(mean, labels), SOFTMAX.gradient(mean, rows_of_one))
    np.testing.assert_allclose(
        SOFTMAX.values(outputs, labels), SOFTMAX.values(outputs, rows_of_one), rtol=1e-6
    )


def test_softmax_targets_that_miss_a_sum_of_one():
    outputs, targets = draw(SOFTMAX.name, 5, 3, np.random.default_rng(0))
    np.testing.assert_allclose(
        SOFTMAX.values(outputs, 1.000009 * targets),
        1.000009 * SOFTMAX.values(outputs, targets),
        rtol=1e-14,
    )


def test_a_softmax_of_two_is_a_logistic_of_their_difference():
    outputs, _ = draw(SOFTMAX.name, 50, 2, np.random.default_rng(0), spread=30.0)
    difference = outputs[:, 1:] - outputs[:, :1]
    labels = np.arange(50) % 2
    np.testing.assert_allclose(
        SOFTMAX.values(outputs, labels),
        LOGISTIC.values(difference, labels[:, None].astype(float)),
        rtol=1e-13,
    )


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("other", DTYPES)
def test_results_have_the_dtype_of_the_outputs(name, other):
    for dtype in DTYPES:
        outputs, targets = draw(name, 3, 2, np.random.default_rng(0))
        outputs, targets = outputs.astype(dtype), targets.astype(other)
        loss = LOSSES[name]
        mean = loss.mean(outputs)
        assert mean.dtype == dtype
        assert loss.gradient(mean, targets).dtype == dtype
        assert loss.curvature(mean, outputs.astype(other)).dtype == dtype
        assert loss.values(outputs, targets).dtype == np.float64
    labels = np.array([0, 1, 1])
    assert SOFTMAX.gradient(SOFTMAX.mean(outputs.astype("f4")), labels).dtype == np.float32
    assert SOFTMAX.values(outputs.astype("f4"), labels).dtype == np.float64


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("columns", [1, 2, 40])
@pytest.mark.parametrize("name", LOSSES)
def test_what_is_not_finite_stays_so_in_its_row(name, columns, bad):
    loss = LOSSES[name]
    outputs, _ = draw(name, 3, columns, np.random.default_rng(0))
    for column in {0, columns - 1}:
        broken = outputs.copy()
        broken[1, column] = bad
        mean = loss.mean(broken)
        assert not np.isfinite(mean[1, column])
        assert np.array_equal(mean[[0, 2]], loss.mean(outputs)[[0, 2]])
        for hot in {0, columns - 1}:
            targets = np.eye(columns)[[hot] * 3]
            gradient = loss.gradient(mean, targets)
            values = loss.values(broken, targets)
            assert not np.isfinite(gradient[1, column])
            assert np.isfinite(gradient[[0, 2]]).all()
            assert not np.isfinite(values[1])
            assert np.array_equal(values[[0, 2]], loss.values(outputs, targets)[[0, 2]])
            if name == SOFTMAX.name:
                labels = np.array([hot] * 3)
                assert not np.isfinite(SOFTMAX.values(broken, labels)[1])
                assert not np.isfinite(SOFTMAX.gradient(mean, labels)[1, column])
        tangents = np.ones_like(outputs)
        tangents[1, column] = bad
        # a mean of 0 or 1, where H_L is 0, must not hide the tangent
        for sure in (loss.mean(outputs), loss.mean(1e4 * outputs)):
            assert not np.isfinite(loss.curvature(sure, tangents)[1, column])
        if name != SQUARED.name:  # whose H_L is the identity everywhere
            assert not np.isfinite(loss.curvature(mean, outputs)[1, column])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_the_ends_are_finite_and_raise_no_floating_point_error(name, dtype):
    outputs = np.array([[a, b] for a in ENDS for b in ENDS], dtype)
    targets = np.tile(np.array([1.0, 0.0], dtype), (len(outputs), 1))
    loss = LOSSES[name]
    with np.errstate(all="raise"):
        mean = loss.mean(outputs)
        assert np.isfinite(loss.values(outputs, targets)).all()
        assert np.isfinite(loss.gradient(mean, targets)).all()
        assert np.isfinite(loss.curvature(mean, outputs)).all()


@pytest.mark.parametrize("name", LOSSES)
def test_arguments_are_read_only_and_of_any_layout(name):
    outputs, targets = draw(name, 6, 3, np.random.default_rng(2))
    loss = LOSSES[name]
    mean = loss.mean(outputs)
    expected = (
        loss.values(outputs, targets),
        loss.gradient(mean, targets),
        loss.curvature(mean, targets),
    )
    strided = np.zeros((12, 6))[::2, ::2]
    strided[:] = outputs
    for o in (np.asfortranarray(outputs), strided):
        o.flags.writeable = targets.flags.writeable = False
        mean = loss.mean(o)
        mean.flags.writeable = False
        results = (
            loss.values(o, targets),
            loss.gradient(mean, targets),
            loss.curvature(mean, targets),
        )
        for result, right in zip(results, expected, strict=True):
            np.testing.assert_allclose(result, right, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_no_rows(name):
    loss, none = LOSSES[name], np.zeros((0, 3))
    assert loss.check_targets(none, 0, 3).shape == (0, 3)
    assert loss.values(none, none).shape == (0,)
    mean = loss.mean(none)
    assert mean.shape == loss.gradient(mean, none).shape == loss.curvature(mean, none).shape
    assert mean.shape == (0, 3)
