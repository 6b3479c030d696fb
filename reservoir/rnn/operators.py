"""Gauss-Newton matrix and Hessian of a linearized network, as SciPy's operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt.problem import Structural, as_structural
from reservoir.rnn.parameters import Flat
from reservoir.weights.arguments import nonnegative

if TYPE_CHECKING:
    from reservoir.rnn.linearization import NetworkLinearization


def _vector(v: NDArray[Any], what: str) -> Flat:
    if np.iscomplexobj(v):
        raise ValueError(f"the vector of a {what} product must be real; it is {v.dtype}")
    return np.asarray(v, dtype=np.float64).reshape(-1)


class NetworkGaussNewton(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    """The fused product; what it computes is `hfopt.gauss_newton.GaussNewton`."""

    def __init__(
        self, linearization: NetworkLinearization, damping: float, structural: float | Structural
    ) -> None:
        self.linearization = linearization
        self.damping = nonnegative("damping", damping)
        self.structural = as_structural(structural)
        super().__init__(np.dtype(np.float64), (linearization.size, linearization.size))

    def _matvec(self, v: NDArray[Any]) -> Flat:
        vector = _vector(v, "Gauss-Newton")
        return self.linearization.product(vector, self.damping, self.structural)

    def _adjoint(self) -> NetworkGaussNewton:
        return self

    def _transpose(self) -> NetworkGaussNewton:
        return self


class NetworkHessian(LinearOperator):  # type: ignore[misc]
    """Products with the exact Hessian of the loss."""

    def __init__(self, linearization: NetworkLinearization, damping: float) -> None:
        self.linearization = linearization
        self.damping = nonnegative("damping", damping)
        super().__init__(np.dtype(np.float64), (linearization.size, linearization.size))

    def _matvec(self, v: NDArray[Any]) -> Flat:
        return self.linearization.hessian_product(_vector(v, "Hessian"), self.damping)

    def _adjoint(self) -> NetworkHessian:
        return self

    def _transpose(self) -> NetworkHessian:
        return self
