"""Initializers of trained networks: shapes, exact counts, distributions, refusals."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from reservoir.errors import DataError
from reservoir.weights import (
    gaussian,
    identity,
    incoming,
    leak_rates,
    orthogonal,
    semi_orthogonal,
)

SHAPES = [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5), (60, 60), (200, 30), (30, 200)]
RANDOM = {
    "gaussian": lambda rng: gaussian(40, 30, 0.5, rng=rng),
    "incoming": lambda rng: incoming(40, 30, 15, rng=rng),
    "semi_orthogonal": lambda rng: semi_orthogonal(40, 30, rng=rng),
    "leak_rates": lambda rng: leak_rates(40, 0.02, 0.2, rng=rng),
}


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides_the_bits(name: str) -> None:
    a, b, c = (RANDOM[name](generator(seed)) for seed in (7, 7, 8))
    assert a.dtype == np.float64
    assert a.flags.c_contiguous
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_goes_on(name: str) -> None:
    rng = generator(0)
    assert not np.array_equal(RANDOM[name](rng), RANDOM[name](rng))


# gaussian


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_shapes(shape: tuple[int, int]) -> None:
    W = gaussian(*shape, 0.3, rng=generator(0))
    assert W.shape == shape
    assert np.count_nonzero(W) == W.size


def test_gaussian_moments() -> None:
    W = gaussian(300, 200, 0.25, rng=generator(0)) / 0.25
    assert abs(W.mean()) < 5 / math.sqrt(W.size)
    assert abs(W.var() - 1.0) < 5 * math.sqrt(2 / W.size)
    assert abs((W**4).mean() - 3.0) < 5 * math.sqrt(96 / W.size)
    assert abs((W[:-1] * W[1:]).mean()) < 5 / math.sqrt(W.size)  # neighbours in a column
    assert abs((W[:, :-1] * W[:, 1:]).mean()) < 5 / math.sqrt(W.size)  # and in a row


def test_gaussian_is_scaled_exactly() -> None:
    W = gaussian(20, 10, 1.0, rng=generator(3))
    assert np.array_equal(gaussian(20, 10, 0.3, rng=generator(3)), 0.3 * W)
    assert not gaussian(20, 10, 0.0, rng=generator(3)).any()


# incoming


def naive_incoming(
    rows: int, columns: int, count: int, scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Floyd's method with a list of columns for each row."""
    chosen: list[list[int]] = [[] for _ in range(rows)]
    for last in range(columns - count, columns):
        draws = rng.integers(0, last, size=rows, endpoint=True)
        for row in range(rows):
            place = int(draws[row])
            chosen[row].append(last if place in chosen[row] else place)
    W = np.zeros((rows, columns))
    for draw in range(count):
        weights = rng.standard_normal(rows)
        for row in range(rows):
            W[row, chosen[row][draw]] = scale * weights[row]
    return W


@given(rows=st.integers(1, 12), columns=st.integers(2, 12), data=st.data())
def test_incoming_is_floyds_method(rows: int, columns: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, columns - 1))
    seed = data.draw(st.integers(0, 999))
    W = incoming(rows, columns, count, scale=0.7, rng=generator(seed))
    assert np.array_equal(W, naive_incoming(rows, columns, count, 0.7, generator(seed)))


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    count=st.integers(1, 50),
    seed=st.integers(0, 999),
)
def test_incoming_has_the_exact_number_in_each_row(
    rows: int, columns: int, count: int, seed: int
) -> None:
    W = incoming(rows, columns, count, rng=generator(seed))
    assert W.shape == (rows, columns)
    assert set(np.count_nonzero(W, axis=1)) == {min(count, columns)}


@pytest.mark.parametrize("columns, count", [(4, 1), (4, 2), (5, 3), (6, 5)])
def test_all_sets_of_columns_are_equally_likely(columns: int, count: int) -> None:
    rows = 20000
    W = incoming(rows, columns, count, rng=generator(0))
    found = Counter(tuple(np.flatnonzero(row).tolist()) for row in W)
    sets = list(combinations(range(columns), count))
    assert set(found) == set(sets)
    chance = 1 / len(sets)
    deviation = math.sqrt(rows * chance * (1 - chance))
    assert max(abs(found[s] - rows * chance) for s in sets) < 5 * deviation


