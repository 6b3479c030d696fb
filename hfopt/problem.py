"""What an optimizer needs of a problem: a value, a gradient, and a linearization.

An optimizer knows the parameters as one flat vector theta (P,) of float64 and a batch as a thing
to hand on. Whatever a problem carries from one batch to the next (the last hidden state of a
network, say) comes out as ``state``, and the caller puts it into the next batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt.arguments import nonnegative

Batch = TypeVar("Batch", contravariant=True)


class Gradient(NamedTuple):
    """Value and gradient of the objective on one batch.

    Attributes
    ----------
    value : float
        The objective.
    gradient : ndarray, shape (P,), float64
    squares : ndarray, shape (P,), float64, or None
        The sum over sequences of the squared gradients of the sequences, an empirical Fisher
        diagonal; None if it was not asked for.
    state : Any
        The final state of the batch, None if the problem has none.
    """

    value: float
    gradient: NDArray[np.float64]
    squares: NDArray[np.float64] | None
    state: Any


class Tangent(NamedTuple):
    """Directional derivatives along one direction of the parameters, R(.) of Pearlmutter (1994).

    Attributes
    ----------
    outputs : ndarray, shape (n, M)
        Of the linear outputs, a row for each scored output.
    states : ndarray, shape (S,)
        Of every quantity that structural damping can act on, in an order of the problem's own.
        Empty if there is none.
    """

    outputs: NDArray[np.floating]
    states: NDArray[np.floating]


class Structural(NamedTuple):
    """Coefficients of structural damping, lambda * mu already multiplied.

    Attributes
    ----------
    preactivations : float
        On what goes into the nonlinearities, those of gates included.
    h : float
        On the hidden states.
    c : float
        On the cell states of an LSTM.
    """

    preactivations: float = 0.0
    h: float = 0.0
    c: float = 0.0


def as_structural(structural: float | Structural) -> Structural:
    """Return structural damping as a checked `Structural`.

    Parameters
    ----------
    structural : float or Structural
        A float is the coefficient on the pre-activations.

    Returns
    -------
    Structural
        Three floats.

    Raises
    ------
    ValueError
        A coefficient is not a finite number of at least 0, or ``structural`` is neither of the
        two types (a bare tuple would not say which coefficient is which).
    """
    if not isinstance(structural, Structural):
        return Structural(preactivations=nonnegative("structural", structural))
    return Structural(
        *(nonnegative(f"structural.{name}", value) for name, value in structural._asdict().items())
    )


class Linearization(Protocol):
    """A problem at one point: value, gradient, and the two products with its Jacobians.

    The Jacobian J (n M + S, P) is that of the linear outputs (n, M) and of the states (S,) with
    respect to theta. Nothing here changes when the problem is evaluated elsewhere. Arrays that
    come out may be overwritten by the next call; arrays that go in are not changed.
    """

    @property
    def value(self) -> float:
        """The objective at this point."""

    @property
    def gradient(self) -> NDArray[np.float64]:
        """The gradient at this point, shape (P,)."""

    @property
    def squares(self) -> NDArray[np.float64] | None:
        """As `Gradient.squares`."""

    @property
    def state(self) -> Any:
        """As `Gradient.state`."""

    @property
    def size(self) -> int:
        """The number of parameters P."""

    def jvp(self, v: NDArray[np.float64]) -> Tangent:
        """The product J v with a direction v (P,)."""

    def vjp(
        self, outputs: NDArray[np.floating], states: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """The product J' (outputs, states), shape (P,).

        ``outputs`` is (n, M) and ``states`` is (S,); None stands for zeros and saves their work.
        """

    def loss_curvature(self, outputs: NDArray[np.floating]) -> NDArray[np.floating]:
        """The product of H_L with tangents of the outputs (n, M), of the same shape.

        H_L is the second derivative of the objective with respect to the linear outputs: weights
        of the rows and the division by their sum are included.
        """

    def state_curvature(
        self, states: NDArray[np.floating], structural: Structural
    ) -> NDArray[np.floating]:
        """The product of the diagonal curvature of structural damping with tangents (S,).

        It is normalised as `loss_curvature` is and at least 0 everywhere.
        """

    def operator(
        self, damping: float = 0.0, structural: float | Structural = 0.0
    ) -> LinearOperator:
        """The damped Gauss-Newton matrix (P, P) as an operator.

        `hfopt.gauss_newton.GaussNewton` composes it from the products above; a problem with a
        faster way takes that one.
        """


class Problem(Protocol[Batch]):
    """An objective over flat parameters theta (P,), float64, evaluated on batches."""

    def value(self, theta: NDArray[np.float64], batch: Batch) -> float:
        """The objective at theta."""

    def gradient(
        self, theta: NDArray[np.float64], batch: Batch, *, squares: bool = False
    ) -> Gradient:
        """Value and gradient at theta; with ``squares`` also the summed squares of sequences."""

    def linearize(self, theta: NDArray[np.float64], batch: Batch) -> Linearization:
        """The problem at theta, ready for many products."""
