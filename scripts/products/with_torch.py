"""PyTorch at work: its own layers on the processor, forward and backward, on all cores."""

import os
from collections.abc import Callable
from typing import Any

import torch

from products.job import Job
from products.layout import split
from products.problem import problem
from products.torch_network import Network, loss, parameters

torch.set_num_threads(len(os.sched_getaffinity(0)))


def network(job: Job) -> tuple[Network, torch.Tensor, torch.Tensor]:
    """The network with the weights of the job, inputs (T, B, K) and targets (T, B, M)."""
    given = problem(job)
    built = Network(job)
    built.load_state_dict(parameters(split(given.theta, job), job))
    dtype = getattr(torch, job.dtype)
    inputs, targets = (
        torch.as_tensor(array.swapaxes(0, 1).copy(), dtype=dtype)
        for array in (given.inputs, given.targets)
    )
    return built, inputs, targets


def prepare(job: Job) -> tuple[Callable[[], Any], str]:
    """A function that does the work of the job once; there is one way."""
    if job.work != "gradient" or (job.cell == "gru" and job.reset == "before"):
        raise ValueError(f"not made of PyTorch's own layers: {job}")
    built, inputs, targets = network(job)

    def gradient() -> torch.Tensor:
        built.zero_grad()
        value = loss(built(inputs), targets)
        value.backward()
        return value

    return gradient, ""