def test_rows_are_independent() -> None:
    both = np.zeros((3, 3))
    for seed in range(3000):
        first, second = incoming(2, 3, 1, rng=generator(seed)) != 0
        both += np.outer(first, second)
    # each pair of columns has chance 1/9: mean 333, standard deviation 17
    assert np.abs(both - 3000 / 9).max() < 5 * 17


def test_weights_do_not_depend_on_their_column() -> None:
    W = incoming(20000, 5, 2, scale=1.0, rng=generator(0))
    for column in W.T:
        weights = column[column != 0]
        assert abs(weights.mean()) < 5 / math.sqrt(weights.size)
        assert abs(weights.var() - 1.0) < 5 * math.sqrt(2 / weights.size)


def test_incoming_moments() -> None:
    W = incoming(2000, 100, 15, scale=0.25, rng=generator(0))
    weights = W[W != 0] / 0.25
    assert weights.size == 2000 * 15
    assert abs(weights.mean()) < 5 / math.sqrt(weights.size)
    assert abs(weights.var() - 1.0) < 5 * math.sqrt(2 / weights.size)
    assert abs((weights**4).mean() - 3.0) < 5 * math.sqrt(96 / weights.size)


def test_the_default_scale_gives_sums_of_variance_one() -> None:
    sums = incoming(20000, 40, 15, rng=generator(0)).sum(axis=1)
    assert abs(sums.var() - 1.0) < 5 * math.sqrt(2 / sums.size)
    explicit = incoming(20, 40, 15, scale=1 / math.sqrt(15), rng=generator(0))
    assert np.array_equal(incoming(20, 40, 15, rng=generator(0)), explicit)


@pytest.mark.parametrize("count", [3, 4, 15])
def test_as_many_as_columns_are_a_dense_matrix(count: int) -> None:
    dense = gaussian(50, 3, 1 / math.sqrt(count), rng=generator(0))
    assert np.array_equal(incoming(50, 3, count, rng=generator(0)), dense)


def test_scale_zero_leaves_no_weights() -> None:
    assert not incoming(20, 40, 15, scale=0.0, rng=generator(0)).any()


class Counting(np.random.Generator):
    """A generator that counts the calls for random numbers."""

    calls = 0

    def integers(self, *args, **options):
        self.calls += 1
        return super().integers(*args, **options)

    def standard_normal(self, *args, **options):
        self.calls += 1
        return super().standard_normal(*args, **options)


def test_large_layers_take_no_loop_over_rows() -> None:
    rng = Counting(np.random.PCG64(0))
    W = incoming(50_000, 20, 15, rng=rng)
    assert (np.count_nonzero(W, axis=1) == 15).all()
    assert rng.calls == 2 * 15


# identity


@pytest.mark.parametrize("units", [1, 2, 50])
@pytest.mark.parametrize("scale", [1.0, 0.01, -1.0, 0.0, 3])
def test_identity(units: int, scale: float) -> None:
    W = identity(units, scale)
    naive = np.zeros((units, units))
    for unit in range(units):
        naive[unit, unit] = scale
    assert W.dtype == np.float64
    assert W.flags.c_contiguous
    assert W.flags.writeable
    assert np.array_equal(W, naive)
    assert np.signbit(W).sum() == (units if scale < 0 else 0)  # no -0.0


def test_identity_keeps_by_default() -> None:
    assert np.array_equal(identity(4), np.eye(4))


# semi-orthogonal


def distance(Q: NDArray[np.float64]) -> float:
    """Largest error of the products that are to be 0 or 1."""
    small = Q.T @ Q if Q.shape[0] >= Q.shape[1] else Q @ Q.T
    return float(np.abs(small - np.eye(min(Q.shape))).max())


