"""A network of another framework and a loss: targets, weights, masks, states, dense references."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from adapter_cases import ByHand

from hfopt import EmpiricalFisher, HessianFree, NetworkProblem, Structural, minimize
from hfopt.adapters.jax import JaxNetwork
from hfopt.adapters.torch import TorchNetwork

rng = np.random.default_rng(5)
REAL = rng.random((2, 3, 2))
LABELS = rng.integers(0, 2, (2, 3))
WEIGHTS = np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]])


def mean_and_curvature(name, o):
    """The output function and the dense H_L of one row."""
    if name == "squared_error":
        return o, np.eye(len(o))
    if name == "logistic_cross_entropy":
        p = 1.0 / (1.0 + np.exp(-o))
        return p, np.diag(p * (1.0 - p))
    p = np.exp(o) / np.exp(o).sum()
    return p, np.diag(p) - np.outer(p, p)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(
    "loss", ["squared_error", "logistic_cross_entropy", "softmax_cross_entropy"]
)
def test_gradient_and_product_are_the_dense_ones(loss, weights):
    network = ByHand()
    problem = NetworkProblem(network, loss)
    targets = LABELS if loss == "softmax_cross_entropy" else REAL
    batch = problem.batch(0.3, targets, weights)
    theta = problem.theta()
    linear = problem.linearize(theta, batch)
    each = np.ones(6) if weights is None else weights.ravel()
    gradient, G = np.zeros(5), np.zeros((5, 5))
    o = network.outputs(theta, 0.3).reshape(6, 2)
    flat = np.eye(2)[LABELS.ravel()] if loss == "softmax_cross_entropy" else REAL.reshape(6, 2)
    for row in range(6):
        J = network.J[2 * row : 2 * row + 2]
        mean, H = mean_and_curvature(loss, o[row])
        gradient += each[row] * J.T @ (mean - flat[row])
        G += each[row] * J.T @ H @ J
    total = each.sum()
    np.testing.assert_allclose(linear.gradient, gradient / total, rtol=1e-12)
    np.testing.assert_allclose(linear.operator(0.1) @ np.eye(5), G / total + 0.1 * np.eye(5))
    assert problem.value(theta, batch) == linear.value == problem.gradient(theta, batch).value

    step = 1e-6
    differences = [
        (problem.value(theta + step * e, batch) - problem.value(theta - step * e, batch)) / 2 / step
        for e in np.eye(5)
    ]
    np.testing.assert_allclose(linear.gradient, differences, rtol=1e-7, atol=1e-9)


def test_structural_damping_is_the_dense_one():
    network = ByHand(kinds=("c", "tanh", "logistic", "h"))
    problem = NetworkProblem(network)
    theta, batch = problem.theta(), problem.batch(0.0, REAL, WEIGHTS)
    linear = problem.linearize(theta, batch)
    p = 1.0 / (1.0 + np.exp(-network.J_states["logistic"] @ theta))
    D = {
        "tanh": 0.7 * (1.0 - np.tanh(network.J_states["tanh"] @ theta) ** 2),
        "logistic": 0.7 * p * (1.0 - p),
        "h": np.full(4, 0.2),
        "c": np.full(4, 0.3),
    }
    added = sum(J.T @ np.diag(D[kind]) @ J for kind, J in network.J_states.items())
    plain = linear.operator() @ np.eye(5)
    damped = linear.operator(0.0, Structural(0.7, 0.2, 0.3)) @ np.eye(5)
    np.testing.assert_allclose(damped - plain, added / WEIGHTS.sum(), rtol=1e-10, atol=1e-12)


def test_adjoint_of_outputs_and_states():
    problem = NetworkProblem(ByHand())
    linear = problem.linearize(problem.theta(), problem.batch(0.0, REAL, WEIGHTS))
    v = rng.standard_normal(5)
    tangent = linear.jvp(v)
    assert tangent.outputs.shape == (4, 2)
    outputs, states = rng.standard_normal((4, 2)), rng.standard_normal(8)
    np.testing.assert_allclose(
        (tangent.outputs * outputs).sum() + tangent.states @ states,
        linear.vjp(outputs, states) @ v,
        rtol=1e-12,
    )


def test_a_masked_row_is_not_looked_at():
    network = ByHand()
    problem = NetworkProblem(network)
    hidden = REAL.copy()
    hidden[WEIGHTS == 0.0] = np.nan
    theta = problem.theta()
    masked, open_ = problem.batch(0.0, hidden, WEIGHTS), problem.batch(0.0, REAL, WEIGHTS)
    assert problem.value(theta, masked) == problem.value(theta, open_)
    network.J[2:4] = np.inf  # the outputs of the masked row 1
    with np.errstate(invalid="ignore"):
        assert np.isfinite(problem.value(theta, masked))


def test_columns_of_one_output():
    problem = NetworkProblem(ByHand(columns=1), "logistic_cross_entropy")
    flat, full = problem.batch(0.0, LABELS), problem.batch(0.0, LABELS[..., None])
    assert problem.value(problem.theta(), flat) == problem.value(problem.theta(), full)


def test_it_is_minimized():
    problem = NetworkProblem(ByHand())
    batch = problem.batch(0.0, REAL, WEIGHTS)
    optimizer = HessianFree(structural=0.1, gradient_tolerance=1e-9)
    result = minimize(problem, problem.theta(), optimizer, [batch])
    assert result.success
    J, y = problem.network.J.reshape(6, 2, 5), REAL.reshape(6, 2)
    w = np.sqrt(WEIGHTS.ravel())[:, None]
    expected = np.linalg.lstsq((w[..., None] * J).reshape(12, 5), (w * y).ravel(), rcond=None)[0]
    np.testing.assert_allclose(result.x, expected, rtol=1e-6)


def bad_value(array, at, value):
    changed = np.array(array, dtype=float)
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    "loss, targets, weights, message",
    [
        ("squared_error", REAL[0], None, r"shape of the outputs, \(2, 3, 2\); got \(3, 2\)"),
        ("softmax_cross_entropy", LABELS[0], None, r"\(or labels \(2, 3\)\); got \(3,\)"),
        ("squared_error", LABELS, None, r"got \(2, 3\)"),
        ("squared_error", bad_value(REAL, (1, 0, 1), np.nan), None, r"NaN at \(1, 0, 1\)"),
        ("softmax_cross_entropy", LABELS + 2, WEIGHTS, r"class label \d at \(0, 0\)"),
        ("squared_error", REAL, WEIGHTS[0], r"weights must be numbers of shape \(2, 3\)"),
        ("squared_error", REAL, bad_value(WEIGHTS, (0, 2), -1.0), r"-1.0 at \(0, 2\)"),
        ("squared_error", REAL, bad_value(WEIGHTS, (0, 2), np.nan), r"nan at \(0, 2\)"),
        ("squared_error", REAL, 0.0 * WEIGHTS, "nothing is scored"),
    ],
)
def test_bad_batches(loss, targets, weights, message):
    with pytest.raises(ValueError, match=message):
        NetworkProblem(ByHand(), loss).batch(0.0, targets, weights)


def test_bad_requests():
    with pytest.raises(ValueError, match="did you mean 'squared_error'"):
        NetworkProblem(ByHand(), "squared_eror")
    problem = NetworkProblem(ByHand(kinds=("h",)))
    batch = problem.batch(0.0, REAL)
    with pytest.raises(ValueError, match=r"must give .* the kind 'tanh' or 'logistic'"):
        minimize(problem, problem.theta(), HessianFree(structural=0.1), [batch])
    fisher = HessianFree(preconditioner=EmpiricalFisher())
    with pytest.raises(ValueError, match="their sum alone"):
        minimize(problem, problem.theta(), fisher, [batch])
    problem = NetworkProblem(ByHand(kinds=("hh",)))
    with pytest.raises(ValueError, match="unknown kind of states 'hh'; did you mean 'h'"):
        problem.linearize(problem.theta(), problem.batch(0.0, REAL))
    problem.network.shape = (6, 2)
    with pytest.raises(ValueError, match=r"gave outputs \(6, 2\); for this batch .* \(2, 3, 2\)"):
        problem.value(problem.theta(), batch)


@pytest.mark.parametrize("framework, network", [("jax", JaxNetwork), ("torch", TorchNetwork)])
def test_a_framework_that_is_not_installed_is_named(framework, network, monkeypatch):
    real = importlib.import_module

    def without(name, *arguments):
        if name.split(".")[0] == framework:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ImportError, match=f"needs {framework}, which is not installed"):
        network(lambda params, inputs: inputs, {})
