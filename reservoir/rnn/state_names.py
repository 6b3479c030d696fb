"""Which arrays of a PyTorch state dict are the recurrent layers and which the readout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError

KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}  # by the number of gates
NONE = "none"  # a prefix that stands for no readout

_FIRST = "weight_ih_l0"
_OWN = re.compile(r"(weight|bias)_(ih|hh|hr)_l(\d{1,4})(_reverse)?")


@dataclass(frozen=True, eq=False)
class Names:
    """The prefixes of the names, and the sizes that shapes tell.

    Attributes
    ----------
    arrays : mapping of str to ndarray
    recurrent : str
        Prefix of the recurrent layers.
    readout : str or None
        Prefix of the readout; None if there is none.
    kind : {"RNN", "GRU", "LSTM"}
    layers, inputs, units, outputs : int
        Outputs are 0 without a readout.
    bias, readout_bias : bool
        Whether there are biases.
    """

    arrays: Mapping[str, NDArray[Any]]
    recurrent: str
    readout: str | None
    kind: str
    layers: int
    inputs: int
    units: int
    outputs: int
    bias: bool
    readout_bias: bool

    def array(self, name: str) -> NDArray[np.float64]:
        """An array in float64."""
        return self.arrays[name].astype(np.float64)

    def layer(self, name: str, k: int) -> NDArray[np.float64]:
        """An array of layer k."""
        return self.array(f"{self.recurrent}{name}_l{k}")


def find_names(
    state: Mapping[str, NDArray[Any]], recurrent: str | None, readout: str | None
) -> Names:
    """Find the layers, check names, shapes and numbers.

    Raises
    ------
    DataError
        As `reservoir.rnn.pytorch.from_state_dict`.
    """
    prefix = _recurrent(state, recurrent)
    own = [m for name in state if (m := _OWN.fullmatch(name.removeprefix(prefix)))]
    own = [m for m in own if f"{prefix}{m[0]}" in state]
    for match in own:
        _refuse_variants(prefix, match)
    numbers = {int(match[3]) for match in own}
    layers = len(numbers)
    if max(numbers) != layers - 1:
        raise DataError(f"the layers of {prefix!r} are numbered {sorted(numbers)[:8]}; some lack")
    inputs, units, gates = _sizes(state, prefix)
    bias = any(match[1] == "bias" for match in own)
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(layers):
        columns = inputs if k == 0 else units
        shapes[f"{prefix}weight_ih_l{k}"] = (gates * units, columns)
        shapes[f"{prefix}weight_hh_l{k}"] = (gates * units, units)
        if bias:
            shapes |= {f"{prefix}bias_{part}_l{k}": (gates * units,) for part in ("ih", "hh")}
    linear = _readout(state, shapes, readout, units)
    outputs, readout_bias = 0, False
    if linear is not None:
        outputs = _matrix(state, f"{linear}weight").shape[0]
        shapes[f"{linear}weight"] = (outputs, units)
        readout_bias = f"{linear}bias" in state
        if readout_bias:
            shapes[f"{linear}bias"] = (outputs,)
    for name, shape in shapes.items():
        _check(state, name, shape)
    rest = [name for name in state if name not in shapes]
    if rest and (recurrent is None or readout is None):
        raise DataError(
            f"{_listing(rest)}: weights of no recurrent layer or readout; give both prefixes, "
            "recurrent and readout, to leave them aside"
        )
    return Names(
        state, prefix, linear, KINDS[gates], layers, inputs, units, outputs, bias, readout_bias
    )


def _recurrent(state: Mapping[str, Any], given: str | None) -> str:
    """The prefix of the recurrent layers."""
    prefixes = [name.removesuffix(_FIRST) for name in state if name.endswith(_FIRST)]
    if given is not None:
        if given not in prefixes:
            raise DataError(
                f"there is no {given}{_FIRST}; recurrent layers have the prefixes "
                f"{_quoted(prefixes) or '(none)'}"
            )
        return given
    if not prefixes:
        raise DataError(
            f"there is no array named ...{_FIRST}, as nn.RNN, nn.LSTM and nn.GRU have it; "
            f"there are {_listing(state) or 'no arrays'}"
        )
    if len(prefixes) > 1:
        raise DataError(
            f"several recurrent modules: choose one with recurrent, one of {_quoted(prefixes)}"
        )
    return prefixes[0]


def _refuse_variants(prefix: str, name: re.Match[str]) -> None:
    what = "bidirectional layers" if name[4] else "projections" if name[2] == "hr" else ""
    if what:
        raise DataError(f"{prefix}{name[0]} belongs to {what}, which there are no cells for")


def _sizes(state: Mapping[str, NDArray[Any]], prefix: str) -> tuple[int, int, int]:
    """Inputs, units and gates of the first layer."""
    first = _matrix(state, f"{prefix}{_FIRST}")
    back = _matrix(state, f"{prefix}weight_hh_l0")
    units = back.shape[1]
    gates = back.shape[0] // units if units else 0
    if gates not in KINDS or back.shape[0] != gates * units:
        raise DataError(
            f"{prefix}weight_hh_l0 has shape {back.shape}; expected N, 3 N or 4 N rows for N "
            "columns: nn.RNN, nn.GRU or nn.LSTM"
        )
    return first.shape[1], units, gates


def _readout(
    state: Mapping[str, NDArray[Any]], taken: Mapping[str, Any], given: str | None, units: int
) -> str | None:
    """The prefix of the readout, None if there is none."""
    if given == NONE:
        return None
    if given is not None:
        return given
    rest = [name for name in state if name not in taken and name.endswith("weight")]
    fitting = [n for n in rest if np.ndim(state[n]) == 2 and np.shape(state[n])[1] == units]
    if len(fitting) > 1:
        raise DataError(
            "several arrays can be the readout: choose one with readout, one of "
            f"{_quoted(name.removesuffix('weight') for name in fitting)}, or {NONE!r}"
        )
    return fitting[0].removesuffix("weight") if fitting else None


def _matrix(state: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in state:
        raise DataError(f"there is no array {name}; there are {_listing(state)}")
    array = np.asarray(state[name])
    if array.ndim != 2:
        raise DataError(f"{name} must have two dimensions, got shape {array.shape}")
    return array


def _check(state: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> None:
    if name not in state:
        raise DataError(f"there is no array {name}, which the other layers ask for")
    array = np.asarray(state[name])
    if array.shape != shape or array.dtype.kind != "f":
        raise DataError(
            f"{name} must be floats of shape {shape}, got {array.dtype} of {array.shape}"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        at = ", ".join(str(int(i)) for i in bad[0])
        raise DataError(f"{name}[{at}] is {array[tuple(bad[0])]}; expected finite numbers")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _listing(names: Iterable[str]) -> str:
    """Some names, and how many there are besides."""
    every = list(names)
    more = f", ... ({len(every)} in all)" if len(every) > 8 else ""
    return ", ".join(every[:8]) + more
