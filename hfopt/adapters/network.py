"""A problem from a network of another framework and a matching loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfopt.adapters import states
from hfopt.adapters.results import refuse_squares
from hfopt.adapters.scored import scored
from hfopt.arguments import one_of
from hfopt.gauss_newton import GaussNewton
from hfopt.losses import LOSSES, Loss
from hfopt.problem import Gradient, Linearization, Problem, Structural, Tangent
from hfopt.vectors import Vector, dot, quiet

Floats = NDArray[np.floating]
States = Mapping[str, Floats]


class LinearizedNetwork(Protocol):
    """A network at some parameters and inputs.

    Attributes
    ----------
    outputs : ndarray, shape (..., M)
        Linear outputs.
    states : mapping of str to ndarray
        What structural damping can act on, a vector for each kind of `hfopt.adapters.states.KINDS`;
        empty if there is nothing.
    """

    @property
    def outputs(self) -> Floats:
        """As above."""

    @property
    def states(self) -> States:
        """As above."""

    def jvp(self, v: Vector) -> tuple[Floats, States]:
        """Tangents of outputs and states along v (P,)."""

    def vjp(self, outputs: Floats, states: States) -> Vector:
        """The product of the transposed Jacobian with both, (P,) in float64."""


class DifferentiableNetwork(Protocol):
    """A network in a framework that differentiates it."""

    @property
    def size(self) -> int:
        """The number of parameters P."""

    def theta(self, params: Any = None) -> Vector:
        """The framework's parameters, by default those at first, as one vector (P,)."""

    def params(self, theta: Vector) -> Any:
        """A vector (P,) as the framework's parameters."""

    def prepare(self, inputs: Any) -> Any:
        """Inputs as the framework takes them."""

    def output_shape(self, inputs: Any) -> tuple[int, ...]:
        """The shape of the linear outputs."""

    def outputs(self, theta: Vector, inputs: Any) -> Floats:
        """The linear outputs (..., M)."""

    def linearize(self, theta: Vector, inputs: Any) -> LinearizedNetwork:
        """The network at theta, ready for many products."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs, and what their outputs are compared with; made by `NetworkProblem.batch`.

    Attributes
    ----------
    inputs : Any
        As the framework takes them.
    shape : tuple of int
        Of the linear outputs, (..., M).
    rows : ndarray, shape (n,)
        The numbers of the scored rows among all rows of outputs.
    targets : ndarray, shape (n, M) or, for labels, (n,)
    weights : ndarray, shape (n,)
        Above 0.
    weight : float
        Their sum.
    """

    inputs: Any
    shape: tuple[int, ...]
    rows: NDArray[np.intp]
    targets: NDArray[Any]
    weights: NDArray[np.float64]
    weight: float


