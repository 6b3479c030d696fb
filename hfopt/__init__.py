"""Optimizers for recurrent networks and other problems with curvature products.

What is here: what an optimizer asks of a problem (`Problem`, `Linearization`), the Gauss-Newton
product with Tikhonov and structural damping composed from a linearization (`GaussNewton`), and
the losses with matching output functions (`LOSSES`). The optimizers themselves, Hessian-free and
first-order, are not in this release.
"""

from hfopt.gauss_newton import GaussNewton
from hfopt.losses import (
    LOSSES,
    LogisticCrossEntropy,
    Loss,
    SoftmaxCrossEntropy,
    SquaredError,
)
from hfopt.problem import Gradient, Linearization, Problem, Structural, Tangent, as_structural

__all__ = [
    "LOSSES",
    "GaussNewton",
    "Gradient",
    "Linearization",
    "LogisticCrossEntropy",
    "Loss",
    "Problem",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "Structural",
    "Tangent",
    "as_structural",
]
