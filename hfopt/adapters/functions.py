"""A problem from plain functions: value and gradient, and a curvature product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hfopt.adapters.results import (
    Function,
    number,
    refuse_squares,
    refuse_states,
    vector,
    with_batch,
)
from hfopt.gauss_newton import GaussNewton
from hfopt.problem import Gradient, Linearization, Problem, Structural, Tangent
from hfopt.vectors import Vector, norm

Floats = NDArray[np.floating]


class FunctionProblem:
    """A problem from plain functions of theta (P,).

    Parameters
    ----------
    value_and_gradient : callable
        ``value_and_gradient(theta)`` gives the objective and its gradient (P,).
    product : callable, optional
        ``product(theta, v)`` gives the product (P,) of a curvature matrix with v (P,): best one
        that is never indefinite, as that of Gauss and Newton; `difference_product` makes one of
        gradients. First-order optimizers need none.
    value : callable, optional
        ``value(theta)``, if it is cheaper alone.
    batched : bool
        Whether the functions take the batch as one more argument, the last one.

    Examples
    --------
    >>> A = np.diag([1.0, 10.0])
    >>> problem = FunctionProblem(lambda x: (x @ A @ x / 2, A @ x), lambda x, v: A @ v)
    >>> hfopt.minimize(problem, [1.0, 1.0], hfopt.HessianFree(), [None], max_steps=20)
    """

    def __init__(
        self,
        value_and_gradient: Function,
        product: Function | None = None,
        *,
        value: Function | None = None,
        batched: bool = False,
    ) -> None:
        self._both = with_batch(value_and_gradient, batched)
        self._product = None if product is None else with_batch(product, batched)
        self._value = None if value is None else with_batch(value, batched)

    def value(self, theta: Vector, batch: Any = None) -> float:
        """The objective at theta."""
        if self._value is not None:
            return number("value", self._value(theta.copy(), batch))
        return self.gradient(theta, batch).value

    def gradient(self, theta: Vector, batch: Any = None, *, squares: bool = False) -> Gradient:
        """Value and gradient at theta.

        Raises
        ------
        ValueError
            A function returns something else than it should; ``squares`` are asked for.
        """
        refuse_squares(squares, "value_and_gradient gives their sum alone")
        found = self._both(theta.copy(), batch)  # what a function does to it stays its own
        if not (isinstance(found, tuple) and len(found) == 2):
            raise ValueError("value_and_gradient must return a pair, the value and the gradient")
        value = number("the value of value_and_gradient", found[0])
        gradient = vector("the gradient of value_and_gradient", found[1], theta.size)
        return Gradient(value, gradient, None, None)

    def linearize(self, theta: Vector, batch: Any = None) -> FunctionLinearization:
        """Value, gradient and curvature products at theta.

        Raises
        ------
        ValueError
            As `gradient`, or no product was given.
        """
        if self._product is None:
            raise ValueError(
                "this optimizer needs curvature products: give FunctionProblem a product "
                "(difference_product makes one of gradients)"
            )
        return FunctionLinearization(
            self.gradient(theta, batch), np.array(theta), batch, self._product
        )


class FunctionLinearization:
    """A `FunctionProblem` at one point; an `hfopt.Linearization`.

    Its outputs are the parameters, one row (1, P): the Jacobian is the identity, and the curvature
    of the loss is the product that was given.
    """

    def __init__(self, found: Gradient, theta: Vector, batch: Any, product: Function) -> None:
        self.value, self.gradient, self.squares, self.state = found
        self.size = theta.size
        self._theta, self._batch, self._product = theta, batch, product

    def jvp(self, v: Vector) -> Tangent:
        """The direction itself, as a row."""
        return Tangent(v[None], np.zeros(0))

    def vjp(self, outputs: Floats, states: Floats | None = None) -> Vector:
        """The row itself."""
        row: Vector = outputs[0].astype(np.float64, copy=False)
        return row

    def loss_curvature(self, outputs: Floats) -> Floats:
        """The curvature product with the row (1, P)."""
        product = self._product(self._theta, outputs[0], self._batch)
        return vector("product", product, self.size)[None]

    def state_curvature(self, states: Floats, structural: Structural) -> Floats:
        """Refuse structural damping: there are no states."""
        refuse_states(structural)
        return states

    def operator(self, damping: float = 0.0, structural: float | Structural = 0.0) -> GaussNewton:
        """The curvature matrix plus ``damping`` I."""
        return GaussNewton(self, damping, structural)


def difference_product(value_and_gradient: Function, *, relative_step: float = 1e-5) -> Function:
    """Products with the Hessian by central differences of gradients.

    Parameters
    ----------
    value_and_gradient : callable
        As in `FunctionProblem`; the batch, if it takes one, is handed on.
    relative_step : float
        Length of a step, relative to 1 + |theta|. The error of a product is about its square, and
        that of the gradient over it.

    Returns
    -------
    callable
        ``product(theta, v)`` or ``product(theta, v, batch)``: two gradients each.

    Notes
    -----
    The Hessian may be indefinite where that of Gauss and Newton is not: conjugate gradients then
    end early, and the damping has to make up for it. Nocedal and Wright (2006), section 8.1.
    """

    def product(theta: Vector, v: Vector, *batch: Any) -> Vector:
        length = norm(v)
        if length == 0.0:
            return np.zeros(theta.size)
        step = relative_step * (1.0 + norm(theta)) / length
        name = "the gradient of value_and_gradient"
        ahead, behind = (
            vector(name, value_and_gradient(theta + sign * step * v, *batch)[1], theta.size)
            for sign in (1.0, -1.0)
        )
        return (ahead - behind) / (2.0 * step)

    return product


if TYPE_CHECKING:

    def _as_problem(problem: FunctionProblem) -> Problem[Any]:
        """What the type checker must agree to."""
        return problem

    def _as_linearization(linearization: FunctionLinearization) -> Linearization:
        """What the type checker must agree to."""
        return linearization
