"""Weights as PyTorch names and orders them, and back.

A state dict of ``torch.nn.RNN``, ``LSTM`` or ``GRU`` with a linear readout holds, of layer k,
``weight_ih_lk`` (G N, K), ``weight_hh_lk`` (G N, N) and, unless made without, ``bias_ih_lk`` and
``bias_hh_lk`` (G N,); of the readout ``weight`` (M, N) and ``bias`` (M,). Each name has the prefix
that its module has in the model.

PyTorch orders the gates of the LSTM i, f, g, o, where ours are i, f, o, g, and those of the GRU
r, z, n, where ours are z, r, n and z is 1 - z of theirs: its weights change their sign. Its two
biases only count as their sum, but for the GRU's candidate, whose second one is our ``b_n``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.rnn.cells import GRU, LSTM, RNN, Cell
from reservoir.rnn.network import Network
from reservoir.rnn.parameters import Flat, of_layer
from reservoir.rnn.state_names import Names, find_names

Arrays = Mapping[str, NDArray[Any]]


class Order(NamedTuple):
    """Our gate, and its sign, of each gate of PyTorch's, in their order."""

    gates: tuple[int, ...]
    signs: tuple[float, ...]

    def ours(self, stacked: Flat) -> Flat:
        """Rows (G N, ...) in PyTorch's order as (G, N, ...) in ours."""
        theirs = stacked.reshape(len(self.gates), -1, *stacked.shape[1:])
        found = np.empty_like(theirs)
        for gate, sign, part in zip(self.gates, self.signs, theirs, strict=True):
            found[gate] = sign * part
        return found

    def theirs(self, gates: Flat) -> Flat:
        """Gates (G, N, ...) in our order as rows (G N, ...) in PyTorch's."""
        return np.concatenate(
            [sign * gates[gate] for gate, sign in zip(self.gates, self.signs, strict=True)]
        )


ORDERS = {
    RNN: Order((0,), (1.0,)),
    LSTM: Order((0, 1, 3, 2), (1.0, 1.0, 1.0, 1.0)),
    GRU: Order((1, 0, 2), (1.0, -1.0, 1.0)),
}
CANDIDATE = 2  # of our gates of the GRU, and of PyTorch's


def from_state_dict(
    state: Arrays,
    *,
    recurrent: str | None = None,
    readout: str | None = None,
    activation: str = "tanh",
    loss: str = "squared_error",
    dtype: str = "float64",
) -> tuple[Network, Flat]:
    """A network and its parameters from the state dict of a PyTorch model.

    Parameters
    ----------
    state : mapping of str to ndarray
        Arrays by name; tensors come as ``{name: t.numpy() for name, t in state_dict.items()}``.
    recurrent, readout : str, optional
        The prefixes of the recurrent layers and of the readout: ``"rnn."`` and ``"fc."``, say. By
        default found, if only one is possible; then no other weights may be there, while with both
        prefixes given they are left aside. ``readout="none"`` takes the hidden states themselves
        for the outputs, as is done if there is nothing but recurrent layers.
    activation : {"tanh", "relu"}
        Of an ``nn.RNN``, whose weights do not tell.
    loss, dtype
        As in `Network`.

    Returns
    -------
    network : Network
        Cells `RNN`, `LSTM`, or `GRU` with the reset after the product.
    theta : ndarray, shape (P,)

    Raises
    ------
    DataError
        Names or shapes that do not fit, numbers that are not finite; bidirectional layers and
        projections, which there are no cells for.
    """
    if activation not in ("tanh", "relu"):
        raise DataError(f"activation must be 'tanh' or 'relu', PyTorch's; got {activation!r}")
    names = find_names(state, recurrent, readout)
    kind, units = names.kind, names.units
    cells: dict[str, Cell] = {
        "RNN": RNN(units, activation=activation),
        "LSTM": LSTM(units),
        "GRU": GRU(units, reset="after"),
    }
    outputs = units if names.readout is None else names.outputs
    network = Network([cells[kind]] * names.layers, names.inputs, outputs, loss, dtype)
    theta = np.zeros(network.size)
    views = network.views(theta)
    for k in range(names.layers):
        _fill(of_layer(views, k), names, k, network.cells[k])
    if names.readout is None:
        views["readout/V"][:] = np.eye(units)
    else:
        views["readout/V"][:] = names.array(f"{names.readout}weight")
        if names.readout_bias:
            views["readout/c"][:] = names.array(f"{names.readout}bias")
    return network, theta


