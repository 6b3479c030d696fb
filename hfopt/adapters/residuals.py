"""Nonlinear least squares from a residual function and its Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from hfopt.adapters.results import Function, refuse_squares, refuse_states, vector, with_batch
from hfopt.gauss_newton import GaussNewton
from hfopt.problem import Gradient, Linearization, Problem, Structural, Tangent
from hfopt.vectors import Vector, dot, quiet

Floats = NDArray[np.floating]


class Jacobian(NamedTuple):
    """Products with a Jacobian (n, P), and its transpose squared entry by entry, if it has entries.

    Attributes
    ----------
    jvp, vjp : callable
        ``jvp(v)`` (n,) of v (P,), ``vjp(u)`` (P,) of u (n,).
    squared : callable or None
        ``squared(u)`` (P,), the sums over residuals of the squared entries times u (n,).
    """

    jvp: Callable[[Vector], Any]
    vjp: Callable[[Vector], Any]
    squared: Callable[[Vector], Any] | None = None


class LeastSquares:
    """1/2 |r(theta)|^2 of residuals r (n,).

    Parameters
    ----------
    residual : callable
        ``residual(theta)`` gives r (n,).
    jacobian : callable
        ``jacobian(theta)`` gives their derivatives (n, P): an array, a SciPy sparse array, or a
        `scipy.sparse.linalg.LinearOperator` with a transpose, as in `scipy.optimize.least_squares`.
        `from_products` takes functions in its place.
    batched : bool
        Whether the functions take the batch as one more argument, the last one.

    Notes
    -----
    A sum, not a mean: divide the residuals by the root of their number if a damping should mean the
    same for any number of them.

    Examples
    --------
    >>> problem = LeastSquares(
    ...     lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
    ...     lambda x: np.array([[-20 * x[0], 10], [-1, 0]]),
    ... )
    >>> hfopt.minimize(problem, [-1.2, 1.0], hfopt.HessianFree(damping=1.0), [None])
    """

    def __init__(self, residual: Function, jacobian: Function, *, batched: bool = False) -> None:
        self._residual = with_batch(residual, batched)
        self._jacobian = with_batch(jacobian, batched)

    @classmethod
    def from_products(
        cls, residual: Function, jvp: Function, vjp: Function, *, batched: bool = False
    ) -> LeastSquares:
        """The same without a matrix.

        Parameters
        ----------
        residual : callable
            As above.
        jvp, vjp : callable
            ``jvp(theta, v)`` gives J v (n,), and ``vjp(theta, u)`` gives J' u (P,).
        batched : bool
            As above.
        """

        def jacobian(theta: Vector, *batch: Any) -> Jacobian:
            return Jacobian(lambda v: jvp(theta, v, *batch), lambda u: vjp(theta, u, *batch))

        return cls(residual, jacobian, batched=batched)

    @quiet
    def value(self, theta: Vector, batch: Any = None) -> float:
        """1/2 |r|^2; infinite or NaN if the residuals are."""
        r = self._residuals(theta, batch)
        return 0.5 * dot(r, r)

    def gradient(self, theta: Vector, batch: Any = None, *, squares: bool = False) -> Gradient:
        """Value and gradient J' r; ``squares`` are those of single residuals, J_ij r_i.

        Raises
        ------
        ValueError
            A function returns something of another shape; ``squares`` are asked for, and the
            Jacobian is given by its products.
        """
        found = self.linearize(theta, batch, squares=squares)
        return Gradient(found.value, found.gradient, found.squares, None)

    def linearize(
        self, theta: Vector, batch: Any = None, *, squares: bool = False
    ) -> ResidualLinearization:
        """Value, gradient and products at theta; raises as `gradient`."""
        r = self._residuals(theta, batch)
        found = self._jacobian(np.array(theta), batch)
        return ResidualLinearization(r, _products(found, r.size, theta.size), theta.size, squares)

    def _residuals(self, theta: Vector, batch: Any) -> Vector:
        return vector("residual", self._residual(theta.copy(), batch))


class ResidualLinearization:
    """A `LeastSquares` at one point; an `hfopt.Linearization` whose outputs are (n, 1)."""

    @quiet
    def __init__(self, residuals: Vector, jacobian: Jacobian, size: int, squares: bool) -> None:
        self.size, self.state = size, None
        self._rows, self._jacobian = residuals.size, jacobian
        self.value = 0.5 * dot(residuals, residuals)
        self.gradient = self.vjp(residuals[:, None])
        self.squares = None
        if squares:
            refuse_squares(jacobian.squared is None, "the Jacobian is given by products alone")
            assert jacobian.squared is not None
            self.squares = vector("jacobian", jacobian.squared(residuals**2), size)

    def jvp(self, v: Vector) -> Tangent:
        """J v as a column (n, 1)."""
        return Tangent(vector("jvp", self._jacobian.jvp(v), self._rows)[:, None], np.zeros(0))

    def vjp(self, outputs: Floats, states: Floats | None = None) -> Vector:
        """J' u for a column u (n, 1)."""
        return vector(
            "vjp", self._jacobian.vjp(outputs[:, 0].astype(np.float64, copy=False)), self.size
        )

    def loss_curvature(self, outputs: Floats) -> Floats:
        """The outputs themselves."""
        return outputs

    def state_curvature(self, states: Floats, structural: Structural) -> Floats:
        """Refuse structural damping: there are no states."""
        refuse_states(structural)
        return states

    def operator(self, damping: float = 0.0, structural: float | Structural = 0.0) -> GaussNewton:
        """J' J plus ``damping`` I."""
        return GaussNewton(self, damping, structural)


def _products(matrix: Any, rows: int, columns: int) -> Jacobian:
    """The products of an array, a sparse array or an operator."""
    if isinstance(matrix, Jacobian):
        return matrix
    if issparse(matrix):
        matrix = csr_array(matrix)
    elif not isinstance(matrix, LinearOperator):
        matrix = _dense(matrix)
    if matrix.shape != (rows, columns):
        raise ValueError(
            f"jacobian must return {rows} residuals by {columns} parameters, got {matrix.shape}"
        )
    if isinstance(matrix, LinearOperator):
        return Jacobian(matrix.matvec, matrix.rmatvec, None)
    return Jacobian(lambda v: matrix @ v, lambda u: matrix.T @ u, lambda u: (matrix**2).T @ u)


def _dense(matrix: Any) -> NDArray[np.float64]:
    found = np.asarray(matrix)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"jacobian must return real numbers, got {found.dtype}")
    return found.astype(np.float64, copy=False)


if TYPE_CHECKING:

    def _as_problem(problem: LeastSquares) -> Problem[Any]:
        """What the type checker must agree to."""
        return problem

    def _as_linearization(linearization: ResidualLinearization) -> Linearization:
        """What the type checker must agree to."""
        return linearization