@pytest.mark.parametrize("shape", [*SHAPES, (500, 100), (100, 500)])
def test_semi_orthogonal(shape: tuple[int, int]) -> None:
    Q = semi_orthogonal(*shape, rng=generator(0))
    assert Q.shape == shape
    assert Q.dtype == np.float64
    assert Q.flags.c_contiguous
    assert distance(Q) < 1e-14
    singular = np.linalg.svd(Q, compute_uv=False)
    assert np.abs(singular - 1.0).max() < 1e-14


def test_a_wide_one_is_the_transpose_of_a_tall_one() -> None:
    tall = semi_orthogonal(30, 8, rng=generator(0))
    assert np.array_equal(semi_orthogonal(8, 30, rng=generator(0)), tall.T)


@pytest.mark.parametrize("units", [1, 2, 60])
def test_the_square_one_is_orthogonal(units: int) -> None:
    square = semi_orthogonal(units, units, rng=generator(0))
    assert np.array_equal(square, orthogonal(units, rng=generator(0)))


def test_orthogonal_keeps_its_bits() -> None:
    """Reservoirs that are rebuilt from a seed depend on them."""
    normal = generator(0).standard_normal((40, 40))
    with threadpool_limits(1, user_api="blas"):
        Q, R = np.linalg.qr(normal)
    naive = np.array([Q[:, j] * (-1.0 if R[j, j] < 0 else 1.0) for j in range(40)]).T
    assert np.array_equal(orthogonal(40, rng=generator(0)), naive)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3)])
def test_no_sign_is_systematic(shape: tuple[int, int]) -> None:
    # LAPACK's own convention would make the diagonal negative
    draws = np.array([semi_orthogonal(*shape, rng=generator(seed)) for seed in range(2000)])
    positive = (draws > 0).sum(axis=0)
    assert np.abs(positive - 1000).max() < 5 * math.sqrt(2000 / 4)


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (3, 2), (2, 3), (3, 3)])
def test_directions_are_uniform_on_the_sphere(shape: tuple[int, int]) -> None:
    # Archimedes: each coordinate of a uniform point on the sphere is uniform on [-1, 1]
    draws = np.array([semi_orthogonal(*shape, rng=generator(seed)) for seed in range(2000)])
    for values in draws.reshape(2000, -1).T:
        counts = np.histogram(values, bins=5, range=(-1, 1))[0]
        assert np.abs(counts - 400).max() < 5 * 18


@pytest.mark.parametrize("shape", [(400, 250), (250, 400)])
def test_the_bits_are_the_same_on_any_number_of_blas_threads(shape: tuple[int, int]) -> None:
    with threadpool_limits(1, user_api="blas"):
        alone = semi_orthogonal(*shape, rng=generator(0))
    with threadpool_limits(2, user_api="blas"):
        assert np.array_equal(alone, semi_orthogonal(*shape, rng=generator(0)))


# leak rates


def test_leak_rates_are_uniform() -> None:
    rates = leak_rates(20000, 0.02, 0.2, rng=generator(0))
    assert rates.shape == (20000,)
    assert rates.min() >= 0.02
    assert rates.max() <= 0.2
    unit = (rates - 0.02) / 0.18
    assert abs(unit.mean() - 0.5) < 5 * math.sqrt(1 / 12 / 20000)
    assert abs(unit.var() - 1 / 12) < 5 * math.sqrt(1 / 180 / 20000)
    counts = np.histogram(unit, bins=10, range=(0, 1))[0]
    assert np.abs(counts - 2000).max() < 5 * 43


@given(
    bounds=st.lists(
        st.floats(0.0, 1.0, exclude_min=True, allow_subnormal=True), min_size=2, max_size=2
    ),
    seed=st.integers(0, 999),
)
def test_leak_rates_stay_within_their_bounds(bounds: list[float], seed: int) -> None:
    low, high = sorted(bounds)
    rates = leak_rates(50, low, high, rng=generator(seed))
    assert (rates >= low).all()
    assert (rates <= high).all()


@pytest.mark.parametrize("rate", [0.1, 0.3, 1.0, 5e-324])
def test_equal_bounds_are_one_rate(rate: float) -> None:
    assert leak_rates(5, rate, rate, rng=generator(0)).tolist() == [rate] * 5


