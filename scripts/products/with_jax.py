"""JAX at work: several ways to the same result, of which the fastest is measured.

The ways to a Gauss-Newton product: tangents and adjoints with the forward pass in one compiled
function; or compiled functions that are given what `jax.linearize` (and `jax.vjp`) kept of a
forward pass, which is not counted. Each with a scan as it is and one unrolled fourfold.
"""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from products.jax_network import Parts, loss, outputs
from products.job import Job
from products.layout import split
from products.problem import problem

jax.config.update("jax_enable_x64", True)

UNROLL = (1, 4)
TRIALS = 3


class Arrays(NamedTuple):
    """The problem on JAX's side, time-major."""

    theta: Parts
    direction: Parts
    inputs: jax.Array  # (T, B, K)
    targets: jax.Array  # (T, B, M)


Way = tuple[str, Callable[[], Any]]


def arrays(job: Job) -> Arrays:
    """The problem of a job."""
    given = problem(job)
    convert = functools.partial(jnp.asarray, dtype=job.dtype)
    return Arrays(
        jax.tree.map(convert, split(given.theta, job)),
        jax.tree.map(convert, split(given.direction, job)),
        convert(given.inputs.swapaxes(0, 1)),
        convert(given.targets.swapaxes(0, 1)),
    )


def gradients(job: Job, given: Arrays) -> Iterator[Way]:
    """Functions that return the value and its gradient."""
    for unroll in UNROLL:

        def value(theta: Parts, inputs: jax.Array, targets: jax.Array, unroll: int = unroll):
            return loss(outputs(theta, inputs, job, unroll), targets)

        gradient = jax.jit(jax.value_and_grad(value))
        run = functools.partial(gradient, given.theta, given.inputs, given.targets)
        yield f"unroll {unroll}", run


def products(job: Job, given: Arrays) -> Iterator[Way]:
    """Functions that return the Gauss-Newton product with the direction."""
    scored = job.batch * job.steps
    theta, v, inputs = given.theta, given.direction, given.inputs

    @jax.jit
    def transposed(linear, v):
        return jax.linear_transpose(linear, v)(linear(v) / scored)[0]

    @jax.jit
    def pulled(linear, adjoint, v):
        return adjoint(linear(v) / scored)[0]

    for unroll in UNROLL:

        def network(inputs: jax.Array, unroll: int = unroll) -> Callable[[Parts], jax.Array]:
            return lambda theta: outputs(theta, inputs, job, unroll)

        @jax.jit
        def together(theta, v, inputs, network=network):
            _, tangents = jax.jvp(network(inputs), (theta,), (v,))
            _, adjoint = jax.vjp(network(inputs), theta)
            return adjoint(tangents / scored)[0]

        yield f"together, unroll {unroll}", functools.partial(together, theta, v, inputs)

        keep = jax.jit(lambda theta, inputs, f=network: jax.linearize(f(inputs), theta)[1])
        linear = keep(theta, inputs)
        yield f"linearize, unroll {unroll}", functools.partial(transposed, linear, v)

        keep = jax.jit(lambda theta, inputs, f=network: jax.vjp(f(inputs), theta)[1])
        adjoint = keep(theta, inputs)
        yield f"linearize and vjp, unroll {unroll}", functools.partial(pulled, linear, adjoint, v)


def prepare(job: Job) -> tuple[Callable[[], Any], str]:
    """A function that does the work of the job once, and which of the ways it goes."""
    ways = {"gradient": gradients, "product": products}[job.work](job, arrays(job))
    _, name, fastest = min((_least(run), name, run) for name, run in ways)
    return lambda: jax.block_until_ready(fastest()), name


def _least(run: Callable[[], Any]) -> float:
    """Seconds of the fastest of several runs; the first one compiles."""
    seconds = []
    for _ in range(1 + TRIALS):
        started = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])
