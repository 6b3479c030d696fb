"""The recurrent part of a gradient, split by how many steps before the target it arises.

Plain NumPy for a tanh network with targets at the last step; the sum over lags is the gradient by
W that `Network.gradient` gives, which is checked on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfopt import LOSSES
from reservoir.rnn import Network
from reservoir.tasks.sample import Sample

Array = NDArray[Any]


def states(network: Network, theta: Array, sample: Sample) -> list[Array]:
    """h (T_i + 1, N) of each sequence, zero before the first step."""
    own = network.views(np.asarray(theta, np.float64))
    U, W, b = (own[f"layers/0/{name}"] for name in ("U", "W", "b"))
    found = []
    for x in sample.inputs:
        h = np.zeros((len(x) + 1, len(b)))
        driven = x.astype(np.float64) @ U.T + b
        for t in range(len(x)):
            h[t + 1] = np.tanh(driven[t] + W @ h[t])
        found.append(h)
    return found


def by_lag(network: Network, theta: Array, sample: Sample) -> Array:
    """The gradient by W, (lags, N, N): row k is what arises k steps before the target.

    Lags count from 0, the step of the target itself, to the longest sequence's first step.
    """
    own = network.views(np.asarray(theta, np.float64))
    W, V, c = own["layers/0/W"], own["readout/V"], own["readout/c"]
    loss = LOSSES[network.loss]
    found = np.zeros((int(sample.lengths.max()), *W.shape))
    for h, target in zip(states(network, theta, sample), sample.targets, strict=True):
        mean = loss.mean((V @ h[-1] + c)[None])
        d = V.T @ loss.gradient(mean, np.asarray(target)[None])[0] / len(sample)
        for lag in range(len(h) - 1):
            t = len(h) - 1 - lag
            d_a = d * (1.0 - h[t] ** 2)
            found[lag] += np.outer(d_a, h[t - 1])
            d = W.T @ d_a
    return found
