"""Slow and obvious twins of the cells: one step of one layer, forward and backward.

What ``naive_trained`` is made of; imports neither package. A cell is told by the name of its class:
``RNN``, ``LSTM``, ``GRU``. No function takes a conjugate or an absolute value and all comparisons
are of real parts, so that every number may be complex.
"""

from __future__ import annotations

import numpy as np


def kind(cell):
    """``"RNN"``, ``"LSTM"`` or ``"GRU"``."""
    return type(cell).__name__


# ---- parameters


def layout(network):
    """Names and shapes of all arrays in theta, in their order."""
    arrays, below = [], network.inputs
    for layer, cell in enumerate(network.cells):
        N, K = cell.units, below
        if kind(cell) == "RNN":
            arrays += [(f"layers/{layer}/U", (N, K)), (f"layers/{layer}/W", (N, N))]
            arrays += [(f"layers/{layer}/b", (N,))]
            if cell.learn_leak:
                arrays += [(f"layers/{layer}/leak_rate", (N,))]
        else:
            G = 4 if kind(cell) == "LSTM" and cell.forget_gate else 3
            arrays += [(f"layers/{layer}/U", (G, N, K)), (f"layers/{layer}/W", (G, N, N))]
            arrays += [(f"layers/{layer}/b", (G, N))]
            if kind(cell) == "GRU" and cell.reset == "after":
                arrays += [(f"layers/{layer}/b_n", (N,))]
        if cell.learn_initial_state:
            arrays += [(f"layers/{layer}/h0", (N,))]
            if kind(cell) == "LSTM":
                arrays += [(f"layers/{layer}/c0", (N,))]
        below = N
    return [
        *arrays,
        ("readout/V", (network.outputs, below)),
        ("readout/c", (network.outputs,)),
    ]


def size(network):
    """The length of theta."""
    return sum(int(np.prod(shape)) for _, shape in layout(network))


def views(network, theta):
    """The arrays by name, in their order; writing into one writes into theta."""
    arrays, at = {}, 0
    for name, shape in layout(network):
        length = int(np.prod(shape))
        arrays[name] = theta[at : at + length].reshape(shape)
        at += length
    assert at == len(theta), f"theta has {len(theta)} numbers, {at} are expected"
    return arrays


def of_layer(arrays, layer):
    """The arrays of one layer by their short names."""
    start = f"layers/{layer}/"
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


# ---- activations


def logistic(a):
    """``1 / (1 + exp(-a))``, never an exponential of a large positive number."""
    e = np.exp(np.where(a.real > 0, -a, a))
    return np.where(a.real > 0, 1 / (1 + e), e / (1 + e))


def activation(name, a):
    """The activation of each number of a."""
    if name == "tanh":
        return np.tanh(a)
    if name == "logistic":
        return logistic(a)
    if name == "relu":
        return np.where(a.real > 0, a, 0 * a)
    assert name == "identity"
    return a


def slope(name, phi):
    """The derivative of the activation, from its value; 0 for a ReLU at or below 0.

    It is also the matching D of structural damping.
    """
    if name == "tanh":
        return 1 - phi * phi
    if name == "logistic":
        return phi * (1 - phi)
    if name == "relu":
        return np.where(phi.real > 0, 1.0, 0.0) + 0 * phi
    assert name == "identity"
    return 1 + 0 * phi


def leak_of(cell, p):
    """The leak rate of each unit (N,)."""
    return p["leak_rate"] if cell.learn_leak else cell.leak_rate * np.ones(cell.units)


# ---- one step of one layer: everything that the step computed, by name
# x (K,), before: the parts before the step, each (N,)
# a: pre-activations (gates, N); D: the derivative of each gate by its pre-activation (gates, N)


def rnn_step(cell, p, x, before):
    """``a = W h- + U x + b``, ``h = (1 - alpha) h- + alpha phi(a)``."""
    (h_,) = before
    alpha = leak_of(cell, p)
    a = p["W"] @ h_ + p["U"] @ x + p["b"]
    phi = activation(cell.activation, a)
    h = (1 - alpha) * h_ + alpha * phi
    D = slope(cell.activation, phi)
    values = {"x": x, "before": before, "a": np.array([a]), "D": np.array([D])}
    return values | {"h": h, "after": (h,), "phi": phi}


