"""The spectral radius against all eigenvalues of dense matrices, and against closed forms."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from reservoir.errors import DataError, DenseFallbackWarning
from reservoir.weights import (
    cycle,
    cycle_with_jumps,
    delay_line,
    random_sparse,
    scale_to_spectral_radius,
    spectral_radius,
)
from reservoir.weights.eigenvalues import DENSE_UNITS
from reservoir.weights.perron import perron_root


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The references at one BLAS thread: on small matrices more of them only get in the way."""
    with threadpool_limits(1, user_api="blas"):
        yield


def dense_radius(W: sparse.csr_array | NDArray[np.floating]) -> float:
    """The reference: the largest modulus of all eigenvalues."""
    dense = W.toarray() if sparse.issparse(W) else W
    return float(np.abs(np.linalg.eigvals(dense)).max())


def blocks_around(parts: list[sparse.csr_array]) -> sparse.csr_array:
    """A cycle of groups of units: its eigenvalues come in as many equal moduli as groups."""
    n = len(parts)
    rows = [[parts[i] if j == (i - 1) % n else None for j in range(n)] for i in range(n)]
    return sparse.csr_array(sparse.block_array(rows))


def family(kind: str, units: int, seed: int) -> sparse.csr_array:
    rng = np.random.default_rng(seed)
    values = ("uniform", "normal", "signs")[seed % 3]

    def draw(size: int, incoming: float) -> sparse.csr_array:
        return random_sparse(size, min(1.0, incoming / size), values=values, rng=rng)

    W = draw(units, (2.0, 10.0, 0.1 * units)[seed % 3])
    if kind == "few":
        W = draw(units, 1.3)
    if kind == "dense":
        W = draw(units, 0.6 * units)
    if kind == "nonnegative":
        W = abs(W)
    if kind == "symmetric":
        W = W + W.T
    if kind == "skew":  # all eigenvalues in pairs +-i a
        W = W - W.T
    if kind == "bipartite":  # all in pairs +-a
        W = blocks_around([draw(units // 2, 10), draw(units // 2, 10)])
    if kind == "threefold":
        W = blocks_around([draw(units // 3, 10) for _ in range(3)])
    if kind == "graded":  # rows of very different size
        W = sparse.csr_array(sparse.diags_array(10.0 ** rng.uniform(-3, 3, units)) @ W)
    if kind == "triangular":  # two blocks and strong weights from one to the other
        corner = 1e3 * draw(units // 2, 20)
        W = sparse.csr_array(
            sparse.block_array([[draw(units // 2, 10), corner], [None, draw(units // 2, 10)]])
        )
        shuffle = rng.permutation(W.shape[0])
        W = W[shuffle][:, shuffle]
    return sparse.csr_array(W)


KINDS = (
    "plain",
    "few",
    "dense",
    "nonnegative",
    "symmetric",
    "skew",
    "bipartite",
    "threefold",
    "graded",
    "triangular",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", [12, 90, 270])
def test_agrees_with_all_eigenvalues(kind: str, units: int) -> None:
    for seed in range(6):
        W = family(kind, units, seed)
        expected = dense_radius(W)
        assert spectral_radius(W) == pytest.approx(expected, rel=1e-9)
    assert spectral_radius(W.toarray()) == pytest.approx(expected, rel=1e-9)


# matrices whose dominant eigenvalue ARPACK misses by 0.2 to 1.5 % with its default settings for one
@pytest.mark.parametrize(
    "units, connectivity, seed",
    [(300, 1 / 30, 8), (300, 1 / 30, 9), (400, 0.025, 3), (400, 0.025, 48), (600, 0.1, 52)],
)
def test_does_not_stop_at_the_second_eigenvalue(units: int, connectivity: float, seed: int) -> None:
    values = "signs" if seed % 2 else "uniform"
    W = random_sparse(units, connectivity, values=values, rng=np.random.default_rng(seed))
    assert spectral_radius(W) == pytest.approx(dense_radius(W), rel=1e-9)


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_small_matrices(units: int, seed: int) -> None:
    # NaN-free, any pattern: the reference errs by eps^(1/units) where the radius is small
    rng = np.random.default_rng(seed)
    W = rng.integers(-2, 3, (units, units)) * rng.standard_normal((units, units))
    assert spectral_radius(W) == pytest.approx(dense_radius(W), rel=1e-6, abs=0.02)


def test_a_second_attempt_spares_the_fall_back() -> None:
    W = random_sparse(1200, 1.1 / 1200, rng=np.random.default_rng(6))  # few and long cycles
    assert spectral_radius(W) == pytest.approx(0.914587315180266, rel=1e-9)  # of all eigenvalues


# nilpotent


@pytest.mark.parametrize("units", [40, 300])
def test_hidden_triangular_matrices_have_radius_zero(units: int) -> None:
    rng = np.random.default_rng(units)
    W = np.tril(rng.standard_normal((units, units)), -1)
    shuffle = rng.permutation(units)
    W = W[shuffle][:, shuffle]
    assert spectral_radius(W) == 0.0
    assert spectral_radius(sparse.csr_array(W)) == 0.0
    W[shuffle.argmin(), shuffle.argmin()] = 1e-3  # one unit that hears itself
    assert spectral_radius(W) == 1e-3


@given(st.integers(1, 12), st.integers(0, 10**6))
def test_zero_exactly_without_a_cycle(units: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    W = rng.uniform(1, 2, (units, units)) * (rng.random((units, units)) < 1.2 / units)
    # units that are heard by nobody left are taken away, again and again (Kahn's algorithm)
    left = W != 0
    for _ in range(units):
        left = left & left.any(axis=0)[:, None]
    assert (spectral_radius(W) > 0.0) == left.any()


@pytest.mark.parametrize(
    "W",
    [
        [[1, 1], [-1, -1]],
        [[2, -4], [1, -2]],
        [[0.3, -0.9], [0.1, -0.3]],
        [[5, -3, 2], [15, -9, 6], [10, -6, 4]],
    ],
)
def test_cancelling_whole_numbers_have_radius_zero(W: list[list[float]]) -> None:
    assert spectral_radius(W) == 0.0
    assert spectral_radius(np.array(W) * 0.37) == 0.0
    assert spectral_radius(np.kron(np.eye(150), W)) == 0.0
    W[0][0] *= 1.5
    assert spectral_radius(W) == pytest.approx(dense_radius(np.array(W)), rel=1e-9)


def test_a_small_radius_is_not_taken_for_zero() -> None:
    W = np.array([[0.0, 1.0], [1e-12, 0.0]])
    assert spectral_radius(W) == pytest.approx(1e-6, rel=1e-12)
    W = np.array([[0.7, 1.0], [-0.49 + 1e-9, -0.7]])
    assert spectral_radius(W) == pytest.approx(np.sqrt(1e-9), rel=1e-4)


@pytest.mark.parametrize("W", [delay_line(50, 0.9), np.zeros((3, 3)), [[1, 1], [-1, -1]]])
def test_radius_zero_cannot_be_scaled(W: object) -> None:
    with pytest.raises(DataError, match=r"spectral radius 0 .* 0\.9; add connections"):
        scale_to_spectral_radius(W, 0.9)


# closed forms


@pytest.mark.parametrize("units", [1, 2, 7, 150, 3000])
def test_one_cycle_has_the_geometric_mean(units: int) -> None:
    weights = np.random.default_rng(units).uniform(0.1, 2.0, units) * (-1.0) ** np.arange(units)
    W = cycle(units, 1.0)
    W.data[:] = weights
    expected = np.prod(np.abs(weights) ** (1 / units))
    assert spectral_radius(W) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("units, jump", [(4000, 2), (3000, 5), (3000, 500)])
@pytest.mark.parametrize("jump_weight", [0.5, 0.01])
def test_ring_with_jumps_all_around(units: int, jump: int, jump_weight: float) -> None:
    # by symmetry all ends of jumps have the same part in the Perron vector:
    # r = r^(1 - jump) + 2 * jump_weight, where ARPACK crawls and no fall-back may be needed
    W = cycle_with_jumps(units, 1.0, jump_weight, jump)
    r = spectral_radius(W)
    assert r ** (1 - jump) + 2 * jump_weight == pytest.approx(r, rel=1e-9)
    assert r > 1.0


def test_the_golden_ratio() -> None:
    assert spectral_radius(cycle_with_jumps(1000, 1.0, 0.5, 2)) == pytest.approx(
        (1 + 5**0.5) / 2, rel=1e-12
    )


@pytest.mark.parametrize("seed", range(4))
def test_perron_root(seed: int) -> None:
    A = abs(random_sparse(120, 3 / 120, rng=np.random.default_rng(seed)))
    A = sparse.csr_array(A + cycle(120, 0.1))  # irreducible
    assert perron_root(A) == pytest.approx(dense_radius(A), rel=1e-11)


@pytest.mark.parametrize("corner", [[[1.0, 0.0], [0.0, 0.0]], [[0.3, 0.7], [0.9, 0.1]]])
def test_perron_root_gives_up_on_underflow(corner: list[list[float]]) -> None:
    A = cycle(300, 1e-3).toarray()  # around it the vector would fall to 1e-897
    A[:2, :2] += corner
    assert perron_root(sparse.csr_array(A)) is None


@pytest.mark.parametrize("units", [1, 2, 7, 300])
@pytest.mark.parametrize("weight", [0.3, -0.7, 1.1, 1e-3])
def test_equal_weights_give_exactly_that(units: int, weight: float) -> None:
    assert spectral_radius(cycle(units, weight)) == abs(weight)


# falling back


def signed_ring(units: int) -> sparse.csr_array:
    """A cycle with one negative short cut: its eigenvalues crowd on a circle."""
    W = cycle(units, 1.0).tolil()
    W[0, units // 3] = -0.5
    return sparse.csr_array(W)


def test_the_dense_fall_back_is_right_and_says_so() -> None:
    W = signed_ring(400)
    with pytest.warns(DenseFallbackWarning, match="400 units"):
        radius = spectral_radius(W)
    assert radius == pytest.approx(dense_radius(W), rel=1e-12)


def test_small_matrices_need_no_fall_back() -> None:
    W = signed_ring(DENSE_UNITS)
    assert spectral_radius(W) == pytest.approx(dense_radius(W), rel=1e-12)


# the same bits


def test_the_same_bits_every_time() -> None:
    rng = np.random.default_rng(0)
    low_rank = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 300))
    for W in (random_sparse(500, 0.02, rng=rng), low_rank):
        first = spectral_radius(W)
        np.random.PCG64(5).random_raw(3)
        assert {spectral_radius(W) for _ in range(3)} == {first}


def test_dense_and_sparse_form_give_the_same_bits() -> None:
    W = random_sparse(300, 0.05, rng=np.random.default_rng(0))
    assert spectral_radius(W) == spectral_radius(W.toarray()) == spectral_radius(W.tocoo())


@pytest.mark.parametrize("power", [-1000, -3, 1, 900])
def test_powers_of_two_change_nothing_but_the_exponent(power: int) -> None:
    W = random_sparse(260, 0.05, rng=np.random.default_rng(0))
    scaled = W.copy()
    scaled.data = np.ldexp(W.data, power)
    assert spectral_radius(scaled) == np.ldexp(spectral_radius(W), power)


# scaling


@pytest.mark.parametrize("form", ["csr", "array"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling(form: str, dtype: type) -> None:
    W = random_sparse(80, 0.1, rng=np.random.default_rng(3)).astype(dtype)
    W = W if form == "csr" else W.toarray()
    before = W.copy()
    scaled = scale_to_spectral_radius(W, 0.9)
    assert type(scaled) is type(W)
    assert scaled.dtype == dtype
    assert dense_radius(scaled) == pytest.approx(0.9, rel=1e-5 if dtype is np.float32 else 1e-12)
    ratio = scaled[W != 0] / W[W != 0]
    assert np.ptp(ratio) < 1e-6 * ratio.max()
    assert np.array_equal(before.data if form == "csr" else before, W.data if form == "csr" else W)


def test_scaling_to_zero() -> None:
    assert not scale_to_spectral_radius(cycle(5, 1.0), 0.0).toarray().any()


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e300])
def test_scaling_from_the_ends_of_the_range(size: float) -> None:
    scaled = scale_to_spectral_radius(np.array([[0.0, size], [size, 0.0]]), 0.5)
    assert np.array_equal(scaled, [[0.0, 0.5], [0.5, 0.0]])


def test_weights_beyond_the_range_of_the_others() -> None:
    assert spectral_radius([[0.0, 1e300], [1e-300, 0.0]]) == 0.0
    W = sparse.csr_array(np.array([[1e300, 1e-300], [0.0, 1e300]]))
    assert scale_to_spectral_radius(W, 0.5).toarray().tolist() == [[0.5, 0.0], [0.0, 0.5]]


def test_scaled_weights_that_overflow_are_an_error() -> None:
    W = np.array([[1e-30, 1.0], [0.0, 1e-30]])
    with pytest.raises(DataError, match="exceeds the range of float32"):
        scale_to_spectral_radius(W.astype(np.float32), 1e10)
    assert np.isfinite(scale_to_spectral_radius(W, 1e10)).all()


@pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf, "0.9", None])
def test_a_bad_radius_is_named(radius: object) -> None:
    with pytest.raises(DataError, match="spectral_radius must be a finite number of at least 0"):
        scale_to_spectral_radius(cycle(5, 1.0), radius)


def test_bad_matrices_are_refused() -> None:
    for function in (spectral_radius, lambda W: scale_to_spectral_radius(W, 1.0)):
        with pytest.raises(DataError, match="W has NaN at row 0, column 1"):
            function([[0.0, np.nan], [0.0, 0.0]])
        with pytest.raises(DataError, match="square"):
            function(np.ones((2, 3)))


def test_no_warning_without_fall_back() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spectral_radius(random_sparse(700, 10 / 700, rng=np.random.default_rng(0)))
