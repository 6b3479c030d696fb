"""A network linearized at some parameters and a batch: products with its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from hfopt.losses import Loss
from hfopt.problem import Structural, Tangent, as_structural
from reservoir.errors import DataError
from reservoir.rnn import flat_states
from reservoir.rnn.backward import backward
from reservoir.rnn.batch import Batch
from reservoir.rnn.by_sequence import BySequence
from reservoir.rnn.cells.cell import Damped
from reservoir.rnn.forward import Forward
from reservoir.rnn.memory import Plan, window_rows
from reservoir.rnn.padded import Array, zeros, zeros_like
from reservoir.rnn.parameters import Flat
from reservoir.rnn.second import second
from reservoir.rnn.state import State
from reservoir.rnn.tangent import ALL, Kept
from reservoir.rnn.tangent import Tangent as TileTangent
from reservoir.rnn.tile import Scored
from reservoir.rnn.total import Total
from reservoir.rnn.windows import Window
from reservoir.weights.arguments import nonnegative

if TYPE_CHECKING:
    from reservoir.rnn.network import Network


class Begun(NamedTuple):
    """What a tile's products start from."""

    forward: Forward
    windows: list[list[Window]]
    mean: Array  # (scored, M)
    scale: Array  # (scored, 1) weights over their sum
    e: Array  # (scored, pitch of M) derivatives of the loss by the outputs


def share_of_loss(loss: Loss, outputs: Array, scored: Scored, weight: float) -> float:
    """What the scored outputs (n, M) of a tile give to the value; ``weight`` is the batch's."""
    # No dot product: that of BLAS has other bits with other numbers of its threads.
    return float((scored.weights / weight * loss.values(outputs, scored.targets)).sum())


class First(NamedTuple):
    """What the first passes of all tiles give."""

    tiles: list[Begun]
    value: float
    gradient: Flat
    squares: Flat | None
    state: State


def first_passes(
    network: Network, theta: Flat, batch: Batch, plan: Plan, keep: str, squares: bool
) -> First:
    """Value and gradient; ``keep`` as in `Forward`."""
    packed, loss = network.pack(theta), network.matching_loss
    rows = window_rows(network.cells, batch.dtype)
    gradient, squared = Total(), Total()

    def one(k: int) -> tuple[Begun, float]:
        tile = batch.tiles[k]
        segments, windows = batch.cut(k, plan.segment, rows)
        with network.shelves.one() as shelf:
            forward = Forward(network.cells, packed, tile, segments, shelf, keep=keep)
            outputs = forward.outputs[:, : network.outputs]
            mean = loss.mean(outputs)
            value = share_of_loss(loss, outputs, tile.scored, batch.weight)
            scale = (tile.scored.weights / batch.weight).astype(batch.dtype)[:, None]
            e = zeros(len(outputs), forward.outputs.shape[1], batch.dtype)
            np.multiply(
                loss.gradient(mean, tile.scored.targets), scale, out=e[:, : network.outputs]
            )
            each = BySequence(forward, network.layout, shelf) if squares else None
            gradient.add(k, backward(forward, windows, e, network.layout, shelf, by_sequence=each))
        if each is not None:
            squared.add(k, each.squares)
        return Begun(forward, windows, mean, scale, e), value

    tiles, values = zip(*batch.each(one), strict=True)
    return First(
        list(tiles),
        sum(values),
        gradient.sum(),
        squared.sum() if squares else None,
        network.final_state(batch, [begun.forward for begun in tiles]),
    )


def _damped(product: Flat, damping: float, v: ArrayLike) -> Flat:
    """Add ``damping v``."""
    if damping > 0.0:
        with np.errstate(over="ignore", invalid="ignore"):
            product += damping * np.asarray(v, np.float64)
    return product


