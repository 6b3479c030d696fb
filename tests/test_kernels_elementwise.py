"""Formulas over rows: one plain function of numbers, many arrays."""

from __future__ import annotations

import numpy as np
import pytest
from numba.core.errors import NumbaError

from reservoir.kernels.compile import kernel
from reservoir.kernels.elementwise import formula

DTYPES = ("float64", "float32")
dtypes = pytest.mark.parametrize("dtype", DTYPES)
LINE = 16  # elements: whole vectors of either type on every machine


def _mixed(x, y, s):
    return 2.0 * x - y * s + (1.0 - x) * 0.5 + (x + 1.0) - (y - 3.0)


def _several(x, y):
    return x + y, x - y, x * y


_mixed_formula = formula(_mixed)
_several_formula = formula(_several)
_swap = formula(lambda x, y: (y, x))
_chosen = formula(lambda x, y: x.where_positive(y))
_chosen_number = formula(lambda x: x.where_positive(3.0))
_constant_sources = formula(lambda x, y: x * y)


@kernel
def mixed(to, to_at, x, x_at, y, y_at, s, count):
    _mixed_formula(1, count, ((to, to_at, 0),), ((x, x_at, 0), (y, y_at, 0), s))


@kernel
def scalars(to, s, r, count):
    _constant_sources(1, count, ((to, 0, 0),), (s, r))


@kernel
def several(a, b, c, starts, x, y, count):
    targets = (a, starts[0], 0), (b, starts[1], 0), (c, starts[2], 0)
    _several_formula(1, count, targets, ((x, 0, 0), (y, 0, 0)))


@kernel
def swap(x, y, count):
    _swap(1, count, ((x, 0, 0), (y, 0, 0)), ((x, 0, 0), (y, 0, 0)))


@kernel
def chosen(to, x, y, count):
    _chosen(1, count, ((to, 0, 0),), ((x, 0, 0), (y, 0, 0)))


@kernel
def chosen_number(to, x, count):
    _chosen_number(1, count, ((to, 0, 0),), ((x, 0, 0),))


@kernel
def too_few(to, x):
    _mixed_formula(1, 16, ((to, 0, 0),), ((x, 0, 0), (x, 0, 0)))


@kernel
def too_many_targets(a, b, x):
    _mixed_formula(1, 16, ((a, 0, 0), (b, 0, 0)), ((x, 0, 0), (x, 0, 0), (x, 0, 0)))


def numbers(size, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=size).astype(dtype)


@dtypes
@pytest.mark.parametrize("lines", [0, 1, 2, 5])
@pytest.mark.parametrize("starts", [(0, 0, 0), (LINE, 0, 3 * LINE), (1, 5, 2)])
def test_arrays_starts_and_numbers(starts, lines, dtype):
    """Starts need not be those of vectors; what lies outside the count stays as it is."""
    count, (to_at, x_at, y_at) = lines * LINE, starts
    x, y, to = (numbers(count + 4 * LINE, dtype, seed) for seed in range(3))
    before, s = to.copy(), np.dtype(dtype).type(0.3)
    mixed(to, to_at, x, x_at, y, y_at, s, count)
    wanted = _mixed(x[x_at : x_at + count], y[y_at : y_at + count], s)
    assert wanted.dtype == to.dtype
    assert np.array_equal(to[to_at : to_at + count], wanted)
    before[to_at : to_at + count] = wanted
    assert np.array_equal(to, before)


@dtypes
def test_rows_of_matrices_are_one_line_of_numbers(dtype):
    x, to = numbers((3, LINE), dtype), np.zeros((2, LINE), dtype)
    s = np.dtype(dtype).type(2)
    mixed(to, 0, x, LINE, x, 0, s, 2 * LINE)
    assert np.array_equal(to, _mixed(x[1:], x[:2], s))


@dtypes
def test_numbers_take_the_type_of_the_targets(dtype):
    to = np.zeros(LINE, dtype)
    scalars(to, 0.1, np.float32(0.7), LINE)
    assert np.array_equal(to, np.full(LINE, to.dtype.type(0.1) * to.dtype.type(np.float32(0.7))))


@dtypes
def test_several_targets(dtype):
    x, y = numbers(2 * LINE, dtype), numbers(2 * LINE, dtype, 1)
    a, b, c = (np.zeros(4 * LINE, dtype) for _ in range(3))
    several(a, b, c, (0, LINE, 3), x, y, 2 * LINE)
    for target, start, wanted in zip((a, b, c), (0, LINE, 3), _several(x, y), strict=True):
        assert np.array_equal(target[start : start + 2 * LINE], wanted)
        assert not target[:start].any()
        assert not target[start + 2 * LINE :].any()


