"""The Gauss-Newton product with Tikhonov and structural damping, composed for any problem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt.arguments import nonnegative
from hfopt.problem import Linearization, Structural, as_structural


class GaussNewton(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    """J_o' H_L J_o + J_s' D J_s + damping I, one product at a time.

    Parameters
    ----------
    linearization : Linearization
        The problem at one point. J_o is the Jacobian of its linear outputs and H_L its
        ``loss_curvature``; J_s is the Jacobian of its states and D its ``state_curvature``.
    damping : float
        Tikhonov damping lambda.
    structural : float or Structural
        Coefficients of structural damping, lambda * mu; a float acts on the pre-activations.
        Where all are 0, the problem is not asked for the curvature of its states.

    Raises
    ------
    ValueError
        A damping is not a finite number of at least 0; a product is asked with a complex vector
        or one of another length.

    Notes
    -----
    The matrix is symmetric, and positive semi-definite for a convex loss. Float64 whatever the
    problem computes in. Schraudolph (2002), "Fast curvature matrix-vector products for
    second-order gradient descent", Neural Computation 14:1723; structural damping: Martens and
    Sutskever (2011), "Learning recurrent neural networks with Hessian-free optimization", ICML.
    """

    def __init__(
        self,
        linearization: Linearization,
        damping: float = 0.0,
        structural: float | Structural = 0.0,
    ) -> None:
        self.linearization = linearization
        self.damping = nonnegative("damping", damping)
        self.structural = as_structural(structural)
        super().__init__(np.dtype(np.float64), (linearization.size, linearization.size))

    def _matvec(self, v: NDArray[np.floating]) -> NDArray[np.float64]:
        if np.iscomplexobj(v):
            raise ValueError(f"the vector of a Gauss-Newton product must be real; it is {v.dtype}")
        direction = np.asarray(v, dtype=np.float64).reshape(-1)  # (P,) of (P,) or (P, 1)
        problem = self.linearization
        tangent = problem.jvp(direction)
        outputs = problem.loss_curvature(tangent.outputs)
        if any(self.structural):
            states = problem.state_curvature(tangent.states, self.structural)
            product = problem.vjp(outputs, states)
        else:
            product = problem.vjp(outputs)
        if self.damping == 0.0:
            # a copy: the problem may use its array again for the next product
            return np.array(product, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is the caller's
            return product + self.damping * direction

    def _adjoint(self) -> GaussNewton:
        return self

    def _transpose(self) -> GaussNewton:
        return self
