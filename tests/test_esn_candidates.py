"""Candidate lanes against separate runs of the scaled reservoirs, and against plain loops."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservoir.errors import DataError
from reservoir.esn import candidates as module
from reservoir.esn.candidates import Candidates, candidate_states
from reservoir.esn.drives import Teacher
from reservoir.esn.harvest import Harvest
from reservoir.esn.model import ACTIVATIONS
from reservoir.series.collection import collect
from reservoir.series.scaler import measure, unscaled

TOLERANCE = {"float64": 1e-13, "float32": 3e-6}


def drawn(number, rng):
    return Candidates(
        rng.uniform(0.2, 1.6, number),
        rng.uniform(-2, 2, number),
        rng.uniform(0, 2, number),
        rng.uniform(0.05, 1, number),
    )


def gathered(blocks, series):
    """The states (L, T, N) of each series."""
    found = [[] for _ in range(series)]
    for block in blocks:
        assert block.start == sum(part.shape[1] for part in found[block.series])
        assert block.states.shape[1] == len(block.inputs)
        found[block.series].append(block.states)
    return [np.concatenate(parts, axis=1) if parts else None for parts in found]


@settings(max_examples=60)
@given(
    form=st.sampled_from(["csr", "dense", "permutation"]),
    units=st.sampled_from([1, 3, 8, 21]),
    activation=st.sampled_from(ACTIVATIONS),
    dtype=st.sampled_from(["float64", "float32"]),
    feedback=st.integers(0, 2),
    number=st.sampled_from([1, 2, 7, 8, 9, 33]),
    seed=st.integers(0, 9),
)
def test_against_separate_runs(
    make_reservoir, form, units, activation, dtype, feedback, number, seed
):
    base = make_reservoir(
        form, units=units, inputs=2, activation=activation, dtype=dtype, feedback=feedback
    )
    rng = np.random.default_rng(seed)
    candidates = drawn(number, rng)
    X = [rng.normal(size=(n, 2)) * 2 + 1 for n in (9, 0, 1)]
    y = [rng.normal(size=(len(x), feedback)) for x in X]
    scaler = measure(collect(X))
    teacher = Teacher(collect(y, "y"), unscaled(feedback)) if feedback else None
    found = gathered(candidate_states(base, candidates, collect(X), scaler, teacher=teacher), 3)
    assert found[1] is None
    for i in (0, 2):
        assert found[i].dtype == dtype
        for lane in range(number):
            own = candidates.reservoir(base, lane)
            forced = np.vstack([np.zeros((1, feedback)), y[i]]) if feedback else None
            wanted = naive.run(own, scaler.scaled(X[i], np.float64), forced)
            scale = max(1.0, np.abs(wanted).max())
            atol = TOLERANCE[dtype] * scale
            np.testing.assert_allclose(found[i][lane], wanted, rtol=0, atol=atol)


def test_against_the_harvest_of_each(make_reservoir):
    base = make_reservoir(units=200)
    candidates = drawn(5, np.random.default_rng(1))
    X = collect(np.random.default_rng(2).normal(size=(300, 2)))
    (found,) = gathered(candidate_states(base, candidates, X, unscaled(2)), 1)
    for lane in range(5):
        (wanted,) = Harvest(candidates.reservoir(base, lane), X, unscaled(2)).states()
        np.testing.assert_allclose(found[lane], wanted, rtol=0, atol=1e-12)


def test_blocks_and_threads_do_not_change_bits(make_reservoir, monkeypatch, use_threads):
    base, candidates = make_reservoir(units=12), drawn(37, np.random.default_rng(3))
    X = collect(np.random.default_rng(4).normal(size=(100, 2)))
    found = []
    for number, values in ((1, 1 << 20), (2, 1), (3, 37 * 12 * 33)):
        use_threads(number)
        monkeypatch.setattr(module, "BLOCK_VALUES", values)
        (states,) = gathered(candidate_states(base, candidates, X, unscaled(2)), 1)
        found.append(states.tobytes())
    assert found[0] == found[1] == found[2]


def test_none_at_all(make_reservoir):
    nothing = Candidates(*[np.empty(0)] * 4)
    X = collect(np.zeros((5, 2)))
    assert list(candidate_states(make_reservoir(units=3), nothing, X, unscaled(2))) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W_in": np.ones(3)}, "W_in has the shape"),
        ({"bias": np.array([1, np.nan])}, "bias is not finite"),
        ({"leak_rate": np.array([0.5, 0.0])}, "leak_rate is not in"),
        ({"leak_rate": np.array([0.5, 1.1])}, "leak_rate is not in"),
        ({"W": np.ones((2, 1))}, "has the shape"),
    ],
)
def test_bad_candidates(change, message):
    ones = dict.fromkeys(("W", "W_in", "bias", "leak_rate"), np.ones(2))
    with pytest.raises(DataError, match=message):
        Candidates(**(ones | change))