class NetworkLinearization:
    """Value, gradient and products at one point; made by `Network.linearize`.

    Activations stay in memory, or what makes them anew, as the plan says. Products may be asked
    for by several Python threads at once.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (P,)
    squares : ndarray, shape (P,), or None
        The sum over sequences of the squared gradients of the sequences.
    state : tuple of ndarray
        The final states of each layer, (parts, B, N).
    size : int
        The number of parameters P.
    plan : Plan
        What memory it takes.
    """

    def __init__(
        self, network: Network, theta: Flat, batch: Batch, plan: Plan, *, squares: bool
    ) -> None:
        self.plan, self.size = plan, network.size
        self._network, self._batch = network, batch
        found = first_passes(network, theta, batch, plan, "own", squares)
        self._tiles = found.tiles
        self.value, self.gradient = found.value, found.gradient
        self.squares, self.state = found.squares, found.state
        self._sizes = flat_states.tile_sizes(network.cells, batch.tiles)

    def _direction(self, v: ArrayLike) -> Any:
        vector = self._network.layout.checked(v, "the direction")
        return self._network.pack(vector, direction=True)

    def _parts(self, states: Array) -> list[Array]:
        """The vector of states, cut into tiles."""
        return np.split(states, np.cumsum(self._sizes)[:-1])

    def _given(self, array: ArrayLike, name: str, shape: tuple[int, ...]) -> Array:
        """An array from outside in the type of the passes."""
        found = np.asarray(array)
        if found.shape != shape or found.dtype.kind not in "fiu":
            raise DataError(
                f"{name} must be real numbers of shape {shape}, got {found.dtype} of {found.shape}"
            )
        with np.errstate(over="ignore"):
            return found.astype(self._batch.dtype, copy=False)

    def _summed(self, task: Callable[[int], Flat]) -> Flat:
        """The sum of what a task gives for each tile."""
        total = Total()
        self._batch.each(lambda k: total.add(k, task(k)))
        return total.sum()

    def _padded(self, begun: Begun, rows: Array) -> Array:
        out = zeros(len(rows), begun.e.shape[1], begun.e.dtype)
        out[:, : self._network.outputs] = rows
        return out

    # ---- the products of Gauss and Newton

    def product(self, v: ArrayLike, damping: float, structural: Structural) -> Flat:
        """``G v``, structural damping and ``damping v`` included, in one pass over each tile."""
        direction = self._direction(v)
        number = self._batch.dtype.type
        with np.errstate(over="ignore"):
            s, nu, kappa = (number(c / self._batch.weight) for c in structural)
        damped = Damped(s, nu, kappa, True)
        keep = Kept(structural.preactivations > 0.0, structural.h > 0.0 or structural.c > 0.0)

        def one(k: int) -> Flat:
            begun = self._tiles[k]
            with self._network.shelves.one() as shelf:
                tangent = TileTangent(begun.forward, begun.windows, direction, shelf, keep=keep)
                R_outputs = shelf.zeros(("R_outputs",), *begun.e.shape)
                tangent.outputs(R_outputs)
                e = shelf.zeros(("e",), *begun.e.shape)
                curved = self._network.matching_loss.curvature(
                    begun.mean, R_outputs[:, : self._network.outputs]
                )
                np.multiply(curved, begun.scale, out=e[:, : self._network.outputs])
                return backward(
                    begun.forward, begun.windows, e, self._network.layout, shelf,
                    damped=damped, injected=tangent if any(keep) else None,
                )  # fmt: skip

        return _damped(self._summed(one), damping, v)

    def operator(
        self, damping: float = 0.0, structural: float | Structural = 0.0
    ) -> NetworkGaussNewton:
        """The damped Gauss-Newton matrix as an operator, fused.

        Parameters
        ----------
        damping : float
            lambda, at least 0.
        structural : float or Structural
            lambda mu, a number for the pre-activations (gates included), or a coefficient each for
            pre-activations, h and c. The damped terms are summed over all steps, scored or not, and
            divided by the sum of the batch's weights, as the loss is.
        """
        return NetworkGaussNewton(self, damping, structural)

    def hessian(self, damping: float = 0.0) -> NetworkHessian:
        """The exact Hessian plus ``damping`` I, as an operator; it may be indefinite."""
        return NetworkHessian(self, damping)

    def hessian_product(self, v: ArrayLike, damping: float) -> Flat:
        """``H v + damping v`` (Pearlmutter 1994)."""
        direction = self._direction(v)
        network = self._network

        def one(k: int) -> Flat:
            begun = self._tiles[k]
            with network.shelves.one() as shelf:
                tangent = TileTangent(begun.forward, begun.windows, direction, shelf, keep=ALL)
                R_outputs = zeros_like(begun.e)
                tangent.outputs(R_outputs)
                curved = network.matching_loss.curvature(
                    begun.mean, R_outputs[:, : network.outputs]
                )
                R_e = self._padded(begun, curved * begun.scale)
                return second(
                    begun.forward, begun.windows, tangent, begun.e, R_e, network.layout, shelf
                )  # fmt: skip

        return _damped(self._summed(one), damping, v)

    # ---- the parts of which the product is composed

    def jvp(self, v: ArrayLike) -> Tangent:
        """Tangents along ``v`` of the outputs and of all that structural damping can act on.

        Returns
        -------
        Tangent
            ``outputs`` (n, M) of the scored steps, sequence by sequence; ``states`` as in
            `flat_states`.
        """
        direction = self._direction(v)
        batch, network = self._batch, self._network
        outputs = np.zeros((batch.scored, network.outputs), batch.dtype)
        states = np.zeros(sum(self._sizes), batch.dtype)
        parts = self._parts(states)

        def one(k: int) -> None:
            begun, tile = self._tiles[k], batch.tiles[k]
            with network.shelves.one() as shelf:
                tangent = TileTangent(begun.forward, begun.windows, direction, shelf, keep=ALL)
                R_outputs = zeros_like(begun.e)
                tangent.outputs(R_outputs)
                outputs[tile.scored.place] = R_outputs[:, : network.outputs]
                for index, segment in enumerate(begun.forward.segments):
                    traces = tangent.segment(index)
                    flat_states.copy_from(network.cells, traces, segment, tile.rows, parts[k])

        self._batch.each(one)
        return Tangent(outputs, states)

    def vjp(self, outputs: ArrayLike, states: ArrayLike | None = None) -> Flat:
        """``J' u`` for ``u`` by the outputs (n, M) and, if given, by the states of `jvp`."""
        u = self._given(outputs, "outputs", (self._batch.scored, self._network.outputs))
        parts = None
        if states is not None:
            parts = self._parts(self._given(states, "states", (sum(self._sizes),)))
        one_ = self._batch.dtype.type(1)

        def one(k: int) -> Flat:
            begun = self._tiles[k]
            e = self._padded(begun, u[self._batch.tiles[k].scored.place])
            with self._network.shelves.one() as shelf:
                return backward(
                    begun.forward, begun.windows, e, self._network.layout, shelf,
                    damped=None if parts is None else Damped(one_, one_, one_, False),
                    injected=None if parts is None else flat_states.Given(begun.forward, parts[k]),
                )  # fmt: skip

        return self._summed(one)

    def loss_curvature(self, outputs: ArrayLike) -> Array:
        """``H_L`` times (n, M), weights and their normalization included."""
        u = self._given(outputs, "outputs", (self._batch.scored, self._network.outputs))
        found = np.zeros_like(u)

        def one(k: int) -> None:
            begun, place = self._tiles[k], self._batch.tiles[k].scored.place
            found[place] = self._network.matching_loss.curvature(begun.mean, u[place]) * begun.scale

        self._batch.each(one)
        return found

    def state_curvature(self, states: ArrayLike, structural: float | Structural) -> Array:
        """The diagonal curvature of structural damping times states, normalization included."""
        found = self._given(states, "states", (sum(self._sizes),)).copy()
        each = as_structural(structural)
        coefficients = Structural(*(c / self._batch.weight for c in each))
        parts = self._parts(found)

        def one(k: int) -> None:
            with self._network.shelves.one() as shelf:
                flat_states.curvature(self._tiles[k].forward, coefficients, parts[k], shelf)

        self._batch.each(one)
        return found


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
