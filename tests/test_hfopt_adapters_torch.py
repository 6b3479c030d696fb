"""Networks in PyTorch against ours with the same weights. scripts/check_peers has PyTorch."""

from __future__ import annotations

import adapter_cases as cases
import numpy as np
import pytest

from hfopt import HessianFree, NetworkProblem, Structural, minimize
from hfopt.adapters.torch import TorchNetwork

torch = pytest.importorskip("torch")


def recurrent(params, x):  # x: (T, B, K)
    """Our tanh RNN, with pre-activations and states."""
    h = x.new_zeros((x.shape[1], cases.N))
    before, after = [], []
    for u in x:
        before.append(u @ params["U"].T + h @ params["W"].T + params["b"])
        h = torch.tanh(before[-1])
        after.append(h)
    return torch.stack(after) @ params["V"].T + params["c"], {"tanh": before, "h": after}


def tensors(named):
    return {name: torch.tensor(part) for name, part in named.items()}


@pytest.mark.parametrize("loss", cases.LOSSES)
def test_against_our_network(loss):
    network, theta, x, y, weights = cases.ours(loss)
    theirs = TorchNetwork(recurrent, tensors(cases.parts(network, theta)), states=True)
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
    mapped = problem.theta(tensors(cases.parts(network, v)))
    assert np.array_equal(back(mapped), v)
    for structural in (0.0, Structural(0.3, 0.2, 0.0)):
        np.testing.assert_allclose(
            back(linear.operator(0.1, structural).matvec(mapped)),
            expected.operator(0.1, structural).matvec(v),
            rtol=1e-9, atol=1e-13,
        )  # fmt: skip


class Recurrent(torch.nn.Module):
    """A layer of PyTorch's own and a readout."""

    def __init__(self, layer, dtype):
        super().__init__()
        self.layer = layer(2, 4, dtype=dtype)
        self.readout = torch.nn.Linear(4, 3, dtype=dtype)

    def forward(self, x):
        return self.readout(self.layer(x)[0])


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-11), (torch.float32, 2e-4)])
@pytest.mark.parametrize("layer", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_modules_of_every_kind(layer, dtype, rtol):
    torch.manual_seed(0)
    module = Recurrent(layer, dtype).eval()
    problem = NetworkProblem(TorchNetwork.of_module(module))
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.standard_normal((6, 5, 2)), dtype=dtype)
    batch = problem.batch(x, rng.standard_normal((6, 5, 3)))
    theta, v = problem.theta(), rng.standard_normal(problem.size)
    linear = problem.linearize(theta, batch)
    assert linear.gradient.dtype == np.float64
    # the tangent of the outputs, against differences in float64
    precise = Recurrent(layer, torch.float64).eval()
    precise.load_state_dict(module.state_dict())
    reference = TorchNetwork.of_module(precise)
    ahead, behind = (reference.outputs(theta + step * v, x.double()) for step in (1e-6, -1e-6))
    differences = ((ahead - behind) / 2e-6).reshape(-1, 3)
    tangent = linear.jvp(v).outputs
    np.testing.assert_allclose(tangent, differences, rtol=max(rtol, 1e-7), atol=max(rtol, 1e-8))
    u = rng.standard_normal(tangent.shape)
    np.testing.assert_allclose((tangent * u).sum(), linear.vjp(u) @ v, rtol=rtol, atol=rtol)


def test_a_module_learns_exclusive_or():
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2)
    ).eval()
    problem = NetworkProblem(TorchNetwork.of_module(module), "softmax_cross_entropy")
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    batch = problem.batch(x, np.array([0, 1, 1, 0]))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    result = minimize(problem, problem.theta(), HessianFree(), [batch], max_steps=30)
    assert result.fun < 1e-2
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    module.load_state_dict(problem.params(result.x), strict=False)
    assert torch.equal(module(x).argmax(1), torch.tensor([0, 1, 1, 0]))


def test_what_requires_no_gradient_stays():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    module.eval()[0].requires_grad_(False)
    problem = NetworkProblem(TorchNetwork.of_module(module))
    assert problem.size == 4
    x = np.random.default_rng(0).standard_normal((6, 2))
    x.flags.writeable = False  # NumPy arrays are copied
    batch = problem.batch(x, x[:, :1])
    result = minimize(problem, problem.theta(), HessianFree(), [batch], max_steps=5)
    assert list(problem.params(result.x)) == ["2.weight", "2.bias"]
    assert result.fun < problem.value(problem.theta(), batch)


def test_bad_networks():
    x = torch.ones(4, 2)
    with pytest.raises(ValueError, match="the module is in training mode"):
        TorchNetwork.of_module(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"parameter n must be floating, got torch.int64"):
        TorchNetwork(recurrent, {"n": torch.ones(2, dtype=torch.int64)})
    W = {"W": torch.ones(2, 2)}
    for apply, states, message in (
        (lambda p, x: (x @ p["W"], x), False, r"outputs \(..., M\) as one tensor, got tuple"),
        (lambda p, x: (x @ p["W"]).sum(0), False, r"got shape \(2,\)"),
        (lambda p, x: (x @ p["W"]).int(), False, "floating outputs, got torch.int32"),
        (lambda p, x: x @ p["W"], True, r"the network must give \(outputs, states\)"),
        (lambda p, x: (x @ p["W"], {"gate": x}), True, "unknown kind of states 'gate'"),
    ):
        with pytest.raises(ValueError, match=message):
            NetworkProblem(TorchNetwork(apply, W, states=states)).batch(x, x.numpy())
    problem = NetworkProblem(TorchNetwork(lambda p, x: x @ p["W"], W))
    with pytest.raises(ValueError, match="params lack W"):
        problem.theta({})
    with pytest.raises(ValueError, match=r"parameter W must have shape \(2, 2\), got \(3, 2\)"):
        problem.theta({"W": torch.ones(3, 2)})
