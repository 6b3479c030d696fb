"""This package at work, through its public names."""

from collections.abc import Callable
from typing import Any

from products.job import Job
from products.problem import problem
from reservoir.rnn import GRU, LSTM, RNN, Network

STRUCTURAL = 0.01  # the coefficient, where structural damping is on


def build(job: Job) -> tuple[Network, Any]:
    """The network of a job and its batch."""
    cells = {
        "rnn": lambda: RNN(job.units),
        "lstm": lambda: LSTM(job.units),
        "gru": lambda: GRU(job.units, reset=job.reset),
    }
    network = Network(cells[job.cell](), job.inputs, job.outputs, dtype=job.dtype)
    given = problem(job)
    return network, network.batch(given.inputs, given.targets)


def product(network: Network, batch: Any, job: Job) -> Callable[[], Any]:
    """The Gauss-Newton product of a linearization that is made here, once."""
    given = problem(job)
    linearization = network.linearize(given.theta, batch)
    operator = linearization.operator(structural=STRUCTURAL if job.structural else 0.0)
    return lambda: operator.matvec(given.direction)


def prepare(job: Job) -> tuple[Callable[[], Any], str]:
    """A function that does the work of the job once; there is one way."""
    network, batch = build(job)
    if job.work == "product":
        return product(network, batch, job), ""
    theta = problem(job).theta
    return lambda: network.gradient(theta, batch), ""
