"""Networks in PyTorch, by torch.func."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hfopt.adapters.leaves import Leaves, check_real, imported
from hfopt.adapters.network import DifferentiableNetwork, Floats, LinearizedNetwork, States
from hfopt.adapters.states import KINDS
from hfopt.arguments import one_of
from hfopt.vectors import Vector


class TorchNetwork:
    """A function of named parameters and inputs, for `hfopt.NetworkProblem`.

    Parameters
    ----------
    apply : callable
        ``apply(params, inputs)`` gives linear outputs (..., M), by operations that PyTorch can
        differentiate twice. `of_module` makes one of an ``nn.Module``.
    params : mapping of str to floating tensors
        Names and shapes of the parameters, and where `theta` starts. They are not changed.
    states : bool
        Whether ``apply`` gives ``(outputs, states)`` for structural damping: a dictionary with
        tensors or lists of tensors under any of "tanh" and "logistic" (pre-activations of such
        units), "h" and "c". What is not to be damped is multiplied by 0 there.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    ValueError
        A parameter is not floating.

    Notes
    -----
    Passes are in the types of the parameters and inputs, on their device; theta, gradients and
    products are float64.

    Examples
    --------
    >>> network = TorchNetwork.of_module(module.eval())
    >>> problem = hfopt.NetworkProblem(network, "softmax_cross_entropy")
    >>> batch = problem.batch(x, labels)
    >>> result = hfopt.minimize(problem, problem.theta(), hfopt.HessianFree(), [batch])
    >>> module.load_state_dict(problem.params(result.x), strict=False)
    """

    def __init__(
        self,
        apply: Callable[[dict[str, Any], Any], Any],
        params: Mapping[str, Any],
        *,
        states: bool = False,
    ) -> None:
        self._torch = imported("torch", "TorchNetwork")
        for name, tensor in params.items():
            check_real(name, tensor.dtype, tensor.dtype.is_floating_point)
        self._leaves = Leaves(tuple(params), tuple(tuple(p.shape) for p in params.values()))
        self._like = {name: tensor.detach().clone() for name, tensor in params.items()}
        self._apply, self._gives_states = apply, states

    @classmethod
    def of_module(cls, module: Any, *, states: bool = False) -> TorchNetwork:
        """The network of a module, called with one argument.

        Its buffers, and parameters that require no gradient, count as constants, as they are at
        each call.

        Raises
        ------
        ValueError
            The module is in training mode, where dropout and batch normalization give other
            outputs at each call.
        """
        functional_call = imported("torch.func", "TorchNetwork").functional_call
        if module.training:
            raise ValueError(
                "the module is in training mode, where equal parameters need not give equal "
                "outputs: call its eval() first"
            )
        return cls(
            lambda params, inputs: functional_call(module, params, (inputs,)),
            {name: p for name, p in module.named_parameters() if p.requires_grad},
            states=states,
        )

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self._leaves.size

    def theta(self, params: Mapping[str, Any] | None = None) -> Vector:
        """Parameters, by default those given at first, as a vector (P,); others are ignored.

        Raises
        ------
        ValueError
            A parameter is missing.
        """
        given = self._like if params is None else params
        missing = [name for name in self._leaves.names if name not in given]
        if missing:
            raise ValueError(f"params lack {missing[0]}")
        return self.vector([given[name] for name in self._leaves.names])

    def params(self, theta: Vector) -> dict[str, Any]:
        """A vector (P,) as tensors by name, each of the type that it had."""
        return {
            name: self._torch.tensor(part, dtype=like.dtype, device=like.device)
            for (name, like), part in zip(
                self._like.items(), self._leaves.parted(theta), strict=True
            )
        }

    def vector(self, tensors: Any) -> Vector:
        """Tensors in the order of the parameters as a vector (P,)."""
        return self._leaves.joined([_array(tensor.double()) for tensor in tensors])

    def prepare(self, inputs: Any) -> Any:
        """NumPy arrays as new tensors, floats in the type of the parameters; all else as it is."""
        if not isinstance(inputs, np.ndarray):
            return inputs
        like = next(iter(self._like.values()))
        dtype = like.dtype if inputs.dtype.kind == "f" else None
        return self._torch.tensor(inputs, dtype=dtype, device=like.device)

    def output_shape(self, inputs: Any) -> tuple[int, ...]:
        """The shape of the linear outputs, from a forward pass."""
        shape: tuple[int, ...] = self.outputs(self.theta(), inputs).shape
        return shape

    def outputs(self, theta: Vector, inputs: Any) -> Floats:
        """The linear outputs (..., M)."""
        with self._torch.no_grad():
            outputs: Floats = _array(self.called(self.params(theta), inputs)[0])
        return outputs

    def linearize(self, theta: Vector, inputs: Any) -> TorchLinearization:
        """Outputs and states at theta, and the graphs for products."""
        return TorchLinearization(self, self._torch.func, self.params(theta), inputs)

    def called(self, params: dict[str, Any], inputs: Any) -> tuple[Any, dict[str, Any]]:
        """Outputs of at least float32, and a vector for each kind of states."""
        found = self._apply(params, inputs)
        if not self._gives_states:
            return self._outputs(found), {}
        if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)):
            raise ValueError("the network must give (outputs, states), states a dictionary by kind")
        states = {}
        for kind, given in found[1].items():
            one_of("kind of states", kind, KINDS)
            tensors = given if isinstance(given, list | tuple) else [given]
            states[kind] = self._wide(self._torch.cat([tensor.reshape(-1) for tensor in tensors]))
        return self._outputs(found[0]), states

    def _outputs(self, found: Any) -> Any:
        if not isinstance(found, self._torch.Tensor) or found.ndim < 2:
            tensor = isinstance(found, self._torch.Tensor)
            what = f"shape {tuple(found.shape)}" if tensor else type(found).__name__
            raise ValueError(f"the network must give outputs (..., M) as one tensor, got {what}")
        if not found.dtype.is_floating_point:
            raise ValueError(f"the network must give floating outputs, got {found.dtype}")
        return self._wide(found)

    def _wide(self, tensor: Any) -> Any:
        return tensor.to(self._torch.promote_types(tensor.dtype, self._torch.float32))


class TorchLinearization:
    """A `TorchNetwork` at one point.

    The product with the Jacobian is the derivative of the product with its transpose, which is
    linear in its argument: unlike forward mode it works for every layer (oneDNN's LSTM has no
    forward mode), and the pass over the network is not done again.
    """

    def __init__(self, network: TorchNetwork, func: Any, params: Any, inputs: Any) -> None:
        self._network = network
        found, self._pull = func.vjp(lambda p: network.called(p, inputs), params)
        self._like = found  # outputs, and states by kind
        self.outputs: Floats = _array(found[0])
        self.states: States = {kind: _array(part) for kind, part in found[1].items()}
        zero = (
            found[0].new_zeros(found[0].shape),
            {k: s.new_zeros(s.shape) for k, s in found[1].items()},
        )
        _, self._push = func.vjp(
            lambda u: func.vjp(lambda p: network.called(p, inputs), params)[1](u)[0], zero
        )

    def jvp(self, v: Vector) -> tuple[Floats, States]:
        """Tangents of outputs and states."""
        outputs, states = self._push(self._network.params(v))[0]
        return _array(outputs), {kind: _array(part) for kind, part in states.items()}

    def vjp(self, outputs: Floats, states: States) -> Vector:
        """The product of the transposed Jacobian with both."""
        like, like_states = self._like
        given = (
            like.new_tensor(outputs),
            {kind: like_states[kind].new_tensor(part) for kind, part in states.items()},
        )
        return self._network.vector(self._pull(given)[0].values())


def _array(tensor: Any) -> Any:
    """A tensor as a NumPy array."""
    return tensor.detach().cpu().numpy()


if TYPE_CHECKING:

    def _as_network(network: TorchNetwork) -> DifferentiableNetwork:
        """What the type checker must agree to."""
        return network

    def _as_linearization(linearization: TorchLinearization) -> LinearizedNetwork:
        """What the type checker must agree to."""
        return linearization
