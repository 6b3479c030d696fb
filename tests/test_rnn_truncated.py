"""Truncated backpropagation through time against its slow twin, and what it must be equal to."""

from __future__ import annotations

import naive_trained as slow
import naive_truncated
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trained_cases import CELLS, make, random_theta
from truncated_cases import FEW, RATE, agree, descend, problem, slow_descent, streams

import hfopt
from hfopt import L2, SGD, Adam, HessianFree, Penalized, Status, minimize, numbered
from reservoir.errors import DataError
from reservoir.rnn import (
    LSTM,
    RNN,
    GivenStreams,
    Network,
    OmegaRegularized,
    Truncated,
    segments,
)
from reservoir.rnn.segments import Carried

# ---- against the slow twin


@pytest.mark.parametrize("k1, k2", [(1, 1), (1, 4), (2, 2), (3, 5), (5, 2), (3, 7), (9, 4)])
def test_one_series(k1, k2):
    agree(*problem(lengths=(8,)), k1, k2)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("k1, k2", [(2, 3), (4, 2)])
def test_cells_and_layers(name, k1, k2):
    agree(*problem(FEW[name], (5, 7)), k1, k2)


@pytest.mark.parametrize("k1, k2", [(1, 3), (2, 2), (3, 1), (2, 4), (4, 20)])
def test_ragged_series_end_and_the_others_go_on(k1, k2):
    agree(*problem(lengths=(3, 8, 1, 6, 4)), k1, k2)


@pytest.mark.parametrize("k1, k2", [(2, 3), (3, 2), (1, 1)])
def test_masked_steps(k1, k2):
    network, theta, series = problem(lengths=(9, 6), seed=3)
    rng = np.random.default_rng(4)
    for _, _, weights in series:
        weights[:] = np.where(rng.random(weights.size) < 0.6, 0.0, rng.uniform(0.5, 2))
        weights[-1] = 1.0
    kept = [weights.copy() for _, _, weights in series]
    agree(network, theta, series, k1, k2)
    for (_, _, weights), before in zip(series, kept, strict=True):
        assert (weights == before).all()


@pytest.mark.parametrize("k1, k2", [(1, 4), (2, 5), (9, 3)])
def test_targets_at_the_last_step(k1, k2):
    network, theta, series = problem(lengths=(9, 6, 9))
    given = GivenStreams([x for x, _, _ in series], [y[-1] for _, y, _ in series], at="last")
    for _, _, weights in series:
        weights[:-1] = 0.0
    agree(network, theta, series, k1, k2, given)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(1, 10), st.integers(1, 10),
    st.sampled_from(["every", "last", "some"]), st.booleans(),
)  # fmt: skip
def test_any_lengths(lengths, k1, k2, where, learned):
    network, theta, series = problem((RNN(2, learn_initial_state=learned),), lengths)
    rng = np.random.default_rng(k1 + 10 * k2)
    for _, _, weights in series:
        if where != "every":
            weights[:-1] = 0.0 if where == "last" else rng.integers(0, 2, weights.size - 1)
    agree(network, theta, series, k1, k2)


def test_every_series_is_cut_as_far_before_its_own_end():
    """Of ragged series with targets at the end, each counts, with k2 steps."""
    network, theta, series = problem(lengths=(9, 4, 7))
    xs, ys = [x for x, _, _ in series], [y[-1] for _, y, _ in series]
    found = segments([GivenStreams(xs, ys, at="last")], 20, 3).give(0, None)
    gradient = Truncated(network).gradient(theta, found)
    _, states = zip(*(network.predict(theta, [x[:-3]]) for x in xs), strict=True)
    state = tuple(np.concatenate(layer, axis=1) for layer in zip(*states, strict=True))
    batch = network.batch([x[-3:] for x in xs], np.array(ys), at="last", state=state)
    expected = network.gradient(theta, batch)
    np.testing.assert_allclose(gradient.gradient, expected.gradient, rtol=1e-12)
    assert found.follows is None


def test_labels():
    case = make((RNN(3),), "softmax labels", lengths=(6, 4), seed=5)
    given = GivenStreams([s[0] for s in case.sequences], [s[1] for s in case.sequences])
    agree(case.network, case.theta, [s[:3] for s in case.sequences], 2, 3, given)


# ---- what it must be equal to


