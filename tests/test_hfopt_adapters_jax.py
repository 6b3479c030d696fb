"""Networks in JAX against ours with the same weights. Needs JAX; scripts/check_peers has it."""

from __future__ import annotations

import itertools

import adapter_cases as cases
import numpy as np
import pytest

from hfopt import HessianFree, NetworkProblem, Structural, minimize
from hfopt.adapters.jax import JaxNetwork

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def double():
    """JAX computes in float64 within a test."""
    with jax.enable_x64(True):
        yield


def recurrent(params, x):  # x: (T, B, K)
    """Our tanh RNN, with pre-activations and states."""

    def step(h, u):
        a = u @ params["U"].T + h @ params["W"].T + params["b"]
        return jnp.tanh(a), (a, jnp.tanh(a))

    _, (a, h) = jax.lax.scan(step, jnp.zeros((x.shape[1], cases.N), x.dtype), x)
    return h @ params["V"].T + params["c"], {"tanh": a, "h": [h]}


@pytest.mark.parametrize("loss", cases.LOSSES)
def test_against_our_network(loss):
    network, theta, x, y, weights = cases.ours(loss)
    theirs = JaxNetwork(recurrent, cases.parts(network, theta), states=True)
    problem = NetworkProblem(theirs, loss)
    batch = problem.batch(*(np.swapaxes(a, 0, 1) for a in (x, y, weights)))
    same = network.batch(x, y, weights=weights)
    at = problem.theta()
    linear, expected = problem.linearize(at, batch), network.linearize(theta, same)

    def back(vector):
        return cases.joined(network, problem.params(vector))

    np.testing.assert_allclose(problem.value(at, batch), expected.value, rtol=1e-12)
    np.testing.assert_allclose(back(linear.gradient), expected.gradient, rtol=1e-9, atol=1e-13)
    v = np.random.default_rng(0).standard_normal(theta.size)
    mapped = problem.theta(cases.parts(network, v))
    assert np.array_equal(back(mapped), v)
    for structural in (0.0, Structural(0.3, 0.2, 0.0)):
        np.testing.assert_allclose(
            back(linear.operator(0.1, structural).matvec(mapped)),
            expected.operator(0.1, structural).matvec(v),
            rtol=1e-9, atol=1e-13,
        )  # fmt: skip


def test_adjoint_of_outputs_and_states():
    network, theta, x, y, _ = cases.ours("squared_error")
    problem = NetworkProblem(JaxNetwork(recurrent, cases.parts(network, theta), states=True))
    linear = problem.linearize(problem.theta(), problem.batch(x, y))
    rng = np.random.default_rng(1)
    v = rng.standard_normal(problem.size)
    tangent = linear.jvp(v)
    u, s = (rng.standard_normal(part.shape) for part in tangent)
    forward = (tangent.outputs * u).sum() + tangent.states @ s
    np.testing.assert_allclose(forward, linear.vjp(u, s) @ v, rtol=1e-12)


def perceptron(params, x):
    for W, b in params[:-1]:
        x = jnp.tanh(x @ W + b)
    return x @ params[-1][0] + params[-1][1]


def layers(*sizes, dtype="float64"):
    rng = np.random.default_rng(2)
    return [
        (rng.standard_normal((n, m)).astype(dtype), np.zeros(m, dtype))
        for n, m in itertools.pairwise(sizes)
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_perceptron_learns_exclusive_or(dtype):
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype)
    problem = NetworkProblem(
        JaxNetwork(perceptron, layers(2, 6, 2, dtype=dtype)), "softmax_cross_entropy"
    )
    batch = problem.batch(x, np.array([0, 1, 1, 0]))
    result = minimize(problem, problem.theta(), HessianFree(), [batch], max_steps=30)
    assert result.fun < 1e-2
    found = problem.params(result.x)
    assert found[0][0].dtype == dtype
    assert np.array_equal(np.argmax(perceptron(found, x), axis=1), [0, 1, 1, 0])


def test_gradient_in_single_precision_is_that_of_differences():
    x = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    problem = NetworkProblem(JaxNetwork(perceptron, layers(3, 4, 2, dtype="float32")))
    batch = problem.batch(x, x[:, :2])
    theta, v = problem.theta(), np.random.default_rng(1).standard_normal(problem.size)
    slope = problem.value(theta + 1e-2 * v, batch) - problem.value(theta - 1e-2 * v, batch)
    gradient = problem.gradient(theta, batch).gradient
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient @ v, slope / 2e-2, rtol=2e-3)


def test_compiled_once_for_a_shape():
    calls = []

    def counted(params, x):
        calls.append(x.shape)
        return x @ params

    problem = NetworkProblem(JaxNetwork(counted, np.ones((3, 2))))
    x = np.ones((5, 3))
    batch = problem.batch(x, np.ones((5, 2)))
    minimize(problem, problem.theta(), HessianFree(), [batch], max_steps=5)
    once = len(calls)
    assert once <= 4
    batch = problem.batch(2.0 * x, np.zeros((5, 2)))
    minimize(problem, problem.theta(), HessianFree(), [batch], max_steps=5)
    assert len(calls) - once <= 1  # eval_shape traces; nothing is compiled anew


def test_bad_networks():
    x = np.ones((4, 2))
    with pytest.raises(ValueError, match=r"parameter \['n'\] must be floating, got int64"):
        JaxNetwork(perceptron, {"W": np.ones(2), "n": np.ones(2, int)})
    W = np.ones((2, 2))
    for apply, states, message in (
        (lambda p, x: (x @ p, x), False, r"outputs \(..., M\) as one array"),
        (lambda p, x: (x @ p).sum(0), False, r"got shape \(2,\)"),
        (lambda p, x: (x @ p).astype(int), False, "floating outputs, got int64"),
        (lambda p, x: x @ p, True, r"apply must give \(outputs, states\)"),
        (lambda p, x: (x @ p, {"gate": x}), True, "unknown kind of states 'gate'"),
    ):
        with pytest.raises(ValueError, match=message):
            NetworkProblem(JaxNetwork(apply, W, states=states)).batch(x, x)
    problem = NetworkProblem(JaxNetwork(lambda p, x: x @ p, W))
    with pytest.raises(ValueError, match="params must have the structure"):
        problem.theta({"W": W})
    with pytest.raises(ValueError, match=r"must have shape \(2, 2\), got \(3, 2\)"):
        problem.theta(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"theta must be a vector of 4 numbers, got shape \(3,\)"):
        problem.params(np.ones(3))
