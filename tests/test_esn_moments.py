"""Accumulators and the spectrum against dense formulas over all rows at once."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservoir.errors import DataError
from reservoir.esn.moments import Moments
from reservoir.esn.statistics import SUMS, Collector, Statistics
from reservoir.esn.triangular import Triangular

SOLVERS = {"gram": Moments, "qr": Triangular}
solvers = pytest.mark.parametrize("solver", SOLVERS)


def rows(count, features, targets, seed=0, *, offset=3.0):
    """Features with an offset, of different scales; targets that depend on them."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(count, features)) * np.logspace(0, -2, features) + offset
    Y = Z @ rng.normal(size=(features, targets)) + rng.normal(size=(count, targets)) - 1
    return Z, Y


def gathered(solver, Z, Y, cuts=()):
    part = SOLVERS[solver].empty(Z.shape[1], Y.shape[1])
    for block in np.split(np.arange(len(Z)), cuts):
        add(solver, part, Z[block], Y[block])
    return part


def add(solver, part, Z, Y):
    """Rows by way of the sums that a fit uses."""
    sums = SUMS[solver](Z.shape[1], Y.shape[1])
    sums.push((Z,), Y)
    total = sums.total()
    assert (total is None) == (len(Z) == 0)
    if total is not None:
        part.merge(total)


def dense(Z, Y):
    """Count, means and centred second moments of everything."""
    z, y = Z - Z.mean(axis=0), Y - Y.mean(axis=0)
    return Z.mean(axis=0), Y.mean(axis=0), z.T @ z, z.T @ y, (y**2).sum(axis=0)


def assert_moments(part, Z, Y):
    wanted = dense(Z, Y)
    found = part.feature_mean, part.target_mean, part.symmetric_gram(), part.cross, part.squares
    assert part.count == len(Z)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11 * np.abs(b).max(initial=1))


def assert_factor(part, Z, Y):
    """R'R is the product of all rows ``[1 Z Y]`` with themselves."""
    all_rows = np.hstack([np.ones((len(Z), 1)), Z, Y])
    wanted = all_rows.T @ all_rows
    assert part.count == len(Z)
    assert np.array_equal(part.factor, np.triu(part.factor))
    np.testing.assert_allclose(
        part.factor.T @ part.factor, wanted, rtol=1e-11, atol=1e-11 * np.abs(wanted).max()
    )


CHECKS = {"gram": assert_moments, "qr": assert_factor}


@solvers
@settings(max_examples=40)
@given(
    count=st.integers(1, 30),
    features=st.integers(1, 6),
    targets=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    seed=st.integers(0, 5),
)
def test_blocks_add_up(solver, count, features, targets, cuts, seed):
    Z, Y = rows(count, features, targets, seed)
    CHECKS[solver](gathered(solver, Z, Y, sorted(min(c, count) for c in cuts)), Z, Y)


@solvers
def test_a_large_offset_loses_no_digits(solver):
    Z, Y = rows(400, 4, 2)
    near = gathered(solver, Z, Y, [100, 250]).spectrum()
    far = gathered(solver, Z + 1e6, Y + 1e6, [100, 250]).spectrum()
    tolerance = 1e-7  # the data themselves have lost six digits
    np.testing.assert_allclose(np.sort(far.values), np.sort(near.values), rtol=tolerance)
    ridges = np.array([0.1])
    np.testing.assert_allclose(far.weights(ridges)[0], near.weights(ridges)[0], rtol=1e-6)


@solvers
@pytest.mark.parametrize("sizes", [(50, 30), (0, 30), (30, 0), (0, 0), (1, 1), (2, 90)])
def test_merge(solver, sizes):
    Z, Y = rows(sum(sizes), 5, 2)
    a = gathered(solver, Z[: sizes[0]], Y[: sizes[0]])
    b = gathered(solver, Z[sizes[0] :], Y[sizes[0] :], [1])
    kept = b.copy()
    a.merge(b)
    if sum(sizes):
        CHECKS[solver](a, Z, Y)
    assert a.count == sum(sizes)
    for name, value in kept.arrays().items():
        assert np.array_equal(b.arrays()[name], value), "merge changed the other one"