@pytest.mark.parametrize("name", [*FEW, "relu leaks", "gru after"])
def test_as_much_as_there_is_has_the_bits_of_full_backpropagation(name):
    case = make(CELLS.get(name, FEW.get(name)), lengths=(4, 6, 6, 2), start="learned", seed=2)
    given = GivenStreams([s[0] for s in case.sequences], [s[1] for s in case.sequences])
    whole = minimize(case.network, case.theta, Adam(0.01), [case.batch], max_steps=3)
    for k1, k2 in ((6, 6), (100, 7)):
        found = minimize(
            Truncated(case.network), case.theta, Adam(0.01), segments([given], k1, k2), max_steps=3
        )
        assert found.x.tobytes() == whole.x.tobytes()
        assert found.history == whole.history


def test_full_backpropagation_of_last_targets_has_the_same_bits():
    case = make((LSTM(2),), "logistic_cross_entropy", "last weights", lengths=(4, 6, 2), seed=2)
    given = GivenStreams(
        [s[0] for s in case.sequences],
        [s[1][-1] for s in case.sequences],
        "last",
        [s[2][-1] for s in case.sequences],
    )
    expected = case.network.gradient(case.theta, case.batch)
    segment = segments([given], 6, 6).give(0, None)
    found = Truncated(case.network).gradient(case.theta, segment, squares=True)
    squares = case.network.gradient(case.theta, case.batch, squares=True)
    assert found.value == expected.value == Truncated(case.network).value(case.theta, segment)
    assert found.gradient.tobytes() == squares.gradient.tobytes()
    assert found.squares.tobytes() == squares.squares.tobytes()
    assert found.state == Carried(1, 0, ())


@pytest.mark.parametrize("k1, k2", [(1, 1), (3, 5), (5, 2)])
def test_carried_states_are_those_of_a_long_forward_pass(k1, k2):
    network, theta, series = problem(FEW["rnn lstm rnn"], (30, 23))
    given, carried, seen = streams(series), None, 0
    batches, truncated = segments([given], k1, k2), Truncated(network)
    while True:
        segment = batches.give(0, carried)
        carried = truncated.gradient(theta, segment).state
        if segment.follows is None:
            break
        going = [x for x, _, _ in series if len(x) > carried.start]
        going = [x[:stop] for x, stop in zip(going, segment.follows, strict=True)]
        if carried.states:
            seen += 1
            _, expected = network.predict(theta, going)
            for found, state in zip(carried.states, expected, strict=True):
                np.testing.assert_allclose(found, state, rtol=1e-12, atol=1e-14)
    assert seen >= 30 // k1 - 2


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("k1, k2", [(3, 3), (3, 5), (4, 2)])
def test_a_series_without_targets_changes_nothing_of_another(name, k1, k2):
    network, theta, ((x, y, _),) = problem(FEW[name], (14,))
    alone = _values(network, theta, GivenStreams([x], [y]), k1, k2)
    for steps in range(15):
        other = np.ones((steps, x.shape[1])), np.zeros((steps, y.shape[1]))
        weights = [np.ones(14), np.zeros(steps)]
        given = GivenStreams([x, other[0]], [y, other[1]], weights=weights)
        assert np.allclose(_values(network, theta, given, k1, k2), alone, rtol=1e-12, atol=0)


def _values(network, theta, given, k1, k2):
    result = hfopt.minimize(
        Truncated(network), theta, hfopt.SGD(0.3), segments([given], k1, k2), max_steps=7
    )
    return [one.value for one in result.history]


def test_the_cut_takes_the_gradient_of_what_lies_before_it():
    """With a target at the end, no gradient reaches the only input that is not zero."""
    network = Network(RNN(3), 1, 1)
    theta = random_theta(network, np.random.default_rng(0))
    x = np.zeros((10, 1))
    x[2] = 1.0
    given = GivenStreams([x], [np.ones(1)], at="last")
    for k2, reached in ((7, False), (8, True)):
        for k1 in (1, 4, 10):
            segment = segments([given], k1, k2).give(0, None)
            found = Truncated(network).gradient(theta, segment)
            U = network.views(found.gradient)["layers/0/U"]
            assert (np.abs(U).max() > 0) == reached
            assert found.value == network.value(
                theta, network.batch([x], np.ones((1, 1)), at="last")
            )


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(threads, use_threads):
    network, theta, series = problem(lengths=(20,) * 40)
    use_threads(2)
    expected = descend(network, theta, streams(series), 5, 8, 5)
    use_threads(threads)
    assert descend(network, theta, streams(series), 5, 8, 5).x.tobytes() == expected.x.tobytes()


