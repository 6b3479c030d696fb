"""The choice of the ridge: each criterion against refits without the rows that it leaves out."""

from __future__ import annotations

import re
import warnings

import naive
import numpy as np
import pytest
from test_esn_moments import add

from reservoir.errors import DataError, IllConditionedWarning
from reservoir.esn.ridge import CRITERIA, GRID, WORST_CONDITION, parse_ridge, solve
from reservoir.esn.statistics import Statistics

FOLDS = 4
CANDIDATES = np.array([0.0, 0.05, 1.0, 20.0, 300.0])

solvers = pytest.mark.parametrize("solver", ["gram", "qr"])
per_target = pytest.mark.parametrize("each", [False, True], ids=["together", "each"])


def data(count=50, features=5, seed=0):
    """Two targets that want very different ridges: one is linear, one is noise."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(count, features)) * np.logspace(0.5, -0.5, features) + 2
    Y = np.stack([Z @ rng.normal(size=features), rng.normal(size=count)], axis=1)
    Y[:, 0] += 0.05 * rng.normal(size=count)
    return Z, Y


def gathered(solver, Z, Y, folds=FOLDS):
    statistics = Statistics.empty(solver, folds, Z.shape[1], Y.shape[1])
    for part, fold in zip(statistics.folds, naive.contiguous(len(Z), folds), strict=True):
        for rows in np.array_split(fold, 1 + len(fold) // 500):
            add(solver, part, Z[rows], Y[rows])
    return statistics


def chosen(criterion, solver, Z, Y, candidates=CANDIDATES, *, each=False):
    choice = parse_ridge(criterion, each)
    object.__setattr__(choice, "candidates", candidates)
    statistics = gathered(solver, Z, Y, FOLDS if criterion == "blocks" else 1)

    def rows():
        for piece in np.array_split(np.arange(len(Z)), 3):
            yield Z[piece].copy(), Y[piece].copy()

    return solve(statistics, choice, rows if criterion == "loo" else None)


def wanted_errors(criterion, Z, Y):
    if criterion == "gcv":
        return np.array([naive.gcv(Z, Y, r) for r in CANDIDATES])
    groups = naive.contiguous(len(Z), FOLDS if criterion == "blocks" else len(Z))
    return np.array([naive.left_out(Z, Y, r, groups) for r in CANDIDATES])


@solvers
@per_target
@pytest.mark.parametrize("criterion", CRITERIA)
def test_criterion(criterion, solver, each):
    Z, Y = data()
    readout, path = chosen(criterion, solver, Z, Y, each=each)
    wanted = wanted_errors(criterion, Z, Y)
    np.testing.assert_allclose(path.errors, wanted, rtol=1e-7)
    best = np.argmin(wanted, axis=0) if each else [np.argmin(wanted.sum(axis=1))] * 2
    assert path.chosen.tolist() == CANDIDATES[best].tolist()
    assert each == (path.chosen[0] != path.chosen[1]), "the example does not tell the two apart"
    assert path.criterion == criterion
    assert path.scored == len(Z)
    for m in range(2):
        weights, intercept = naive.ridge(Z, Y[:, [m]], path.chosen[m])
        np.testing.assert_allclose(readout.weights[:, m], weights[:, 0], rtol=1e-7)
        np.testing.assert_allclose(readout.intercept[m], intercept[0], rtol=1e-7)
    gram = np.cov(Z.T, bias=True) * len(Z) + path.chosen.min() * np.eye(5)
    np.testing.assert_allclose(path.condition, np.linalg.cond(gram), rtol=1e-6)


@solvers
def test_leave_one_out_with_dependent_features(solver):
    """Refits on a column that is the sum of two others, and on one that never moves."""
    Z, Y = data(30, 3)
    Z = np.hstack([Z, Z[:, :1] + Z[:, 1:2], np.full((30, 1), 7.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IllConditionedWarning)
        _, path = chosen("loo", solver, Z, Y)
    np.testing.assert_allclose(path.errors, wanted_errors("loo", Z, Y), rtol=1e-6)


@solvers
@pytest.mark.parametrize("criterion", ["gcv", "loo"])
def test_interpolation_is_not_chosen(solver, criterion):
    """With more features than rows and no ridge nothing is left to judge by: infinite."""
    Z, Y = data(8, 12)
    _, path = chosen(criterion, solver, Z, Y)
    assert np.isinf(path.errors[0]).all()
    assert np.isfinite(path.errors[1:]).all()
    np.testing.assert_allclose(path.errors[1:], wanted_errors(criterion, Z, Y)[1:], rtol=1e-5)
    assert (path.chosen > 0).all()


@solvers
@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_grid_is_relative_to_the_mean_eigenvalue(solver, criterion):
    Z, Y = data()
    _, path = chosen(criterion, solver, Z, Y, None)
    mean = ((Z - Z.mean(axis=0)) ** 2).sum() / Z.shape[1]  # trace(G) / N
    np.testing.assert_allclose(path.candidates, GRID * mean, rtol=1e-10)
    assert path.errors.shape == (len(GRID), 2)
    _, scaled = chosen(criterion, solver, 1000 * Z, Y, None)
    np.testing.assert_allclose(scaled.chosen, path.chosen * 1e6, rtol=1e-9)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_grid_leaves_the_solver_some_digits(criterion):
    """Candidates that the solver could not use are none, so the default never warns."""
    rng = np.random.default_rng(6)
    Z = rng.normal(size=(80, 1)) * rng.normal(size=40) + 1e-9 * rng.normal(size=(80, 40))
    Y = rng.normal(size=(80, 1))
    _, gram = chosen(criterion, "gram", Z, Y, None)
    _, qr = chosen(criterion, "qr", Z, Y, None)
    largest = np.linalg.norm(Z - Z.mean(axis=0), 2) ** 2
    assert 0 < len(gram.candidates) < len(qr.candidates) == len(GRID)
    assert largest / gram.candidates[0] <= WORST_CONDITION["gram"]
    np.testing.assert_allclose(gram.candidates, qr.candidates[-len(gram.candidates) :], rtol=1e-9)


@solvers
@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.7, 100])
def test_a_number_is_used_as_it_is(solver, ridge):
    Z, Y = data()
    readout, path = solve(gathered(solver, Z, Y, 1), parse_ridge(ridge), None)
    wanted = naive.ridge(Z, Y, ridge)
    np.testing.assert_allclose(readout.weights, wanted[0], rtol=1e-9)
    np.testing.assert_allclose(readout.intercept, wanted[1], rtol=1e-9)
    assert path.criterion == "fixed"
    assert path.candidates.tolist() == [ridge]
    assert path.chosen.tolist() == [ridge, ridge]
    assert np.isnan(path.errors).all()
    assert path.errors.shape == (1, 2)
    # Cholesky estimates the condition in the 1-norm: within a factor of the features.
    gram = np.cov(Z.T, bias=True) * len(Z) + ridge * np.eye(5)
    assert np.linalg.cond(gram) / 5 < path.condition < 5 * np.linalg.cond(gram)


def test_a_number_too_small_for_cholesky():
    """Positive definite in the machine, but with no digit left: by the spectrum instead."""
    rng = np.random.default_rng(7)
    Z = rng.normal(size=(60, 1)) * rng.normal(size=8) + 3e-9 * rng.normal(size=(60, 8))
    Y = Z @ rng.normal(size=(8, 1))
    with pytest.warns(IllConditionedWarning, match="condition number"):
        readout, _ = solve(gathered("gram", Z, Y, 1), parse_ridge(1e-14), None)
    np.testing.assert_allclose(Z @ readout.weights + readout.intercept, Y, atol=1e-6)
    assert np.abs(readout.weights).max() < 10


@solvers
def test_no_ridge_on_dependent_features(solver):
    Z, Y = data(40, 3)
    Z = np.hstack([Z, Z @ [[1], [1], [1]]])
    statistics = gathered(solver, Z, Y, 1)
    with pytest.warns(IllConditionedWarning, match=r"condition number inf\): its weights may have"):
        readout, path = solve(statistics, parse_ridge(0), None)
    np.testing.assert_allclose(readout.weights, naive.ridge(Z, Y, 0)[0], rtol=1e-8)
    assert path.condition == np.inf


def test_an_ill_conditioned_fit_says_how_much_and_what_helps():
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(100, 3)) * [1, 1, 1e-9]
    Y = rng.normal(size=(100, 1))
    ridge = parse_ridge([1e-15, 1e-14])
    said = r"the readout is ill-conditioned \(condition number (\d\.\de\+1[67])\).*a larger ridge"
    with pytest.warns(IllConditionedWarning, match=said + ' or solver="qr"') as caught:
        _, path = solve(gathered("gram", Z, Y), ridge, None)
    number = float(re.search(said, str(caught[0].message))[1])
    np.testing.assert_allclose(number, path.condition, rtol=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(gathered("qr", Z, Y), ridge, None)
        solve(gathered("gram", Z, Y), parse_ridge(1e-8), None)
    with pytest.warns(IllConditionedWarning, match="use a larger ridge$"):
        solve(gathered("qr", Z[:, [0, 0]], Y), parse_ridge(0), None)


def test_ridge_parameters():
    assert parse_ridge("gcv").criterion == "gcv"
    assert parse_ridge("gcv").candidates is None
    assert parse_ridge(3).criterion == "fixed"
    assert parse_ridge([3]).criterion == "fixed"
    listed = parse_ridge([1.0, 0.1, 1.0], per_target=True)
    assert (listed.criterion, listed.per_target) == ("blocks", True)
    assert listed.candidates.tolist() == [0.1, 1.0]
    assert parse_ridge(np.logspace(-3, 0, 4)).candidates.size == 4


@pytest.mark.parametrize("ridge", [-1, -1e-300, np.nan, np.inf, [], [1, -1], [1, np.nan], None])
def test_ridge_numbers_that_are_none(ridge):
    with pytest.raises(DataError, match=r"ridge=.*: expected finite numbers >= 0"):
        parse_ridge(ridge)


@pytest.mark.parametrize("ridge", [object(), {}, ["a"], [[1], [1, 2]], 1j])
def test_ridges_that_are_no_numbers(ridge):
    with pytest.raises(DataError, match=r"ridge=.*: expected a number, a list of numbers or"):
        parse_ridge(ridge)


def test_an_unknown_criterion():
    with pytest.raises(DataError, match=r"ridge='block'.*'blocks', 'gcv', 'loo'"):
        parse_ridge("block")


@solvers
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_rows(solver, count):
    Z, Y = data(count)
    statistics = gathered(solver, Z, Y, 1)
    with pytest.raises(DataError, match=f"n_samples = {count}: a readout needs at least 2 scored"):
        solve(statistics, parse_ridge(1), None)


def test_blocks_need_two_folds():
    Z, Y = data(3)
    statistics = Statistics.empty("gram", 3, 5, 2)
    add("gram", statistics.folds[1], Z, Y)
    with pytest.raises(DataError, match="at least 2 folds, there are 3 in one"):
        solve(statistics, parse_ridge("blocks"), None)


def test_leave_one_out_needs_the_rows():
    Z, Y = data()
    with pytest.raises(DataError, match='ridge="loo" needs all series in one fit'):
        solve(gathered("gram", Z, Y, 1), parse_ridge("loo"), None)


@solvers
@pytest.mark.parametrize("criterion", [*CRITERIA, 0.5])
def test_features_that_never_move(solver, criterion):
    """Nothing to learn from: the prediction is the mean, whatever rounding left of the features."""
    Z, Y = np.full((3000, 2), [0.1, -7 / 3]), np.random.default_rng(4).normal(size=(3000, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IllConditionedWarning)
        if criterion == 0.5:
            readout, _ = solve(gathered(solver, Z, Y, 1), parse_ridge(criterion), None)
        else:
            readout, _ = chosen(criterion, solver, Z, Y, None)
    assert np.abs(readout.weights).max() < 1e-10
    np.testing.assert_allclose(readout.intercept, Y.mean(), atol=1e-10)
