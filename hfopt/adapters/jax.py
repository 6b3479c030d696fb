"""Networks in JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hfopt.adapters.leaves import Leaves, check_real, imported
from hfopt.adapters.network import DifferentiableNetwork, Floats, LinearizedNetwork, States
from hfopt.adapters.states import KINDS
from hfopt.arguments import one_of
from hfopt.vectors import Vector


class JaxNetwork:
    """A function of parameters and inputs, for `hfopt.NetworkProblem`.

    Parameters
    ----------
    apply : callable
        ``apply(params, inputs)`` gives linear outputs (..., M). It is compiled once for each shape
        of inputs.
    params : pytree of floating arrays
        Names and shapes of the parameters, and where `theta` starts.
    states : bool
        Whether ``apply`` gives ``(outputs, states)`` for structural damping: a dictionary with
        pytrees of arrays under any of "tanh" and "logistic" (pre-activations of such units), "h"
        and "c". What is not to be damped, steps after the end of a sequence say, is multiplied by 0
        there.

    Raises
    ------
    ImportError
        JAX is not installed.
    ValueError
        A parameter is not floating.

    Notes
    -----
    Passes are in the types of the parameters and inputs (float64 needs JAX's own switch,
    ``jax_enable_x64``); theta, gradients and products are float64.

    Examples
    --------
    >>> def apply(params, x):
    ...     return jnp.tanh(x @ params["W"] + params["b"]) @ params["V"]
    >>> problem = hfopt.NetworkProblem(JaxNetwork(apply, params), "softmax_cross_entropy")
    >>> batch = problem.batch(x, labels)
    >>> result = hfopt.minimize(problem, problem.theta(), hfopt.HessianFree(), [batch])
    >>> params = problem.params(result.x)
    """

    def __init__(
        self, apply: Callable[[Any, Any], Any], params: Any, *, states: bool = False
    ) -> None:
        jax = self._jax = imported("jax", "JaxNetwork")
        named, self._tree = jax.tree_util.tree_flatten_with_path(params)
        arrays = [jax.numpy.asarray(leaf) for _, leaf in named]
        names = tuple(jax.tree_util.keystr(path) for path, _ in named)
        for name, array in zip(names, arrays, strict=True):
            check_real(name, array.dtype, jax.numpy.issubdtype(array.dtype, jax.numpy.floating))
        self._leaves = Leaves(names, tuple(array.shape for array in arrays))
        self._types = [array.dtype for array in arrays]
        self._start = self._leaves.joined([np.asarray(array) for array in arrays])
        self._apply, self._gives_states = apply, states

        shapes = self._tree.unflatten([jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays])
        self._run = jax.jit(self._called)
        self.linear = jax.jit(
            lambda params, inputs: jax.linearize(lambda p: self._called(p, inputs), params)
        )
        self.push = jax.jit(lambda linear, v: linear(v))
        self.pull = jax.jit(lambda linear, u: jax.linear_transpose(linear, shapes)(u)[0])

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self._leaves.size

    def theta(self, params: Any = None) -> Vector:
        """Parameters, by default those given at first, as a vector (P,).

        Raises
        ------
        ValueError
            ``params`` have another structure.
        """
        if params is None:
            return self._start.copy()
        leaves, tree = self._jax.tree_util.tree_flatten(params)
        if tree != self._tree:
            raise ValueError(f"params must have the structure {self._tree}, got {tree}")
        return self._leaves.joined([np.asarray(leaf) for leaf in leaves])

    def params(self, theta: Vector) -> Any:
        """A vector (P,) as a pytree of JAX arrays, each of the type that it had."""
        with np.errstate(over="ignore"):  # float32 may have no number for it: infinity
            leaves = [
                self._jax.numpy.asarray(part.astype(dtype))
                for part, dtype in zip(self._leaves.parted(theta), self._types, strict=True)
            ]
        return self._tree.unflatten(leaves)

    def vector(self, params: Any) -> Vector:
        """A gradient in the form of the parameters as a vector (P,)."""
        return self._leaves.joined([np.asarray(a) for a in self._tree.flatten_up_to(params)])

    def prepare(self, inputs: Any) -> Any:
        """Copies of inputs as JAX arrays, which could otherwise share memory with NumPy's."""
        return self._jax.tree_util.tree_map(self._jax.numpy.array, inputs)

    def output_shape(self, inputs: Any) -> tuple[int, ...]:
        """The shape of the linear outputs; nothing is computed."""
        outputs, _ = self._jax.eval_shape(self._called, self.params(self._start), inputs)
        shape: tuple[int, ...] = outputs.shape
        return shape

    def outputs(self, theta: Vector, inputs: Any) -> Floats:
        """The linear outputs (..., M)."""
        outputs, _ = self._run(self.params(theta), inputs)
        return np.asarray(outputs)

    def linearize(self, theta: Vector, inputs: Any) -> JaxLinearization:
        """Outputs and states at theta, and what `jax.linearize` keeps for products."""
        (outputs, states), linear = self.linear(self.params(theta), inputs)
        return JaxLinearization(self, outputs, states, linear)

    def _called(self, params: Any, inputs: Any) -> tuple[Any, dict[str, Any]]:
        """Outputs of at least float32, and a vector for each kind of states."""
        jnp = self._jax.numpy
        found = self._apply(params, inputs)
        if not self._gives_states:
            return self._outputs(found), {}
        if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)):
            raise ValueError("apply must give (outputs, states), states a dictionary by kind")
        states = {}
        for kind, arrays in found[1].items():
            one_of("kind of states", kind, KINDS)
            leaves = [jnp.ravel(leaf) for leaf in self._jax.tree_util.tree_leaves(arrays)]
            states[kind] = self._wide(jnp.concatenate(leaves))
        return self._outputs(found[0]), states

    def _outputs(self, found: Any) -> Any:
        jnp = self._jax.numpy
        if not isinstance(found, self._jax.Array) or found.ndim < 2:
            what = f"shape {found.shape}" if isinstance(found, self._jax.Array) else repr(found)
            raise ValueError(f"apply must give outputs (..., M) as one array, got {what}")
        if not jnp.issubdtype(found.dtype, jnp.floating):
            raise ValueError(f"apply must give floating outputs, got {found.dtype}")
        return self._wide(found)

    def _wide(self, array: Any) -> Any:
        jnp = self._jax.numpy
        return array.astype(jnp.promote_types(array.dtype, jnp.float32))


class JaxLinearization:
    """A `JaxNetwork` at one point."""

    def __init__(self, network: JaxNetwork, outputs: Any, states: Any, linear: Any) -> None:
        self._network, self._linear = network, linear
        self.outputs: Floats = np.asarray(outputs)
        self.states: States = {kind: np.asarray(part) for kind, part in states.items()}

    def jvp(self, v: Vector) -> tuple[Floats, States]:
        """Tangents of outputs and states."""
        outputs, states = self._network.push(self._linear, self._network.params(v))
        return np.asarray(outputs), {kind: np.asarray(part) for kind, part in states.items()}

    def vjp(self, outputs: Floats, states: States) -> Vector:
        """The product of the transposed Jacobian with both."""
        given = (
            outputs.astype(self.outputs.dtype, copy=False),
            {kind: part.astype(self.states[kind].dtype) for kind, part in states.items()},
        )
        return self._network.vector(self._network.pull(self._linear, given))


if TYPE_CHECKING:

    def _as_network(network: JaxNetwork) -> DifferentiableNetwork:
        """What the type checker must agree to."""
        return network

    def _as_linearization(linearization: JaxLinearization) -> LinearizedNetwork:
        """What the type checker must agree to."""
        return linearization
