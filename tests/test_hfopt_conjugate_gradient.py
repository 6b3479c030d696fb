"""Conjugate gradients against SciPy's, their stops, their memory and every ending."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg

from hfopt import ConjugateGradient, Ending, Workspace
from hfopt.conjugate_gradient import stored_steps


def system(n=30, seed=0, condition=1e3):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = (Q * np.geomspace(1.0, condition, n)) @ Q.T
    return 0.5 * (A + A.T), rng.standard_normal(n)


def solve(A, b, options=None, **more):
    options = options or ConjugateGradient()
    work = options.workspace(b.size)
    return options.solve(aslinearoperator(A), b, work, **more), work


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_iterates_are_those_of_scipy(preconditioned, started):
    A, b = system(condition=10.0)  # a larger one amplifies the rounding of any two orders
    rng = np.random.default_rng(1)
    diagonal = rng.uniform(0.5, 3.0, b.size) if preconditioned else None
    start = rng.standard_normal(b.size) if started else None
    M = None if diagonal is None else aslinearoperator(np.diag(1.0 / diagonal))
    for steps in (1, 2, 5, 12):
        with_steps = ConjugateGradient(max_steps=steps)
        found, work = solve(A, b, with_steps, start=start, diagonal=diagonal)
        expected, _ = cg(A, b, x0=start, M=M, rtol=0.0, maxiter=steps)
        assert found.ending is Ending.MAX_STEPS
        assert found.steps == steps
        assert found.products == steps + started
        np.testing.assert_allclose(work.iterates[found.stored - 1], expected, rtol=1e-11)


@pytest.mark.parametrize("distinct", [1, 3, 6])
def test_as_many_steps_as_distinct_eigenvalues(distinct):
    rng = np.random.default_rng(distinct)
    Q = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    eigenvalues = 1.0 + np.arange(20) % distinct
    A, b = (Q * eigenvalues) @ Q.T, rng.standard_normal(20)
    found, work = solve(A, b, ConjugateGradient(residual_tolerance=1e-10))
    assert found.ending is Ending.RESIDUAL
    assert found.steps == distinct
    np.testing.assert_allclose(
        work.iterates[found.stored - 1], np.linalg.solve(A, b), rtol=1e-9, atol=1e-12
    )


def test_models_are_the_quadratic_at_the_iterates():
    A, b = system(40, condition=1e4)
    found, work = solve(A, b, ConjugateGradient(max_steps=25, tolerance=0.0))
    assert found.stored == 7
    for slot in range(found.stored):
        x = work.iterates[slot]
        expected = 0.5 * x @ A @ x - b @ x
        assert math.isclose(work.models[work.at[slot]], expected, rel_tol=1e-10)
    assert np.all(np.diff(work.models[: found.steps + 1]) < 0.0)


def test_stored_steps():
    assert stored_steps(30) == [5, 7, 9, 11, 15, 19, 25]
    assert stored_steps(5) == []
    assert stored_steps(300)[-3:] == [152, 197, 256]
    A, b = system(60, condition=1e6)
    found, work = solve(A, b, ConjugateGradient(max_steps=30, tolerance=0.0))
    assert work.at[: found.stored].tolist() == [5, 7, 9, 11, 15, 19, 25, 30]
    found, work = solve(A, b, ConjugateGradient(max_steps=25, tolerance=0.0))
    assert work.at[: found.stored].tolist() == [5, 7, 9, 11, 15, 19, 25]  # the last one once


def test_the_stop_of_martens():
    A, b = system(200, condition=1e3)
    tolerance = 5e-3
    found, work = solve(A, b, ConjugateGradient(tolerance=tolerance))
    assert found.ending is Ending.PROGRESS

    def slow(i):
        k = max(10, math.ceil(0.1 * i))
        phi = work.models
        return i > k and phi[i] < 0.0 and (phi[i] - phi[i - k]) / phi[i] < k * tolerance

    assert [i for i in range(1, found.steps + 1) if slow(i)] == [found.steps]


def test_nonpositive_curvature():
    A = np.diag([1.0, 2.0, -1.0])
    found, _ = solve(A, np.array([1.0, 1.0, 0.0]))
    assert found.ending is Ending.RESIDUAL  # the negative direction is never met
    found, _ = solve(A, np.array([1.0, 1.0, 0.5]))
    assert found.ending is Ending.NONPOSITIVE_CURVATURE
    assert (found.steps, found.stored) == (1, 1)
    found, _ = solve(np.zeros((3, 3)), np.ones(3))
    assert found.ending is Ending.NONPOSITIVE_CURVATURE
    assert (found.steps, found.stored, found.products) == (0, 0, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("when", [1, 2, 7])
def test_products_that_are_not_finite(when, bad):
    A, b = system()
    calls = []

    def product(v):
        calls.append(1)
        return A @ v if len(calls) < when else np.where(v == v[3], bad, A @ v)

    work = Workspace(b.size, 300)
    found = ConjugateGradient().solve(LinearOperator(A.shape, product, dtype=float), b, work)
    assert found.ending is Ending.NOT_FINITE
    assert found.steps == when - 1
    if when > 1:  # the last sound iterate is kept
        expected, _ = cg(A, b, rtol=0.0, maxiter=when - 1)
        np.testing.assert_allclose(work.iterates[found.stored - 1], expected, rtol=1e-10)
    assert found.stored == (0, 1, 2)[(1, 2, 7).index(when)]


def test_overflow_is_an_ending():
    found, _ = solve(np.diag([1e-320, 1.0]), np.array([1e300, 1.0]))
    assert found.ending is Ending.NOT_FINITE
    found, _ = solve(np.eye(2), np.array([1e160, 1.0]))
    assert found.ending is Ending.NOT_FINITE
    found, _ = solve(np.eye(2), np.full(2, 1e-100), diagonal=np.full(2, 1e-260))
    assert (found.ending, found.products) == (Ending.NOT_FINITE, 0)  # p'p alone overflows
    found, _ = solve(np.eye(2), np.array([math.nan, 1.0]))
    assert (found.ending, found.products) == (Ending.NOT_FINITE, 0)


def test_a_solved_system():
    found, _ = solve(np.eye(3), np.zeros(3))
    assert (found.ending, found.steps, found.stored) == (Ending.RESIDUAL, 0, 0)


def test_a_start_that_is_the_solution_is_kept():
    A = np.diag([1.0, 2.0, 4.0])
    found, work = solve(A, np.array([1.0, 2.0, 4.0]), start=np.ones(3))
    assert (found.ending, found.steps, found.stored) == (Ending.RESIDUAL, 0, 1)
    assert work.iterates[0].tolist() == [1.0, 1.0, 1.0]
    assert work.models[work.at[0]] == -3.5


def test_a_monitor_stops_it():
    A, b = system(60, condition=1e6)
    seen = []

    def monitor(slot):
        seen.append(slot)
        return slot == 2

    found, _ = solve(A, b, ConjugateGradient(tolerance=0.0), monitor=monitor)
    assert found.ending is Ending.MONITOR
    assert seen == [0, 1, 2]
    assert (found.steps, found.stored) == (9, 3)


def test_its_loop_allocates_nothing_but_products():
    n = 20_000
    out = np.empty(n)
    weights = np.linspace(1.0, 50.0, n)
    A = LinearOperator((n, n), lambda v: np.multiply(v, weights, out=out), dtype=float)
    b, diagonal = np.ones(n), np.linspace(1.0, 2.0, n)
    options = ConjugateGradient(max_steps=40, tolerance=0.0)
    work = options.workspace(n)
    options.solve(A, b, work, diagonal=diagonal)
    tracemalloc.start()
    try:
        options.solve(A, b, work, diagonal=diagonal)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < n  # bytes; a vector has 8 n


def test_a_workspace_leaves_nothing_behind():
    A, b = system()
    options = ConjugateGradient(max_steps=20)
    work = options.workspace(b.size)
    first = options.solve(aslinearoperator(A), b, work)
    kept = work.iterates[: first.stored].copy()
    options.solve(aslinearoperator(2.0 * A), np.ones_like(b), work, start=b)
    assert options.solve(aslinearoperator(A), b, work) == first
    assert np.array_equal(work.iterates[: first.stored], kept)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"max_steps": 0}, "max_steps must be a whole number of at least 1, got 0"),
        ({"tolerance": -1.0}, "tolerance must be a finite number of at least 0"),
        ({"residual_tolerance": math.nan}, "residual_tolerance must be a finite number"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ConjugateGradient(**options)
