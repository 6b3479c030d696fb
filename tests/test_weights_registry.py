"""`recurrent_matrix`: every name, every size, the wanted spectral radius."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from reservoir.errors import DataError
from reservoir.weights import (
    TOPOLOGIES,
    VALUES,
    cycle,
    cycle_with_jumps,
    delay_line,
    orthogonal,
    random_sparse,
    recurrent_matrix,
    small_world,
    spectral_radius,
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The references at one BLAS thread: on small matrices more of them only get in the way."""
    with threadpool_limits(1, user_api="blas"):
        yield


def build(
    topology: str = "random",
    units: int = 20,
    *,
    connectivity: float | None = None,
    values: str = "uniform",
    radius: float = 0.9,
    seed: int = 0,
) -> sparse.csr_array | NDArray[np.float64]:
    return recurrent_matrix(
        topology,
        units,
        connectivity=connectivity,
        values=values,
        spectral_radius=radius,
        rng=np.random.default_rng(seed),
    )


def dense(W: sparse.csr_array | NDArray[np.float64]) -> NDArray[np.float64]:
    return W.toarray() if sparse.issparse(W) else W


@settings(max_examples=150)
@given(
    topology=st.sampled_from(TOPOLOGIES),
    units=st.integers(1, 25),
    values=st.sampled_from(VALUES),
    radius=st.floats(0.01, 2.0),
    seed=st.integers(0, 999),
)
def test_every_topology_has_its_radius(
    topology: str, units: int, values: str, radius: float, seed: int
) -> None:
    W = build(topology, units, values=values, radius=radius, seed=seed)
    assert isinstance(W, np.ndarray if topology == "orthogonal" else sparse.csr_array)
    assert W.dtype == np.float64
    if topology == "delay_line":
        assert np.array_equal(dense(W), dense(delay_line(units, radius)))
    else:
        found = np.abs(np.linalg.eigvals(dense(W))).max()
        assert found == pytest.approx(radius, rel=1e-6)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("units", range(1, 10))
def test_the_smallest_sizes(topology: str, units: int) -> None:
    W = build(topology, units)
    assert W.shape == (units, units)
    expected = 0.0 if topology == "delay_line" else 0.9
    assert spectral_radius(W) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("units", [250, 1000])
def test_larger_sizes(topology: str, units: int) -> None:
    W = build(topology, units, radius=1.25)
    if topology == "orthogonal":
        assert np.abs(W.T @ W - 1.25**2 * np.eye(units)).max() < 1e-13
    elif topology != "delay_line":
        assert spectral_radius(W) == pytest.approx(1.25, rel=1e-9)
    if sparse.issparse(W):
        assert W.indices.dtype == np.int32
        assert all(
            (np.diff(W.indices[a:b]) > 0).all()
            for a, b in zip(W.indptr[:-1], W.indptr[1:], strict=True)
        )


def test_the_parts_are_those_of_the_topologies() -> None:
    def rng() -> np.random.Generator:
        return np.random.default_rng(4)

    def pattern(W: sparse.csr_array) -> list[int]:
        return W.indices.tolist() + W.indptr.tolist()

    assert pattern(build("random", 30, connectivity=0.2, seed=4)) == pattern(
        random_sparse(30, 0.2, rng=rng())
    )
    assert pattern(build("small_world", 30, connectivity=0.2, seed=4)) == pattern(
        small_world(30, 0.2, rng=rng())
    )
    assert pattern(build("cycle_jumps", 30)) == pattern(cycle_with_jumps(30, 1.0, 0.5, 5))
    assert np.array_equal(build("orthogonal", 30, seed=4), 0.9 * orthogonal(30, rng=rng()))
    assert np.array_equal(dense(build("cycle", 30)), dense(cycle(30, 0.9)))


def test_jumps_weigh_half_of_the_cycle() -> None:
    W = dense(build("cycle_jumps", 30))
    assert W[0, 5] == W[5, 0] == pytest.approx(W[1, 0] / 2, rel=1e-15)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_one_unit(topology: str) -> None:
    for connectivity in (None, 0.1, 1.0):
        for values in VALUES:
            W = dense(build(topology, 1, connectivity=connectivity, values=values))
            assert W.shape == (1, 1)
            expected = 0.0 if topology == "delay_line" else 0.9
            assert abs(W[0, 0]) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("topology", ["random", "small_world"])
def test_about_ten_incoming_connections_by_default(topology: str) -> None:
    assert set(np.diff(build(topology, 100).indptr)) == {10}
    assert build(topology, 5).nnz == (25 if topology == "random" else 20)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_seed_decides_the_bits(topology: str) -> None:
    a, b, c = (dense(build(topology, 260, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    random = topology in ("random", "orthogonal", "small_world")
    assert np.array_equal(a, c) != random


def test_radius_zero() -> None:
    assert not dense(build(radius=0.0)).any()


# radius 0 by bad luck


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("topology", ["random", "small_world"])
@pytest.mark.parametrize(
    "units, connectivity", [(5, 0.2), (5, 0.08), (2, 1.0), (3, 0.5), (10, 0.05)]
)
def test_no_bad_luck_at_small_sizes(
    topology: str, values: str, units: int, connectivity: float
) -> None:
    for seed in range(100):
        W = dense(build(topology, units, connectivity=connectivity, values=values, seed=seed))
        assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.9, rel=1e-5)


def test_draws_without_a_radius_are_drawn_again() -> None:
    first_is_kept = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        draw = random_sparse(5, 0.08, rng=rng)
        first_is_kept.append(spectral_radius(draw) > 0.0)
        while spectral_radius(draw) == 0.0:
            draw = random_sparse(5, 0.08, rng=rng)
        W = build(units=5, connectivity=0.08, seed=seed)
        assert np.array_equal(W.indices, draw.indices)
        assert np.array_equal(W.indptr, draw.indptr)
    assert 0 < sum(first_is_kept) < 60


def test_a_hopeless_connectivity_is_an_error() -> None:
    with pytest.raises(DataError, match=r"connectivity 1e-07 is too low: .* 1000 units"):
        build(units=1000, connectivity=1e-7)


# arguments


@pytest.mark.parametrize(
    "topology, near",
    [
        ("randon", "random"),
        ("Cycle", "cycle"),
        ("RANDOM", "random"),
        ("cycle-jumps", "cycle_jumps"),
        ("smallworld", "small_world"),
        ("delayline", "delay_line"),
        ("ortogonal", "orthogonal"),
    ],
)
def test_the_nearest_name_is_offered(topology: str, near: str) -> None:
    with pytest.raises(DataError, match=f"unknown topology '{topology}'; did you mean '{near}'"):
        build(topology)


def test_far_names_list_all() -> None:
    for topology in ("zzz", 3, None):
        with pytest.raises(DataError, match="expected one of random, orthogonal, cycle, cycle_j"):
            build(topology)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize(
    "bad, words",
    [
        ({"units": 0}, "units must be a whole number of at least 1, got 0"),
        ({"units": 2.5}, "units must be a whole number"),
        ({"connectivity": 0.0}, "connectivity must be"),
        ({"connectivity": 1.5}, "connectivity must be"),
        ({"connectivity": "0.1"}, "connectivity must be"),
        ({"radius": -0.1}, "spectral_radius must be a finite number of at least 0, got -0.1"),
        ({"radius": math.nan}, "spectral_radius must be"),
        ({"values": "gaussian"}, "unknown values 'gaussian'"),
    ],
)
def test_bad_arguments_are_named_for_every_topology(
    topology: str, bad: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        build(topology, **bad)
