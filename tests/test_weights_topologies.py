"""Topologies and input matrices against constructions of plain loops over dense arrays."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from reservoir.errors import DataError
from reservoir.weights import (
    VALUES,
    cycle,
    cycle_with_jumps,
    delay_line,
    input_matrix,
    orthogonal,
    random_sparse,
    small_world,
)
from reservoir.weights.values import draw_values


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def is_canonical(W: sparse.csr_array) -> bool:
    """Sorted, without duplicates, 32-bit; looked at row by row, not by SciPy's cached flags."""
    rows = [W.indices[a:b] for a, b in zip(W.indptr[:-1], W.indptr[1:], strict=True)]
    return (
        isinstance(W, sparse.csr_array)
        and W.dtype == np.float64
        and W.indices.dtype == W.indptr.dtype == np.int32
        and all((np.diff(row) > 0).all() for row in rows)
    )


def same(A: sparse.csr_array, B: sparse.csr_array) -> bool:
    parts = ((A.data, B.data), (A.indices, B.indices), (A.indptr, B.indptr))
    return all(np.array_equal(a, b) for a, b in parts)


# values


def test_uniform_values_fill_the_open_interval() -> None:
    x = draw_values("uniform", 20000, rng=generator(0))
    assert x.min() < -0.999
    assert x.max() > 0.999
    assert np.abs(x).max() < 1.0
    assert abs(x.mean()) < 0.02
    assert abs(x.var() - 1 / 3) < 0.01


def test_uniform_values_are_odd_multiples_and_never_zero() -> None:
    scaled = draw_values("uniform", 1000, rng=generator(1)) * 2.0**53
    assert np.array_equal(scaled % 2, np.ones(1000))


def test_normal_values() -> None:
    x = draw_values("normal", 20000, rng=generator(0))
    assert abs(x.mean()) < 0.03
    assert abs(x.var() - 1.0) < 0.05
    assert np.abs(x).max() > 3.0


def test_signs() -> None:
    x = draw_values("signs", 10000, rng=generator(0))
    assert set(x) == {-1.0, 1.0}
    assert abs(x.mean()) < 0.05


# random


@given(
    units=st.integers(1, 40),
    connectivity=st.floats(0.001, 1.0),
    values=st.sampled_from(VALUES),
    seed=st.integers(0, 999),
)
def test_random_has_the_exact_number_of_nonzeros(
    units: int, connectivity: float, values: str, seed: int
) -> None:
    W = random_sparse(units, connectivity, values=values, rng=generator(seed))
    assert is_canonical(W)
    assert W.shape == (units, units)
    dense = W.toarray()
    assert np.count_nonzero(dense) == max(1, round(connectivity * units**2))
    in_degree = (dense != 0).sum(axis=1)
    assert in_degree.max() - in_degree.min() <= 1


def test_random_columns_are_equally_likely() -> None:
    counts = np.zeros((6, 6))
    for seed in range(2000):
        counts += random_sparse(6, 1 / 3, rng=generator(seed)).toarray() != 0
    # each place is taken with chance 1/3: mean 667, standard deviation 21
    assert np.abs(counts - 2000 / 3).max() < 5 * 21


def test_random_pairs_of_columns_are_equally_likely() -> None:
    pairs = dict.fromkeys([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], 0)
    for seed in range(1500):
        W = random_sparse(4, 0.5, rng=generator(seed))
        for row in range(4):
            pairs[tuple(W.indices[2 * row : 2 * row + 2].tolist())] += 1
    assert np.abs(np.array(list(pairs.values())) - 1000).max() < 5 * 29


def test_the_longer_rows_are_drawn() -> None:
    longer = np.zeros(5)
    for seed in range(500):
        longer += np.diff(random_sparse(5, 6 / 25, rng=generator(seed)).indptr) == 2
    assert longer.sum() == 500
    assert longer.min() > 60


