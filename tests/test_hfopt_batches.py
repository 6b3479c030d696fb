"""Batches of a step: both forms, the policy, and that they depend on the step alone."""

from __future__ import annotations

import numpy as np
import pytest

from hfopt import DrawnBatches, StepBatches, choose
from hfopt.batches import as_source


def rows(data, start, stop):
    return tuple(int(i) for i in data[start:stop])


def test_roles():
    assert StepBatches(1).role("curvature") == 1
    full = StepBatches(1, 2, 3, 4)
    roles = ("gradient", "curvature", "backtracking", "line_search")
    assert [full.role(name) for name in roles] == [1, 2, 3, 4]


def test_a_sequence_goes_round():
    source = as_source(["a", StepBatches("b", "c"), "d"])
    assert [source(k).gradient for k in range(5)] == ["a", "b", "d", "a", "b"]
    assert source(4).curvature == "c"


def test_a_callable_is_asked_for_each_step():
    source = as_source(lambda step: step * 10)
    assert [source(k) for k in (0, 7)] == [StepBatches(0), StepBatches(70)]
    source = as_source(lambda step: StepBatches(step, -step))
    assert source(3) == StepBatches(3, -3)


@pytest.mark.parametrize("bad", [7, None, "abc", np.ones(3), [], StepBatches(1, 2)])
def test_other_forms_are_refused(bad):
    with pytest.raises(ValueError, match="batches must"):
        as_source(bad)


def test_sizes_overlap_and_own_sequences():
    drawn = DrawnBatches(choose(100), rows, 20, curvature=5, backtracking=7, line_search=3)
    found = drawn(4)
    assert drawn.sequences == 30
    assert [len(batch) for batch in found] == [20, 5, 7, 3]
    assert found.curvature == found.gradient[:5]
    own = found.gradient + found.backtracking + found.line_search
    assert len(set(own)) == 30


def test_disjoint_curvature():
    drawn = DrawnBatches(choose(100), rows, 20, curvature=30, overlap=False)
    found = drawn(0)
    assert len(set(found.gradient + found.curvature)) == 50
    assert found.backtracking is None


@pytest.mark.parametrize("curvature", [None, 20])
def test_all_of_the_gradient_is_its_own_batch(curvature):
    assert DrawnBatches(choose(100), rows, 20, curvature=curvature)(0).curvature is None


def test_fresh_or_fixed():
    fresh = DrawnBatches(choose(100), rows, 20)
    again = DrawnBatches(choose(100), rows, 20)
    assert fresh(3) == again(3)
    assert fresh(3) != fresh(4)
    assert fresh(3) != DrawnBatches(choose(100), rows, 20, random_state=1)(3)
    fixed = DrawnBatches(choose(100), rows, 20, fresh=False)
    assert fixed(9) is fixed(0)
    assert fixed(0) == fresh(0)


def test_generated_tasks():
    def draw(rng, n):
        return rng.standard_normal((n, 3))

    drawn = DrawnBatches(draw, lambda data, a, b: data[a:b], 6, curvature=2)
    found = drawn(5)
    assert np.array_equal(found.curvature, found.gradient[:2])
    assert np.array_equal(found.gradient, drawn(5).gradient)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"gradient": 0}, "gradient must be a whole number of at least 1, got 0"),
        ({"gradient": None}, "gradient must be a whole number"),
        ({"gradient": 5, "curvature": 0}, "curvature must be a whole number of at least 1"),
        ({"gradient": 5, "line_search": 2.5}, "line_search must be a whole number"),
        ({"gradient": 5, "curvature": 6}, "6 of the gradient's 5 sequences"),
        ({"gradient": 5, "random_state": -1}, "random_state must be a whole number"),
    ],
)
def test_bad_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        DrawnBatches(choose(100), rows, **options)


def test_more_sequences_than_there_are():
    with pytest.raises(ValueError, match="take 11 sequences at a step; the data have 10"):
        DrawnBatches(choose(10), rows, 8, backtracking=3)(0)
