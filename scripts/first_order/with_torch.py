"""Steps of PyTorch: without Omega by its own layer, with Omega by autograd and by hand."""

import time
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, linear

from first_order.data import (
    BATCH,
    CLASSES,
    CLIP,
    LEARNING_RATE,
    MADE,
    STEPS,
    SYMBOLS,
    UNITS,
    WEIGHT,
    data,
)


class Classifier(torch.nn.Module):
    """One layer, and a linear readout of its last state."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = torch.nn.RNN(SYMBOLS, UNITS, dtype=dtype)
        self.readout = torch.nn.Linear(UNITS, CLASSES, dtype=dtype)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Linear outputs (B, M) for inputs (T, B, K)."""
        return self.readout(self.layer(inputs)[0][-1])


def plain(network: Classifier, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """Gradients without Omega."""
    cross_entropy(network(inputs), labels).backward()


def by_autograd(network: Classifier, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """Gradients with Omega, which needs dE/dh of each step: the layer is unrolled."""
    layer = network.layer
    drive = linear(inputs, layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
    W, h, states = layer.weight_hh_l0, inputs.new_zeros(BATCH, UNITS), []
    for t in range(STEPS):
        h = torch.tanh(torch.addmm(drive[t], h, W.T))
        states.append(h)
    loss, parameters = cross_entropy(network.readout(h), labels), list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters + states)
    for parameter, gradient in zip(parameters, gradients, strict=False):
        parameter.grad = gradient
    deltas = torch.stack(gradients[len(parameters) :])
    W.grad += WEIGHT * omega_gradient(torch.stack(states), deltas, W.detach())


@torch.no_grad()
def by_hand(network: Classifier, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """The same with a backward pass of our own, into arrays that are there."""
    layer, readout = network.layer, network.readout
    W = layer.weight_hh_l0
    states = inputs.new_zeros(STEPS + 1, BATCH, UNITS)
    states[1:] = layer(inputs)[0]
    h = states[1:]
    slopes, deltas, errors = 1 - h * h, torch.empty_like(h), torch.empty_like(h)
    outer = torch.softmax(readout(h[-1]), 1)
    outer[torch.arange(BATCH), labels] -= 1
    outer /= BATCH
    torch.mm(outer, readout.weight, out=deltas[-1])
    of_step = list(zip(deltas.unbind(0), slopes.unbind(0), errors.unbind(0), strict=True))
    for t in range(STEPS - 1, 0, -1):
        delta, slope, error = of_step[t]
        torch.mul(delta, slope, out=error)
        torch.mm(error, W, out=of_step[t - 1][0])
    torch.mul(*of_step[0][:2], out=of_step[0][2])
    flat = errors.reshape(-1, UNITS)
    W.grad = flat.T @ states[:-1].reshape(-1, UNITS) + WEIGHT * omega_gradient(h, deltas, W)
    layer.weight_ih_l0.grad = flat.T @ inputs.reshape(-1, SYMBOLS)
    layer.bias_ih_l0.grad = flat.sum(0)
    layer.bias_hh_l0.grad = layer.bias_ih_l0.grad.clone()
    readout.weight.grad, readout.bias.grad = outer.T @ h[-1], outer.sum(0)


def omega_gradient(h: torch.Tensor, deltas: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """The published approximation for W, of states and their dE/dh (T, B, N)."""
    errors = deltas * (1 - h * h)
    before = errors @ W
    squares = (deltas * deltas).sum(-1)
    valid = squares >= 1e-20
    excess = (before * before).sum(-1) / squares - 1
    factors = torch.where(valid, 4 * excess / squares, 0.0) / valid.sum()
    return (errors * factors[..., None]).reshape(-1, UNITS).T @ before.reshape(-1, UNITS)


WAYS: dict[str, Callable[[Classifier, torch.Tensor, torch.Tensor], None]] = {
    "plain": plain,
    "by autograd": by_autograd,
    "by hand": by_hand,
}


def steps(count: int, dtype: str, *, threads: int, way: str) -> list[float]:
    """Seconds of each step: a batch from NumPy's arrays, gradient, clipping, update."""
    torch.set_num_threads(threads)
    given, kind, differentiate = data(), getattr(torch, dtype), WAYS[way]
    network = Classifier(kind)
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE)
    seconds = []
    for step in range(count):
        began = time.perf_counter()
        k = step % MADE
        inputs = torch.as_tensor(given.inputs[k].swapaxes(0, 1), dtype=kind)
        labels = torch.as_tensor(given.labels[k])
        optimizer.zero_grad()
        differentiate(network, inputs, labels)
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    return seconds