def _fill(views: dict[str, Flat], names: Names, k: int, cell: Cell) -> None:
    """The arrays of one of our layers from those of PyTorch's."""
    order = ORDERS[type(cell)]

    def put(name: str, gates: Flat) -> None:
        views[name][:] = gates.reshape(views[name].shape)

    put("U", order.ours(names.layer("weight_ih", k)))
    put("W", order.ours(names.layer("weight_hh", k)))
    if names.bias:
        first, second = (order.ours(names.layer(f"bias_{part}", k)) for part in ("ih", "hh"))
        if isinstance(cell, GRU):
            views["b_n"][:] = second[CANDIDATE]
            second[CANDIDATE] = 0.0
        # -0 + 0 is 0: without a second bias the first one keeps its bits
        put("b", np.where(second == 0.0, first, first + second))


def state_dict(
    network: Network,
    theta: Flat,
    *,
    recurrent: str = "rnn.",
    readout: str = "fc.",
    dtype: str = "float64",
) -> dict[str, NDArray[Any]]:
    """The parameters of a network as the state dict of a PyTorch model.

    Parameters
    ----------
    network : Network
    theta : ndarray, shape (P,)
    recurrent, readout : str
        Prefixes of the names.
    dtype : {"float64", "float32"}
        Of the arrays. Float64 loses nothing; PyTorch's ``load_state_dict`` rounds it to the type of
        the model.

    Returns
    -------
    dict of str to ndarray
        The second biases are 0 but for the candidate's of a GRU.

    Raises
    ------
    DataError
        PyTorch has no such layers: leak rates, learned initial states, logistic or identity units,
        an LSTM without forget gate, a GRU with the reset before the product, layers that differ;
        or ``theta`` is not one of this network.
    """
    cell = _check_exists(network.cells)
    order = ORDERS[type(cell)]
    checked = network.layout.checked(theta, "theta").copy()
    views = network.views(checked)
    found = {}
    for k in range(len(network.cells)):
        own = of_layer(views, k)
        U, W, b = own["U"], own["W"], own["b"]
        if isinstance(cell, RNN):
            U, W, b = U[None], W[None], b[None]
        second = np.zeros_like(b)
        if isinstance(cell, GRU):
            second[CANDIDATE] = own["b_n"]
        found[f"{recurrent}weight_ih_l{k}"] = order.theirs(U)
        found[f"{recurrent}weight_hh_l{k}"] = order.theirs(W)
        found[f"{recurrent}bias_ih_l{k}"] = order.theirs(b)
        found[f"{recurrent}bias_hh_l{k}"] = order.theirs(second)
    found[f"{readout}weight"] = views["readout/V"]
    found[f"{readout}bias"] = views["readout/c"]
    with np.errstate(over="ignore"):  # float32 may have no number for it: infinity
        return {name: np.array(array, dtype) for name, array in found.items()}


def _check_exists(cells: tuple[Cell, ...]) -> Cell:
    """The kind of all layers, if PyTorch has it."""
    first = cells[0]
    for k, cell in enumerate(cells):
        missing = _missing(cell)
        if missing:
            raise DataError(f"layer {k} cannot be a layer of PyTorch: it has no {missing}")
        if cell != first:
            raise DataError(
                f"layer {k} differs from layer 0: the layers of one PyTorch module are of one "
                "kind and size"
            )
    return first


def _missing(cell: Cell) -> str:
    """What PyTorch lacks for a cell, or an empty string."""
    if isinstance(cell, RNN):
        if cell.has_leak:
            return "leak rates"
        if cell.activation not in ("tanh", "relu"):
            return f"{cell.activation} units"
    if isinstance(cell, LSTM) and not cell.forget_gate:
        return "LSTM without forget gate"
    if isinstance(cell, GRU) and cell.reset == "before":
        return "GRU with the reset before the product"
    if cell.learn_initial_state:
        return "learned initial states"
    return ""
