"""A recurrent network and its weights, for frameworks that are to give the same as ours."""

from __future__ import annotations

import numpy as np

from reservoir.rnn import RNN, Network

T, B, K, N, M = 6, 5, 2, 4, 3
LOSSES = ("squared_error", "logistic_cross_entropy", "softmax_cross_entropy")


def ours(loss):
    """Our network, its parameters, and inputs, targets and weights by sequence."""
    rng = np.random.default_rng(3)
    network = Network(RNN(N), inputs=K, outputs=M, loss=loss)
    theta = 0.5 * rng.standard_normal(network.size)
    x = rng.standard_normal((B, T, K))
    if loss == "softmax_cross_entropy":
        y = rng.integers(0, M, (B, T))
    else:
        y = rng.random((B, T, M))
    weights = rng.random((B, T))
    weights[1, 2:] = 0.0
    return network, theta, x, y, weights


def parts(network, theta):
    """Weights by short names."""
    return {name.split("/")[-1]: part for name, part in network.views(theta).items()}


def joined(network, named):
    """Our vector of the weights by short names."""
    theta = np.empty(network.size)
    for name, view in network.views(theta).items():
        view[:] = np.asarray(named[name.split("/")[-1]])
    return theta


class ByHand:
    """A linear network with a dense Jacobian and states, which needs no framework."""

    def __init__(self, rows=(2, 3), columns=2, size=5, kinds=("tanh", "h"), seed=0):
        rng = np.random.default_rng(seed)
        self.size, self.shape = size, (*rows, columns)
        self.J = rng.standard_normal((int(np.prod(self.shape)), size))
        self.J_states = {kind: rng.standard_normal((4, size)) for kind in kinds}

    def theta(self, params=None):
        return np.linspace(-1.0, 1.0, self.size) if params is None else np.asarray(params)

    def params(self, theta):
        return list(theta)

    def prepare(self, inputs):
        return np.asarray(inputs)

    def output_shape(self, inputs):
        return self.shape

    def outputs(self, theta, inputs):
        return (self.J @ theta + inputs).reshape(self.shape)

    def linearize(self, theta, inputs):
        return LinearizedByHand(self, theta, inputs)


class LinearizedByHand:
    def __init__(self, network, theta, inputs):
        self.network = network
        self.outputs = network.outputs(theta, inputs)
        self.states = {kind: J @ theta for kind, J in network.J_states.items()}

    def jvp(self, v):
        outputs = (self.network.J @ v).reshape(self.outputs.shape)
        return outputs, {kind: J @ v for kind, J in self.network.J_states.items()}

    def vjp(self, outputs, states):
        product = self.network.J.T @ outputs.ravel()
        return product + sum(self.network.J_states[kind].T @ part for kind, part in states.items())