class NetworkProblem:
    """A network and a loss that matches its output function.

    Parameters
    ----------
    network : DifferentiableNetwork
        `hfopt.adapters.jax.JaxNetwork`, `hfopt.adapters.torch.TorchNetwork`, or one of your own.
        Its outputs are linear: before the softmax or the logistic function.
    loss : {"squared_error", "logistic_cross_entropy", "softmax_cross_entropy"}

    Notes
    -----
    The value of a batch is the sum of weighted losses of its scored rows over the sum of their
    weights. Value, gradient and curvature of the loss are those of `hfopt.LOSSES`; the framework
    differentiates linear outputs alone.
    """

    def __init__(self, network: DifferentiableNetwork, loss: str = "squared_error") -> None:
        self.network = network
        self.loss: Loss = LOSSES[one_of("loss", loss, LOSSES)]

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self.network.size

    def theta(self, params: Any = None) -> Vector:
        """The framework's parameters, by default those the network came with, as a vector (P,)."""
        return self.network.theta(params)

    def params(self, theta: Vector) -> Any:
        """A vector (P,) as the framework's parameters."""
        return self.network.params(theta)

    def batch(self, inputs: Any, targets: ArrayLike, weights: ArrayLike | None = None) -> Batch:
        """Inputs with their targets.

        Parameters
        ----------
        inputs : Any
            What the network is called with.
        targets : array_like, shape (..., M)
            As the outputs; or (...,) labels of the softmax cross-entropy, or (...,) if M is 1.
        weights : array_like, shape (...,), optional
            How much each row counts, at least 0; 0 is a mask, and its target is not looked at.

        Raises
        ------
        ValueError
            Wrong shapes, targets out of the range of the loss, nothing scored.
        """
        prepared = self.network.prepare(inputs)
        shape = self.network.output_shape(prepared)
        rows, values, given = scored(self.loss, shape, targets, weights)
        return Batch(prepared, shape, rows, values, given, float(given.sum()))

    @quiet
    def value(self, theta: Vector, batch: Batch) -> float:
        """The loss of a batch; infinite or NaN if the outputs are."""
        return self.loss_of(self.rows(self.network.outputs(theta, batch.inputs), batch), batch)

    def gradient(self, theta: Vector, batch: Batch, *, squares: bool = False) -> Gradient:
        """Value and gradient.

        Raises
        ------
        ValueError
            ``squares`` are asked for: which rows belong to one sequence, only the network knows.
        """
        refuse_squares(squares, "a network of another framework gives their sum alone")
        found = self.linearize(theta, batch)
        return Gradient(found.value, found.gradient, None, None)

    def linearize(self, theta: Vector, batch: Batch) -> NetworkProblemLinearization:
        """Value, gradient and products at theta."""
        return NetworkProblemLinearization(
            self, self.network.linearize(theta, batch.inputs), batch, theta.size
        )

    def rows(self, outputs: Floats, batch: Batch) -> Floats:
        """The scored rows (n, M) of outputs."""
        if outputs.shape != batch.shape:
            raise ValueError(
                f"the network gave outputs {outputs.shape}; for this batch it gave {batch.shape}"
            )
        chosen: Floats = outputs.reshape(-1, batch.shape[-1])[batch.rows]
        return chosen

    def loss_of(self, rows: Floats, batch: Batch) -> float:
        """The loss of the scored rows."""
        return dot(self.loss.values(rows, batch.targets), batch.weights) / batch.weight


class NetworkProblemLinearization:
    """A `NetworkProblem` at one point; an `hfopt.Linearization`."""

    @quiet
    def __init__(
        self, problem: NetworkProblem, network: LinearizedNetwork, batch: Batch, size: int
    ) -> None:
        self.size, self.squares, self.state = size, None, None
        self._problem, self._network, self._batch = problem, network, batch
        rows = problem.rows(network.outputs, batch)
        self._mean = problem.loss.mean(rows)
        self._shares = (batch.weights / batch.weight)[:, None]
        self._places = states.Places(network.states)
        self.value = problem.loss_of(rows, batch)
        error = problem.loss.gradient(self._mean, batch.targets) * self._shares
        self.gradient = self.vjp(error)

    def jvp(self, v: Vector) -> Tangent:
        """Tangents of the scored rows (n, M) and of the states (S,)."""
        outputs, found = self._network.jvp(v)
        return Tangent(self._problem.rows(outputs, self._batch), self._places.joined(found))

    def vjp(self, outputs: Floats, states: Floats | None = None) -> Vector:
        """The product of the transposed Jacobian with rows (n, M) and states (S,)."""
        shape = self._batch.shape
        full = np.zeros((int(np.prod(shape[:-1])), shape[-1]), self._mean.dtype)
        full[self._batch.rows] = outputs
        if states is None:
            states = np.zeros(self._places.size, self._mean.dtype)
        return self._network.vjp(full.reshape(shape), self._places.parted(states))

    def loss_curvature(self, outputs: Floats) -> Floats:
        """H_L times rows (n, M), weights and their normalization included."""
        product: Floats = self._problem.loss.curvature(self._mean, outputs) * self._shares
        return product

    def state_curvature(self, states: Floats, structural: Structural) -> Floats:
        """The diagonal curvature of structural damping times states (S,), normalized alike.

        Raises
        ------
        ValueError
            A coefficient belongs to states that the network does not give.
        """
        return self._places.curvature(self._network.states, structural, states) / self._batch.weight

    def operator(self, damping: float = 0.0, structural: float | Structural = 0.0) -> GaussNewton:
        """The damped Gauss-Newton matrix as an operator."""
        return GaussNewton(self, damping, structural)


if TYPE_CHECKING:

    def _as_problem(problem: NetworkProblem) -> Problem[Batch]:
        """What the type checker must agree to."""
        return problem

    def _as_linearization(linearization: NetworkProblemLinearization) -> Linearization:
        """What the type checker must agree to."""
        return linearization