@solvers
def test_a_copy_is_a_copy(solver):
    Z, Y = rows(40, 3, 2)
    a = gathered(solver, Z, Y)
    before = {name: np.copy(value) for name, value in a.arrays().items()}
    b = a.copy()
    add(solver, b, Z, Y)
    b.merge(a)
    assert all(np.array_equal(a.arrays()[name], value) for name, value in before.items())


@solvers
def test_arrays_round_trip(solver):
    """Bit for bit, also in everything that is done afterwards."""
    Z, Y = rows(90, 6, 2)
    a = gathered(solver, Z[:60], Y[:60])
    b = SOLVERS[solver].from_arrays(a.arrays())
    for part in (a, b):
        add(solver, part, Z[60:], Y[60:])
    for name, value in a.arrays().items():
        assert np.array_equal(b.arrays()[name], value)
    ridges = np.array([0.0, 1.0])
    assert np.array_equal(a.spectrum().weights(ridges)[0], b.spectrum().weights(ridges)[0])


@solvers
def test_arrays_share_nothing_that_changes(solver):
    Z, Y = rows(40, 3, 1)
    a = gathered(solver, Z, Y)
    b = SOLVERS[solver].from_arrays(a.arrays())
    before = a.arrays()
    before = {name: np.copy(value) for name, value in before.items()}
    add(solver, b, Z, Y)
    assert all(np.array_equal(a.arrays()[name], value) for name, value in before.items())