def lstm_step(cell, p, x, before):
    """``c = f c- + i g``, ``h = o tanh c``; f = 1 without a forget gate."""
    h_, c_ = before
    a = [p["W"][k] @ h_ + p["U"][k] @ x + p["b"][k] for k in range(len(p["b"]))]
    if cell.forget_gate:
        i, f, o, g = logistic(a[0]), logistic(a[1]), logistic(a[2]), np.tanh(a[3])
        D = [i * (1 - i), f * (1 - f), o * (1 - o), 1 - g * g]
    else:
        i, f, o, g = logistic(a[0]), np.ones(cell.units), logistic(a[1]), np.tanh(a[2])
        D = [i * (1 - i), o * (1 - o), 1 - g * g]
    c = f * c_ + i * g
    tau = np.tanh(c)
    h = o * tau
    values = {"x": x, "before": before, "a": np.array(a), "D": np.array(D)}
    values |= {"h": h, "c": c, "after": (h, c)}
    return values | {"i": i, "f": f, "o": o, "g": g, "tau": tau}


def gru_step(cell, p, x, before):
    """``h = (1 - z) h- + z hc``; the reset gate before or after the matrix product."""
    (h_,) = before
    W, U, b = p["W"], p["U"], p["b"]
    a_z = W[0] @ h_ + U[0] @ x + b[0]
    a_r = W[1] @ h_ + U[1] @ x + b[1]
    z, r = logistic(a_z), logistic(a_r)
    if cell.reset == "before":
        q = r * h_
        a_h = W[2] @ q + U[2] @ x + b[2]
    else:
        assert cell.reset == "after"
        q = W[2] @ h_ + p["b_n"]
        a_h = U[2] @ x + b[2] + r * q
    hc = np.tanh(a_h)
    h = (1 - z) * h_ + z * hc
    a, D = [a_z, a_r, a_h], [z * (1 - z), r * (1 - r), 1 - hc * hc]
    values = {"x": x, "before": before, "a": np.array(a), "D": np.array(D)}
    return values | {"h": h, "after": (h,), "z": z, "r": r, "q": q, "hc": hc}


FORWARD = {"RNN": rnn_step, "LSTM": lstm_step, "GRU": gru_step}


# ---- one step of one layer backward: adds to the arrays of ``bar``, returns what x and the parts
# before the step get. d: derivatives by the parts after the step, each (N,)


def rnn_back(cell, p, bar, now, d):
    (dh,), (h_,) = d, now["before"]
    alpha = leak_of(cell, p)
    da = alpha * now["D"][0] * dh
    bar["W"] += np.outer(da, h_)
    bar["U"] += np.outer(da, now["x"])
    bar["b"] += da
    if cell.learn_leak:
        bar["leak_rate"] += dh * (now["phi"] - h_)
    return p["U"].T @ da, ((1 - alpha) * dh + p["W"].T @ da,)


def lstm_back(cell, p, bar, now, d):
    (dh, dc), (h_, c_) = d, now["before"]
    i, f, o, g, tau = (now[name] for name in ("i", "f", "o", "g", "tau"))
    dc = dc + dh * o * (1 - tau * tau)
    da = [dc * g * i * (1 - i), dc * c_ * f * (1 - f), dh * tau * o * (1 - o), dc * i * (1 - g * g)]
    if not cell.forget_gate:
        del da[1]
    dx, carry_h = 0, 0
    for k in range(len(da)):
        bar["W"][k] += np.outer(da[k], h_)
        bar["U"][k] += np.outer(da[k], now["x"])
        bar["b"][k] += da[k]
        dx = dx + p["U"][k].T @ da[k]
        carry_h = carry_h + p["W"][k].T @ da[k]
    return dx, (carry_h, f * dc)


def gru_back(cell, p, bar, now, d):
    (dh,), (h_,) = d, now["before"]
    z, r, q, hc = (now[name] for name in ("z", "r", "q", "hc"))
    da_h = dh * z * (1 - hc * hc)
    da_z = dh * (hc - h_) * z * (1 - z)
    if cell.reset == "before":
        dq = p["W"][2].T @ da_h
        da_r = dq * h_ * r * (1 - r)
        bar["W"][2] += np.outer(da_h, q)
        carry = (1 - z) * dh + r * dq
    else:
        dq = r * da_h
        da_r = da_h * q * r * (1 - r)
        bar["W"][2] += np.outer(dq, h_)
        bar["b_n"] += dq
        carry = (1 - z) * dh + p["W"][2].T @ dq
    bar["W"][0] += np.outer(da_z, h_)
    bar["W"][1] += np.outer(da_r, h_)
    carry = carry + p["W"][0].T @ da_z + p["W"][1].T @ da_r
    dx = 0
    for k, da in enumerate((da_z, da_r, da_h)):
        bar["U"][k] += np.outer(da, now["x"])
        bar["b"][k] += da
        dx = dx + p["U"][k].T @ da
    return dx, (carry,)


BACKWARD = {"RNN": rnn_back, "LSTM": lstm_back, "GRU": gru_back}