def test_a_resumed_run_has_the_same_bits():
    network, theta, series = problem(FEW["lstm"], (9, 5, 12))
    given, states = streams(series), []
    batches = segments([given], 2, 5)
    whole = minimize(
        Truncated(network), theta, Adam(0.05), batches,
        max_steps=14, callback=lambda progress: states.append(progress.state),
    )  # fmt: skip
    assert [state.carried.round for state in states] == [0] * 5 + [1] * 6 + [2] * 3
    for state in states:
        fresh = segments([streams(series)], 2, 5)
        rest = minimize(Truncated(network), None, Adam(0.05), fresh, max_steps=14, state=state)
        assert rest.x.tobytes() == whole.x.tobytes()


def test_rounds_have_series_of_their_own():
    network, theta, first = problem(lengths=(4, 4))
    _, _, second = problem(lengths=(6,), seed=1)
    asked = []

    def rounds(number):
        asked.append(number)
        return streams((first, second)[number % 2])

    found = minimize(Truncated(network), theta, SGD(RATE), segments(rounds, 2, 2), max_steps=6)
    middle, _ = slow_descent(network, theta, first, 2, 2, rounds=1)
    middle, _ = slow_descent(network, middle, second, 2, 2, rounds=1)
    expected = naive_truncated.train(network, middle, first, 2, 2, lambda old, g: old - RATE * g)[
        1
    ][0]
    assert found.history[5].value == pytest.approx(expected.value, rel=1e-10)
    assert asked == [0, 1, 2]


# ---- with other parts


def test_penalties_around_it():
    network, theta, series = problem()
    where = network.select("layers/*/W")
    segment = segments([streams(series)], 3, 3).give(0, None)
    plain = Truncated(network).gradient(theta, segment)
    found = Penalized(Truncated(network), [L2(0.5, where)]).gradient(theta, segment)
    difference = np.zeros_like(theta)
    difference[where] = 0.5 * theta[where]
    np.testing.assert_allclose(found.gradient - plain.gradient, difference, atol=1e-15)
    assert found.state.start == 3


def test_omega_within_it_with_a_schedule():
    network, theta, series = problem()
    x, y, _ = series[0]
    batch, seen = network.batch([x[:3]], [y[:3]]), []
    omega = OmegaRegularized(network, lambda step: seen.append(step) or 1.0 + step)
    result = minimize(
        Truncated(network, omega), theta, SGD(RATE), numbered(segments([streams(series)], 3, 3)),
        max_steps=2,
    )  # fmt: skip
    assert result.history[0].value == OmegaRegularized(network, 1.0).value(theta, batch)
    assert seen == [0, 1]
    assert isinstance(result.state.carried, Carried)


def test_hessian_free_is_refused():
    network, theta, series = problem()
    with pytest.raises(DataError, match="truncated backpropagation is for first-order optimizers"):
        minimize(
            Truncated(network), theta, HessianFree(), segments([streams(series)], 2, 2), max_steps=1
        )


def test_states_that_are_not_finite_begin_again():
    network = Network(RNN(1, "identity"), 1, 1)
    theta = np.zeros(network.size)
    network.views(theta)["layers/0/W"][:] = 1e200
    network.views(theta)["layers/0/U"][:] = 1.0
    x = np.ones((6, 1))
    found = minimize(
        Truncated(network), theta, SGD(0.0, max_rejections=2),
        segments([GivenStreams([x, 0 * x], [x, x])], 3, 3), max_steps=5,
    )  # fmt: skip
    assert found.status is Status.NOT_FINITE
    segment = segments([GivenStreams([x, 0 * x], [x, x])], 3, 3).give(0, None)
    state = Truncated(network).gradient(theta, segment).state
    assert state.start == 3
    assert (state.states[0] == 0).all()


def test_the_slow_twin_with_one_segment_is_the_slow_gradient():
    network, theta, series = problem(lengths=(5, 3))
    _, updates = slow_descent(network, theta, series, 5, 5, rounds=1)
    full = slow.gradient(network, theta, [(*one, None) for one in series])
    np.testing.assert_allclose(updates[0].gradient, full, rtol=1e-12)
