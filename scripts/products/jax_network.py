"""The networks in JAX, written the way that is fastest there.

The input is multiplied by U within the scan (few inputs: reading the product back from memory costs
more), the gates by one matrix, the readout after the scan.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from products.job import Job

Parts = dict[str, jax.Array]
Step = Callable[[tuple[jax.Array, ...], jax.Array], tuple[tuple[jax.Array, ...], jax.Array]]


def outputs(parts: Parts, inputs: jax.Array, job: Job, unroll: int = 1) -> jax.Array:
    """Linear outputs (T, B, M) for inputs (T, B, K), from the zero state."""
    zero = jnp.zeros((inputs.shape[1], job.units), inputs.dtype)
    start = (zero, zero) if job.cell == "lstm" else (zero,)
    step = {"rnn": _rnn, "lstm": _lstm, "gru": _gru_after if job.reset == "after" else _gru_before}
    _, h = jax.lax.scan(step[job.cell](parts), start, inputs, unroll=unroll)  # h: (T, B, N)
    return h @ parts["V"].T + parts["c"]


def loss(found: jax.Array, targets: jax.Array) -> jax.Array:
    """Half the squared error, averaged over sequences and steps."""
    return 0.5 * jnp.sum((found - targets) ** 2) / (targets.shape[0] * targets.shape[1])


def _rnn(p: Parts) -> Step:
    U, W, b = p["U"].T, p["W"].T, p["b"]

    def step(state, u):
        h = jnp.tanh(u @ U + b + state[0] @ W)
        return (h,), h

    return step


def _lstm(p: Parts) -> Step:
    U, W, b = _stacked(p["U"]).T, _stacked(p["W"]).T, p["b"].reshape(-1)

    def step(state, u):
        h, c = state
        i, f, o, g = jnp.split(u @ U + b + h @ W, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return step


def _gru_before(p: Parts) -> Step:
    U, b = _stacked(p["U"]).T, p["b"].reshape(-1)
    W_gates, W_candidate = _stacked(p["W"][:2]).T, p["W"][2].T

    def step(state, u):
        (h,) = state
        a_z, a_r, a_h = jnp.split(u @ U + b, 3, axis=-1)
        q_z, q_r = jnp.split(h @ W_gates, 2, axis=-1)
        z, r = jax.nn.sigmoid(a_z + q_z), jax.nn.sigmoid(a_r + q_r)
        h = (1 - z) * h + z * jnp.tanh(a_h + (r * h) @ W_candidate)
        return (h,), h

    return step


def _gru_after(p: Parts) -> Step:
    U, W, b, b_n = _stacked(p["U"]).T, _stacked(p["W"]).T, p["b"].reshape(-1), p["b_n"]

    def step(state, u):
        (h,) = state
        a_z, a_r, a_h = jnp.split(u @ U + b, 3, axis=-1)
        q_z, q_r, q = jnp.split(h @ W, 3, axis=-1)
        z, r = jax.nn.sigmoid(a_z + q_z), jax.nn.sigmoid(a_r + q_r)
        h = (1 - z) * h + z * jnp.tanh(a_h + r * (q + b_n))
        return (h,), h

    return step


def _stacked(gates: jax.Array) -> jax.Array:
    """(G, N, K) as (G N, K)."""
    return gates.reshape(-1, gates.shape[-1])