def test_random_takes_memory_for_the_nonzeros_only() -> None:
    tracemalloc.start()
    W = random_sparse(20000, 5 / 20000, rng=generator(0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert W.nnz == 100000
    assert peak < 100 * W.nnz  # bytes; one dense row more than a few times would exceed it


@pytest.mark.parametrize("values", VALUES)
def test_the_seed_decides_the_bits(values: str) -> None:
    for build in (random_sparse, small_world):
        a, b, c = (build(50, 0.13, values=values, rng=generator(seed)) for seed in (7, 7, 8))
        assert same(a, b)
        assert not same(a, c)


# small world


def naive_ring(units: int, neighbours: int) -> NDArray[np.bool_]:
    """Who hears whom: before, after, second before, second after, ... up to the count."""
    hears = np.zeros((units, units), dtype=bool)
    for unit in range(units):
        order = []
        for distance in range(1, units):
            order += [(unit - distance) % units, (unit + distance) % units]
        for source in order[:neighbours]:
            hears[unit, source] = True
    return hears


@given(st.integers(2, 25), st.data())
def test_small_world_without_rewiring_is_the_ring(units: int, data: st.DataObject) -> None:
    neighbours = data.draw(st.integers(1, units - 1))
    W = small_world(units, neighbours / units, rewiring=0.0, rng=generator(0))
    assert is_canonical(W)
    assert np.array_equal(W.toarray() != 0, naive_ring(units, neighbours))


@given(
    units=st.integers(2, 30),
    connectivity=st.floats(0.001, 1.0),
    rewiring=st.floats(0.0, 1.0),
    seed=st.integers(0, 999),
)
def test_small_world_keeps_its_counts(
    units: int, connectivity: float, rewiring: float, seed: int
) -> None:
    W = small_world(units, connectivity, rewiring=rewiring, rng=generator(seed))
    assert is_canonical(W)
    dense = W.toarray()
    wanted = round(connectivity * units**2)
    assert np.count_nonzero(dense) == min(max(wanted, units), units * (units - 1))
    in_degree = (dense != 0).sum(axis=1)
    assert in_degree.max() - in_degree.min() <= 1
    assert not dense.diagonal().any()


@pytest.mark.parametrize("rewiring", [0.1, 0.5])
def test_small_world_rewires_the_wanted_share(rewiring: float) -> None:
    units, neighbours = 1000, 4
    W = small_world(units, neighbours / units, rewiring=rewiring, rng=generator(0))
    left = (W.toarray() != 0)[naive_ring(units, neighbours)].sum()
    expected = units * neighbours * (1 - rewiring)  # plus the few that fall back on the ring
    assert abs(left - expected) < 5 * math.sqrt(expected * rewiring) + 10


def test_small_world_rewires_to_all_free_units_alike() -> None:
    counts = np.zeros((7, 7))
    for seed in range(1500):
        counts += small_world(7, 2 / 7, rewiring=1.0, rng=generator(seed)).toarray() != 0
    # two of the six others: mean 500, standard deviation 18
    others = counts[~np.eye(7, dtype=bool)]
    assert np.abs(others - 500).max() < 5 * 18


# orthogonal


@pytest.mark.parametrize("units", [1, 2, 5, 60])
def test_orthogonal(units: int) -> None:
    Q = orthogonal(units, rng=generator(0))
    assert Q.flags.c_contiguous
    assert Q.dtype == np.float64
    assert np.abs(Q.T @ Q - np.eye(units)).max() < 1e-14
    assert np.array_equal(Q, orthogonal(units, rng=generator(0)))


def test_orthogonal_is_uniform_over_the_group() -> None:
    draws = np.array([orthogonal(2, rng=generator(seed)) for seed in range(1000)])
    rotations = np.linalg.det(draws) > 0
    assert 400 < rotations.sum() < 600
    # the angle of a rotation is uniform: as many in each quarter turn
    angle = np.arctan2(draws[rotations, 1, 0], draws[rotations, 0, 0])
    quarters = np.histogram(angle, bins=4, range=(-np.pi, np.pi))[0]
    assert quarters.min() > 0.18 * rotations.sum()


def test_orthogonal_has_the_same_bits_on_any_number_of_blas_threads() -> None:
    with threadpool_limits(1, user_api="blas"):
        alone = orthogonal(500, rng=generator(0))
    with threadpool_limits(2, user_api="blas"):
        assert np.array_equal(alone, orthogonal(500, rng=generator(0)))


# cycle, jumps, delay line


@given(st.integers(1, 30), st.floats(-5, 5))
def test_cycle(units: int, weight: float) -> None:
    W = cycle(units, weight)
    naive = np.zeros((units, units))
    for unit in range(units):
        naive[(unit + 1) % units, unit] = weight
    assert is_canonical(W)
    assert np.array_equal(W.toarray(), naive)


@given(st.integers(1, 30), st.floats(-5, 5))
def test_delay_line(units: int, weight: float) -> None:
    W = delay_line(units, weight)
    naive = np.zeros((units, units))
    for unit in range(units - 1):
        naive[unit + 1, unit] = weight
    assert is_canonical(W)
    assert np.array_equal(W.toarray(), naive)


def naive_jumps(units: int, weight: float, jump_weight: float, jump: int) -> NDArray[np.float64]:
    """As the paper counts, from unit 1: ends of jumps at 1, 1 + jump, ... while they fit."""
    W = np.zeros((units + 1, units + 1))
    for unit in range(1, units):
        W[unit + 1, unit] = weight
    W[1, units] = weight
    start = 1
    while start + jump <= units + 1:
        end = start + jump if start + jump <= units else 1
        W[start, end] = W[end, start] = jump_weight
        start += jump
    return W[1:, 1:]


@given(st.integers(4, 40), st.data())
def test_cycle_with_jumps(units: int, data: st.DataObject) -> None:
    jump = data.draw(st.integers(2, units // 2))
    W = cycle_with_jumps(units, 0.7, -0.4, jump)
    assert is_canonical(W)
    assert np.array_equal(W.toarray(), naive_jumps(units, 0.7, -0.4, jump))


def test_cycle_with_jumps_as_in_the_paper() -> None:
    # Rodan & Tino (2012), figure 1: 18 units; jumps of 3 return to unit 1, jumps of 4 end in 17
    three = cycle_with_jumps(18, 1.0, 2.0, 3).toarray()
    four = cycle_with_jumps(18, 1.0, 2.0, 4).toarray()
    assert (three == 2.0).sum() == 2 * 6
    assert three[0, 15] == three[15, 0] == 2.0
    assert (four == 2.0).sum() == 2 * 4
    assert four[16, 12] == four[12, 16] == 2.0
    assert not (four[17] == 2.0).any()


# inputs


@given(
    units=st.integers(1, 30),
    inputs=st.integers(0, 6),
    connectivity=st.floats(0.001, 1.0),
    values=st.sampled_from(VALUES),
    seed=st.integers(0, 999),
)
def test_input_matrix(units: int, inputs: int, connectivity: float, values: str, seed: int) -> None:
    W_in = input_matrix(
        units, inputs, values=values, connectivity=connectivity, rng=generator(seed)
    )
    assert W_in.shape == (units, inputs)
    assert W_in.dtype == np.float64
    assert np.count_nonzero(W_in) == max(round(connectivity * units * inputs), inputs)
    reached = (W_in != 0).sum(axis=0)
    assert inputs == 0 or reached.max() - reached.min() <= 1
    again = input_matrix(
        units, inputs, values=values, connectivity=connectivity, rng=generator(seed)
    )
    assert np.array_equal(W_in, again)


def test_inputs_reach_all_units_alike() -> None:
    counts = np.zeros((5, 2))
    for seed in range(1000):
        W_in = input_matrix(5, 2, values="signs", connectivity=0.4, rng=generator(seed))
        counts += W_in != 0
    assert np.abs(counts - 400).max() < 5 * 16


# arguments


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: random_sparse(0, 0.5, rng=generator(0)), "units must be .* at least 1, got 0"),
        (lambda: random_sparse(2.0, 0.5, rng=generator(0)), "units must be a whole number"),
        (lambda: random_sparse(True, 0.5, rng=generator(0)), "units must be a whole number"),
        (lambda: random_sparse("5", 0.5, rng=generator(0)), "units must be a whole number"),
        (lambda: random_sparse(5, 0.0, rng=generator(0)), r"connectivity must be .* \(0, 1\]"),
        (lambda: random_sparse(5, 1.1, rng=generator(0)), "connectivity must be"),
        (lambda: random_sparse(5, math.nan, rng=generator(0)), "connectivity must be"),
        (lambda: random_sparse(5, 0.5, values="sings", rng=generator(0)), "mean 'signs'"),
        (lambda: random_sparse(5, 0.5, values="qqq", rng=generator(0)), "uniform, normal, signs"),
        (lambda: random_sparse(50000, 1.0, rng=generator(0)), "lower the connectivity"),
        (lambda: small_world(0, 0.5, rng=generator(0)), "units must be"),
        (lambda: small_world(5, 2, rng=generator(0)), "connectivity must be"),
        (lambda: small_world(5, 0.5, rewiring=-0.1, rng=generator(0)), r"rewiring .* \[0, 1\]"),
        (lambda: orthogonal(-1, rng=generator(0)), "units must be"),
        (lambda: cycle(0, 1.0), "units must be"),
        (lambda: cycle(5, math.inf), "weight must be a finite number, got inf"),
        (lambda: delay_line(5, "a"), "weight must be a finite number, got 'a'"),
        (lambda: cycle_with_jumps(3, 1.0, 1.0, 2), "units must be .* at least 4"),
        (lambda: cycle_with_jumps(9, 1.0, 1.0, 1), "jump must be .* at least 2"),
        (lambda: cycle_with_jumps(9, 1.0, 1.0, 5), "jump must be at most half of the 9"),
        (lambda: cycle_with_jumps(9, 1.0, math.nan, 2), "jump_weight must be"),
        (
            lambda: input_matrix(5, -1, values="normal", connectivity=1, rng=generator(0)),
            "inputs must be .* at least 0",
        ),
        (
            lambda: input_matrix(5, 1, values="normal", connectivity=0, rng=generator(0)),
            "connectivity must be",
        ),
        (
            lambda: input_matrix(5, 1, values="norml", connectivity=1, rng=generator(0)),
            "did you mean 'normal'",
        ),
    ],
)
def test_bad_arguments_are_named(call, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@settings(max_examples=20)
@given(st.sampled_from([np.int32, np.int64, np.uint8]), st.sampled_from([np.float32, np.float64]))
def test_numpy_scalars_are_numbers(whole: type, real: type) -> None:
    W = random_sparse(whole(6), real(0.5), rng=generator(0))
    assert same(W, random_sparse(6, 0.5, rng=generator(0)))