@dtypes
def test_in_place(dtype):
    """All sources of a vector are read before any target of it is written."""
    x, y = numbers(3 * LINE, dtype), numbers(3 * LINE, dtype, 1)
    x_before, y_before, s = x.copy(), y.copy(), np.dtype(dtype).type(-1.5)
    swap(x, y, 3 * LINE)
    assert np.array_equal(x, y_before)
    assert np.array_equal(y, x_before)
    mixed(x, 0, x, 0, x, 0, s, 3 * LINE)
    assert np.array_equal(x, _mixed(y_before, y_before, s))


@dtypes
def test_two_parts_of_one_array(dtype):
    x = numbers(4 * LINE, dtype)
    before = x.copy()
    mixed(x, 2 * LINE, x, 0, x, LINE, x.dtype.type(0.5), LINE)
    before[2 * LINE : 3 * LINE] = _mixed(before[:LINE], before[LINE : 2 * LINE], x.dtype.type(0.5))
    assert np.array_equal(x, before)


@dtypes
def test_where_positive(dtype):
    """Zeros and negative ones are not above 0, NaN stays; what is not chosen does not matter."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([1, 0, -0.0, np.nan, -1, np.inf, -np.inf, tiny, -tiny, np.nan, 2, 3, 0, 4, -5, 6])
    y = np.array([7, 7, 7, 7, np.nan, 7, np.inf, 7, 7, np.nan, np.nan, -0.0, np.inf, 8, 9, np.inf])
    x, y, to = x.astype(dtype), y.astype(dtype), np.full(LINE, 5, dtype)
    chosen(to, x, y, LINE)
    wanted = np.where(np.isnan(x), x, np.where(x > 0, y, 0))
    assert np.array_equal(to, wanted, equal_nan=True)
    assert np.array_equal(np.signbit(to), np.signbit(wanted))
    chosen_number(to, x, LINE)
    wanted = np.where(np.isnan(x), x, np.where(x > 0, 3, 0))
    assert np.array_equal(to, wanted, equal_nan=True)


def test_nan_goes_through():
    x = numbers(2 * LINE, "float64")
    x[5], x[20] = np.nan, np.inf
    to = np.zeros(2 * LINE)
    mixed(to, 0, x, 0, x, 0, 0.5, 2 * LINE)
    assert np.array_equal(np.flatnonzero(~np.isfinite(to)), [5, 20])


def test_a_wrong_number_of_arrays_is_an_error():
    x = np.zeros(LINE)
    with pytest.raises((NumbaError, TypeError), match="takes 3 sources, got 2"):
        too_few(x, x)
    with pytest.raises((NumbaError, ValueError), match="shorter"):
        too_many_targets(x, x.copy(), x)


@kernel
def by_rows(rows, count, to, to_at, to_pitch, x, x_at, x_pitch, row, s):
    _mixed_formula(rows, count, ((to, to_at, to_pitch),), ((x, x_at, x_pitch), (row, 0, 0), s))


@dtypes
@pytest.mark.parametrize("rows", [0, 1, 4])
def test_rows_of_their_own_pitch_and_a_row_that_all_share(rows, dtype):
    x, to, row = numbers((6, 4 * LINE), dtype), np.zeros((5, 3 * LINE), dtype), numbers(LINE, dtype)
    s = np.dtype(dtype).type(0.3)
    by_rows(rows, LINE, to, LINE, 3 * LINE, x, 4 * LINE + 2 * LINE, 4 * LINE, row, s)
    wanted = np.zeros_like(to)
    wanted[:rows, LINE : 2 * LINE] = _mixed(x[1 : 1 + rows, 2 * LINE : 3 * LINE], row, s)
    assert np.array_equal(to, wanted)


@pytest.mark.parametrize(
    "to, x",
    [
        (np.zeros(LINE), np.zeros(LINE, np.float32)),
        (np.zeros(2 * LINE)[::2], np.zeros(LINE)),
        (np.zeros((2, LINE)).T, np.zeros(LINE)),
    ],
)
def test_other_types_and_strided_arrays_are_refused(to, x):
    with pytest.raises((NumbaError, TypeError), match="expected"):
        chosen_number(to, x, LINE)
