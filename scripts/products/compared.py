"""Value, gradient and products of one problem from each package, as flat vectors in our order."""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
import torch
from torch.func import functional_call, jvp, vjp

from products import jax_network, torch_network, with_jax, with_torch
from products.job import Job
from products.layout import join, split
from products.ours import build
from products.problem import problem


class Found(NamedTuple):
    """One result."""

    quantity: str  # "value", "gradient", "Gauss-Newton product" or "Hessian product"
    source: str  # the package and its way
    vector: np.ndarray  # (P,), of the value (1,)


def from_ours(job: Job) -> Iterator[Found]:
    """This package."""
    network, batch = build(job)
    given = problem(job)
    gradient = network.gradient(given.theta, batch)
    linearization = network.linearize(given.theta, batch)
    yield Found("value", "ours", np.array([gradient.value]))
    yield Found("gradient", "ours", gradient.gradient)
    v = given.direction
    yield Found("Gauss-Newton product", "ours", linearization.operator().matvec(v))
    yield Found("Hessian product", "ours", linearization.hessian().matvec(v))


def from_jax(job: Job) -> Iterator[Found]:
    """JAX, by every way that the benchmark tries."""
    given = with_jax.arrays(job)
    for name, run in with_jax.gradients(job, given):
        value, gradient = run()
        yield Found("value", f"JAX, {name}", np.array([float(value)]))
        yield Found("gradient", f"JAX, {name}", join(gradient, job))
    for name, run in with_jax.products(job, given):
        yield Found("Gauss-Newton product", f"JAX, {name}", join(run(), job))

    @jax.grad
    def gradient(theta):
        return jax_network.loss(jax_network.outputs(theta, given.inputs, job), given.targets)

    _, product = jax.jvp(gradient, (given.theta,), (given.direction,))
    yield Found("Hessian product", "JAX", join(product, job))


def from_torch(job: Job) -> Iterator[Found]:
    """PyTorch, where it has such a layer: its GRU resets after the matrix product."""
    if job.cell == "gru" and job.reset == "before":
        return
    network, inputs, targets = with_torch.network(job)
    value = torch_network.loss(network(inputs), targets)
    value.backward()
    gradients = {name: part.grad for name, part in network.named_parameters()}
    yield Found("value", "PyTorch", np.array([value.item()]))
    yield Found("gradient", "PyTorch", join(torch_network.parts(gradients, job), job))

    def outputs(theta: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(network, theta, (inputs,))

    theta = {name: part.detach() for name, part in network.named_parameters()}
    v = torch_network.parameters(split(problem(job).direction, job), job)
    _, tangents = jvp(outputs, (theta,), (v,))
    _, adjoint = vjp(outputs, theta)
    (product,) = adjoint(tangents / (job.batch * job.steps))
    yield Found("Gauss-Newton product", "PyTorch", join(torch_network.parts(product, job), job))
