"""Errors and controls against loops over single numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reservoir.analysis.errors import Persistence, score, scores, valid_steps
from reservoir.series.tally import Tally


def pairs(truth, said, column):
    both = zip(truth[:, column], said[:, column], strict=True)
    return [(t, s) for t, s in both if not (math.isnan(t) or math.isnan(s))]


def test_score():
    rng = np.random.default_rng(0)
    truth, said = rng.standard_normal((50, 3)), rng.standard_normal((50, 3)) + 1
    truth[4, 1] = said[7, 2] = truth[9, 2] = np.nan
    found = score(truth, said)
    for m in range(3):
        known = pairs(truth, said, m)
        mean = sum(t for t, _ in known) / len(known)
        squares = sum((s - t) ** 2 for t, s in known)
        spread = sum((t - mean) ** 2 for t, _ in known)
        assert found.steps[m] == len(known)
        assert found.rmse[m] == pytest.approx(math.sqrt(squares / len(known)))
        assert found.nrmse[m] == pytest.approx(math.sqrt(squares / spread))
        assert found.r2[m] == pytest.approx(1 - squares / spread)
        assert found.mae[m] == pytest.approx(sum(abs(s - t) for t, s in known) / len(known))


def test_score_of_a_constant_and_of_nothing():
    flat = np.full((5, 1), 3.0)
    assert np.isnan(score(flat, flat).nrmse[0])
    assert score(flat, flat + 1).nrmse[0] == np.inf
    nothing = score(np.full((5, 1), np.nan), flat)
    assert nothing.steps[0] == 0
    assert np.isnan(nothing.rmse[0])


def test_scores_of_parts_are_those_of_the_whole():
    rng = np.random.default_rng(3)
    truth = rng.standard_normal((50, 2)) + np.array([1e6, 0.0])
    said = truth + 0.1 * rng.standard_normal((50, 2))
    truth[4, 1] = np.nan
    tally = Tally(2)
    for rows in (slice(0, 1), slice(1, 1), slice(1, 30), slice(30, 50)):
        tally.add(truth[rows], said[rows])
    found, whole = scores(tally), score(truth, said)
    assert found.steps.tolist() == whole.steps.tolist() == [50, 49]
    for name in ("rmse", "nrmse", "r2", "mae"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-9)


def test_a_constant_that_no_number_is_equal_to_is_constant():
    tally = Tally(1)
    for rows in (3, 7, 1):
        tally.add(np.full((rows, 1), 0.1), np.full((rows, 1), 0.1))
    assert tally.deviation.tolist() == [0]
    assert np.isnan(scores(tally).nrmse[0])


def test_weights_count_as_repetitions():
    rng = np.random.default_rng(4)
    truth, said = rng.standard_normal((6, 1)), rng.standard_normal((6, 1))
    times = np.array([0, 1, 2, 0, 3, 1])
    weighted, repeated = Tally(1), Tally(1)
    weighted.add(truth[:2], said[:2], times[:2])
    weighted.add(truth[2:], said[2:], times[2:])
    repeated.add(np.repeat(truth, times, axis=0), np.repeat(said, times, axis=0))
    for name in ("weight", "mean", "spread", "squared", "absolute"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name))


@pytest.mark.parametrize("lag", [1, 2, 5, 12, 20])
@pytest.mark.parametrize("cuts", [[12], [1, 2, 2, 12], [0, 5, 12]])
def test_persistence(lag, cuts):
    values = np.random.default_rng(2).standard_normal((12, 2))
    values[[0, 3, 4, 9], 0] = np.nan
    values[:, 1][5:] = np.nan
    control = Persistence(lag, 2)
    bounds = zip([0, *cuts], cuts, strict=False)
    found = np.concatenate([control.follow(values[start:stop]) for start, stop in bounds])
    for t in range(12):
        for m in range(2):
            known = [v for v in values[: max(0, t - lag + 1), m] if not np.isnan(v)]
            expected = known[-1] if known else np.nan
            np.testing.assert_equal(found[t, m], expected)


def test_valid_steps():
    truth = np.zeros((6, 2))
    said = np.array([[0, 0], [1, 0], [1, 2], [1, 3], [0, 0], [9, 9]], float)
    scale = np.array([1.0, 2.0])
    # normalised errors: 0, sqrt(1/2), 1, sqrt(3.25/2), 0, large
    assert valid_steps(truth, said, scale, 0.5) == 1
    assert valid_steps(truth, said, scale, 0.8) == 2
    assert valid_steps(truth, said, scale, 1.0) == 3  # not beyond it
    assert valid_steps(truth, said, scale, 1.1) == 3
    assert valid_steps(truth, said, scale, 100) == 6
    unknown = np.full((6, 2), np.nan)
    assert valid_steps(unknown, said, scale, 0.1) == 6
    unknown[2, 1] = 0
    assert valid_steps(unknown, said, scale, 0.1) == 2


def test_a_forecast_that_overflows():
    truth, said = np.arange(3.0)[:, None], np.array([[0], [1e200], [np.inf]])
    assert score(truth, said).rmse[0] == np.inf
    assert valid_steps(truth, said, np.ones(1), 0.4) == 1


def test_a_forecast_that_is_not_a_number_is_not_valid():
    assert valid_steps(np.zeros((3, 1)), np.array([[0], [np.nan], [0]]), np.ones(1), 0.4) == 1
