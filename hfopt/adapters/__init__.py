"""Problems from functions and models of other packages, for `hfopt.minimize`.

`FunctionProblem` is made of a value, a gradient and a curvature product; `LeastSquares` of
residuals and their Jacobian; `NetworkProblem` of a network in another framework and a matching
loss, where `hfopt.adapters.jax.JaxNetwork` and `hfopt.adapters.torch.TorchNetwork` are networks.
JAX and PyTorch are imported when such a network is made, not before.
"""

from hfopt.adapters.functions import FunctionProblem, difference_product
from hfopt.adapters.network import Batch, DifferentiableNetwork, LinearizedNetwork, NetworkProblem
from hfopt.adapters.residuals import LeastSquares

__all__ = [
    "Batch",
    "DifferentiableNetwork",
    "FunctionProblem",
    "LeastSquares",
    "LinearizedNetwork",
    "NetworkProblem",
    "difference_product",
]
