"""The parts of a Hessian-free step, each in isolation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hfopt import (
    EmpiricalFisher,
    HessianFree,
    LevenbergMarquardt,
    LineSearch,
    NoPreconditioner,
)
from hfopt.backtracking import backtrack
from hfopt.damping import reduction_ratio
from hfopt.vectors import all_finite, dot, norm

# ---- damping


@pytest.mark.parametrize(
    "rho, expected",
    [
        (-math.inf, 0.3),
        (-1.0, 0.3),
        (0.2499, 0.3),
        (0.25, 0.2),
        (0.5, 0.2),
        (0.75, 0.2),
        (0.7501, 0.2 * 2 / 3),
        (5.0, 0.2 * 2 / 3),
        (math.nan, 0.3),
    ],
)
def test_damping_rule(rho, expected):
    assert math.isclose(LevenbergMarquardt().updated(0.2, rho), expected)


def test_damping_has_bounds():
    rule = LevenbergMarquardt(least=0.1, greatest=1.0)
    assert rule.updated(0.12, 1.0) == 0.1
    assert rule.updated(0.9, 0.0) == 1.0
    assert LevenbergMarquardt().raised(1e100) == 1e100


def test_reduction_ratio():
    assert reduction_ratio(2.0, 1.0, -1.0) == 1.0
    assert reduction_ratio(2.0, 1.5, -1.0) == 0.5
    assert reduction_ratio(2.0, 3.0, -1.0) == -1.0
    assert reduction_ratio(2.0, math.nan, -1.0) == -math.inf
    assert reduction_ratio(2.0, math.inf, -1.0) == -math.inf
    for before, model in [(math.nan, -1.0), (2.0, 0.0), (2.0, 1.0), (2.0, math.nan)]:
        assert math.isnan(reduction_ratio(before, 1.0, model))
    assert math.isnan(reduction_ratio(2.0, 1.0, -math.inf))


# ---- backtracking


@pytest.mark.parametrize(
    "values, at, asked",
    [
        ([3.0], 0, [0]),
        ([5.0, 4.0, 3.0], 2, [2, 1]),
        ([5.0, 1.0, 2.0, 3.0], 1, [3, 2, 1, 0]),
        ([0.0, 5.0, 2.0, 3.0], 2, [3, 2, 1]),  # the first rise ends it, whatever comes before
        ([3.0, 3.0], 1, [1, 0]),
        ([1.0, 2.0, 3.0], 0, [2, 1, 0]),
        ([4.0, math.inf, math.nan], 0, [2, 1, 0]),
        ([4.0, math.nan, 2.0], 2, [2, 1]),
    ],
)
def test_backtracking(values, at, asked):
    seen = []

    def value(index):
        seen.append(index)
        return values[index]

    found = backtrack(value, len(values))
    assert found == (at, values[at])
    assert seen == asked


def test_backtracking_where_nothing_is_finite():
    assert backtrack(lambda index: math.nan, 3) == (0, math.inf)


# ---- line search


def searched(f, slope, full=None, **options):
    asked = []

    def value(rate):
        asked.append(rate)
        return f(rate)

    found = LineSearch(**options).search(value, f(0.0), f(1.0) if full is None else full, slope)
    return found, asked


def test_line_search_takes_a_full_step_without_evaluations():
    found, asked = searched(lambda r: -r, -1.0)
    assert found == (1.0, -1.0, True)
    assert asked == []


def test_line_search_shortens_until_armijo():
    # f decreases enough, f <= 1e-2 rate slope, below rate 0.99 / 2
    found, asked = searched(lambda r: -r + 2 * r * r, -1.0)
    rates = [0.8**k for k in range(1, 60)]
    expected = next(r for r in rates if -r + 2 * r * r <= -0.01 * r)
    assert found.accepted
    assert math.isclose(found.rate, expected)
    np.testing.assert_allclose(asked, [r for r in rates if r >= expected * 0.999])


def test_the_constant_of_armijo_counts():
    def slight(r):
        return -0.005 * r

    assert not searched(slight, -1.0)[0].accepted
    assert searched(slight, -1.0, armijo=1e-3)[0].accepted


def test_line_search_gives_up():
    found, asked = searched(lambda r: r, -1.0)
    assert found == (0.0, 0.0, False)
    assert len(asked) == 60
    assert math.isclose(asked[-1], 0.8**60)
    found, asked = searched(lambda r: r, -1.0, max_steps=0)
    assert (found.accepted, asked) == (False, [])


@pytest.mark.parametrize("slope", [0.0, 1.0, math.nan])
def test_no_search_along_what_does_not_descend(slope):
    found, asked = searched(lambda r: -r, slope)
    assert (found.accepted, found.rate, asked) == (False, 0.0, [])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_line_search_passes_over_what_is_not_finite(bad):
    found, _ = searched(lambda r: bad if r > 0.7 else -r, -1.0)
    assert found.accepted
    assert math.isclose(found.rate, 0.64)


# ---- preconditioner


def test_preconditioners():
    squares = np.array([0.0, 0.5, 4.0])
    assert NoPreconditioner().diagonal(squares, 0.1) is None
    found = EmpiricalFisher(scale=2.0).diagonal(squares, 0.1)
    np.testing.assert_allclose(found, [0.1**0.75, 1.1**0.75, 8.1**0.75])
    assert EmpiricalFisher(power=0.0).diagonal(squares, 0.1).tolist() == [1.0] * 3
    assert EmpiricalFisher().diagonal(squares, 0.0) is None  # a zero in it
    assert EmpiricalFisher().diagonal(np.array([math.inf]), 0.1) is None
    with pytest.raises(ValueError, match="needs squared gradients"):
        EmpiricalFisher().diagonal(None, 0.1)


# ---- sums


def test_norms_over_the_whole_range():
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert norm(np.array([3.0, 4.0])) == 5.0
    assert norm(np.zeros(0)) == 0.0
    assert norm(np.array([1.0, math.inf])) == math.inf
    assert math.isnan(norm(np.array([1.0, math.nan])))
    assert dot(np.array([1e200, 1.0]), np.array([1e200, 1.0])) == math.inf
    assert all_finite(np.array([1.0]))
    assert not all_finite(np.array([math.nan]))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LevenbergMarquardt(low=-0.1), "low must be"),
        (lambda: LevenbergMarquardt(high=0.1), r"high must be a number in \[0.25, inf\]"),
        (lambda: LevenbergMarquardt(up=0.5), "up must be"),
        (lambda: LevenbergMarquardt(down=1.5), "down must be"),
        (lambda: LevenbergMarquardt(least=2.0, greatest=1.0), "least must be at most greatest"),
        (lambda: LineSearch(factor=1.0), "factor must be"),
        (lambda: HessianFree(cg=10), "cg must be a ConjugateGradient, got 10"),
        (lambda: HessianFree(rule="lm"), "rule must be a LevenbergMarquardt, got 'lm'"),
        (lambda: LineSearch(max_steps=1.5), "max_steps must be a whole number"),
        (lambda: LineSearch(armijo=-1.0), "armijo must be"),
        (lambda: EmpiricalFisher(power=2.0), "power must be"),
        (lambda: EmpiricalFisher(scale=0.0), "scale must be a finite number above 0"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