def test_one_unit() -> None:
    assert leak_rates(1, 0.5, 1.0, rng=generator(0)).shape == (1,)


# arguments


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: gaussian(0, 5, 1.0, rng=generator(0)), "rows must be .* at least 1, got 0"),
        (lambda: gaussian(5, 0, 1.0, rng=generator(0)), "columns must be .* at least 1, got 0"),
        (lambda: gaussian(2.0, 5, 1.0, rng=generator(0)), "rows must be a whole number"),
        (lambda: gaussian(5, 5, -1.0, rng=generator(0)), "scale must be .* at least 0, got -1.0"),
        (lambda: gaussian(5, 5, math.nan, rng=generator(0)), "scale must be a finite number"),
        (lambda: gaussian(5, 5, math.inf, rng=generator(0)), "scale must be a finite number"),
        (lambda: gaussian(5, 5, None, rng=generator(0)), "scale must be a finite number"),
        (lambda: incoming(0, 5, 2, rng=generator(0)), "rows must be .* at least 1, got 0"),
        (lambda: incoming(5, 0, 2, rng=generator(0)), "columns must be .* at least 1, got 0"),
        (lambda: incoming(5, 5, 0, rng=generator(0)), "count must be .* at least 1, got 0"),
        (lambda: incoming(5, 5, 1.5, rng=generator(0)), "count must be a whole number"),
        (lambda: incoming(5, 5, True, rng=generator(0)), "count must be a whole number"),
        (lambda: incoming(5, 5, 2, scale=-0.1, rng=generator(0)), "scale must be .* at least 0"),
        (lambda: incoming(5, 2, 9, scale="a", rng=generator(0)), "scale must be .*, got 'a'"),
        (lambda: identity(0), "units must be .* at least 1, got 0"),
        (lambda: identity("3"), "units must be a whole number"),
        (lambda: identity(3, math.inf), "scale must be a finite number, got inf"),
        (lambda: orthogonal(0, rng=generator(0)), "units must be .* at least 1, got 0"),
        (lambda: semi_orthogonal(0, 5, rng=generator(0)), "rows must be .* at least 1, got 0"),
        (lambda: semi_orthogonal(5, -1, rng=generator(0)), "columns must be .* at least 1"),
        (lambda: semi_orthogonal(5, 2.5, rng=generator(0)), "columns must be a whole number"),
        (lambda: leak_rates(0, 0.1, 0.2, rng=generator(0)), "units must be .* at least 1, got 0"),
        (lambda: leak_rates(5, 0.0, 0.2, rng=generator(0)), r"low must be .* \(0, 1\], got 0.0"),
        (lambda: leak_rates(5, 0.1, 1.1, rng=generator(0)), r"high must be .* \(0, 1\], got 1.1"),
        (lambda: leak_rates(5, math.nan, 1.0, rng=generator(0)), "low must be a number"),
        (lambda: leak_rates(5, 0.1, "1", rng=generator(0)), "high must be a number"),
        (lambda: leak_rates(5, 0.3, 0.2, rng=generator(0)), "low must be at most high, got low 0."),
    ],
)
def test_bad_arguments_are_named(call, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("whole", [np.int32, np.int64, np.uint8])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_numpy_scalars_are_numbers(whole: type, real: type) -> None:
    def same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
        return a.dtype == b.dtype == np.float64 and np.array_equal(a, b)

    rng = generator
    size, half = whole(200), real(0.5)
    assert same(gaussian(size, size, half, rng=rng(0)), gaussian(200, 200, 0.5, rng=rng(0)))
    assert same(
        incoming(size, size, size - whole(1), scale=half, rng=rng(0)),
        incoming(200, 200, 199, scale=0.5, rng=rng(0)),
    )
    assert same(identity(size, half), identity(200, 0.5))
    assert same(semi_orthogonal(size, whole(3), rng=rng(0)), semi_orthogonal(200, 3, rng=rng(0)))
    assert same(leak_rates(size, half, half, rng=rng(0)), leak_rates(200, 0.5, 0.5, rng=rng(0)))