@solvers
def test_squared_errors(solver):
    """Of any readout, not only the best: residuals taken one by one."""
    Z, Y = rows(70, 5, 3)
    rng = np.random.default_rng(1)
    weights, intercept = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 3))
    found = gathered(solver, Z, Y, [20]).squared_errors(weights, intercept)
    wanted = [((Y - Z @ w - c) ** 2).sum(axis=0) for w, c in zip(weights, intercept, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@solvers
def test_a_perfect_readout_has_no_negative_error(solver):
    Z, _ = rows(50, 4, 1)
    weights = np.random.default_rng(2).normal(size=(1, 4, 2))
    part = gathered(solver, Z, Z @ weights[0] + 1)
    errors = part.squared_errors(weights, np.ones((1, 2)))
    assert (errors >= 0).all()
    assert (errors < 1e-12).all()


# ---- the spectrum


@solvers
@pytest.mark.parametrize("count", [3, 40])  # fewer rows than features, and more
@pytest.mark.parametrize("ridge", [1e-4, 0.3, 50.0])
def test_ridge_weights(solver, ridge, count):
    Z, Y = rows(count, 6, 2)
    weights, intercept = gathered(solver, Z, Y).spectrum().weights(np.array([ridge]))
    wanted = naive.ridge(Z, Y, ridge)
    np.testing.assert_allclose(weights[0], wanted[0], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(intercept[0], wanted[1], rtol=1e-8, atol=1e-8)


@solvers
def test_a_ridge_for_each_target(solver):
    Z, Y = rows(40, 4, 3)
    ridges = np.array([[0.1, 2.0, 30.0]])
    weights, intercept = gathered(solver, Z, Y).spectrum().weights(ridges)
    for m, ridge in enumerate(ridges[0]):
        wanted = naive.ridge(Z, Y[:, [m]], ridge)
        np.testing.assert_allclose(weights[0, :, m], wanted[0][:, 0], rtol=1e-9)
        np.testing.assert_allclose(intercept[0, m], wanted[1][0], rtol=1e-9)


@solvers
def test_no_ridge_and_dependent_features_give_the_least_norm(solver):
    Z, Y = rows(50, 3, 2)
    Z = np.hstack([Z, Z[:, :1] - 2 * Z[:, 1:2], np.full((50, 1), 4.0)])  # rank 3 of 5
    spectrum = gathered(solver, Z, Y).spectrum()
    assert (spectrum.values > 0).sum() == 3
    weights, intercept = spectrum.weights(np.array([0.0]))
    wanted = naive.ridge(Z, Y, 0)
    np.testing.assert_allclose(weights[0], wanted[0], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(intercept[0], wanted[1], rtol=1e-8)
    assert spectrum.condition(0.0) == np.inf
    np.testing.assert_allclose(spectrum.degrees_of_freedom(np.array([0.0])), [4.0])
    errors = ((Y - Z @ wanted[0] - wanted[1]) ** 2).sum(axis=0)
    np.testing.assert_allclose(spectrum.residuals(np.array([0.0])), errors[np.newaxis], rtol=1e-8)


@solvers
def test_what_the_spectrum_says_of_a_fit(solver):
    Z, Y = rows(40, 5, 2)
    spectrum = gathered(solver, Z, Y).spectrum()
    ridges = np.array([0.0, 0.01, 1.0, 100.0])
    for ridge, error, freedom in zip(
        ridges, spectrum.residuals(ridges), spectrum.degrees_of_freedom(ridges), strict=True
    ):
        H = naive.hat(Z, ridge)
        np.testing.assert_allclose(error, ((Y - H @ Y) ** 2).sum(axis=0), rtol=1e-8)
        np.testing.assert_allclose(freedom, np.trace(H), rtol=1e-8)
        gram = dense(Z, Y)[2] + ridge * np.eye(5)
        np.testing.assert_allclose(spectrum.condition(ridge), np.linalg.cond(gram), rtol=1e-6)


def test_qr_keeps_digits_that_a_gram_loses():
    """Two nearly equal features: their difference is below half of the digits."""
    rng = np.random.default_rng(3)
    base = rng.normal(size=(200, 1))
    Z = np.hstack([base, base + 1e-9 * rng.normal(size=(200, 1))])
    true = np.array([[2.0], [-1.0]])
    none = np.array([0.0])
    gram = gathered("gram", Z, Z @ true).spectrum().weights(none)[0][0]
    qr = gathered("qr", Z, Z @ true, [50, 120]).spectrum().weights(none)[0][0]
    np.testing.assert_allclose(qr, true, rtol=1e-5)
    assert np.abs(gram - true).max() > 0.1


# ---- folds


@solvers
def test_statistics_leave_a_fold_out(solver):
    Z, Y = rows(60, 4, 2)
    statistics = Statistics.empty(solver, 3, 4, 2)
    folds = np.array_split(np.arange(60), 3)
    for part, fold in zip(statistics.folds, folds, strict=True):
        add(solver, part, Z[fold], Y[fold])
    assert statistics.count == 60
    CHECKS[solver](statistics.total(), Z, Y)
    for i, fold in enumerate(folds):
        kept = np.setdiff1d(np.arange(60), fold)
        CHECKS[solver](statistics.total(without=i), Z[kept], Y[kept])
    CHECKS[solver](statistics.folds[0], Z[folds[0]], Y[folds[0]])  # untouched by the sums

    again = Statistics.from_arrays(statistics.arrays())
    assert again.solver == solver
    again.merge(statistics)
    CHECKS[solver](again.total(), np.vstack([Z, Z]), np.vstack([Y, Y]))
    CHECKS[solver](statistics.total(), Z, Y)


def test_statistics_of_different_kinds_do_not_merge():
    base = Statistics.empty("gram", 2, 3, 1)
    for other in (Statistics.empty("qr", 2, 3, 1), Statistics.empty("gram", 3, 3, 1)):
        with pytest.raises(DataError, match="cannot be merged into those of solver 'gram' with 2"):
            base.merge(other)


@solvers
@settings(max_examples=25)
@given(data=st.data())
def test_pieces_pushed_do_not_matter(solver, data):
    """The blocks hang on the order of the rows alone: the same bits however they arrive."""
    Z, Y = rows(700, 3, 1)
    Z = Z.astype(np.float32)
    fold_of = np.sort(np.arange(700) % 2)
    found = []
    for _ in range(2):
        cuts = data.draw(st.lists(st.integers(0, 700), max_size=6).map(sorted))
        collector = Collector(solver, 2, 3, 1)
        for piece in np.split(np.arange(700), [*cuts, 350] if not cuts else sorted([*cuts, 350])):
            if piece.size:
                parts = (Z[piece, :2], Z[piece, 2:])
                collector.push(int(fold_of[piece[0]]), parts, Y[piece].copy())
        collector.settle()
        found.append(collector.total)
    for name, value in found[0].arrays().items():
        assert np.array_equal(found[1].arrays()[name], value)
    CHECKS[solver](found[0].total(), Z.astype(np.float64), Y)
