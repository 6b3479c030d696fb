"""The config of a trained network: its cells, sizes and settings, from which all shapes follow."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfopt.losses import LOSSES
from reservoir.checkpoint import entries, jsontext
from reservoir.checkpoint.tree import NUMBERS
from reservoir.errors import CheckpointError, DataError
from reservoir.rnn.cells import GRU, LSTM, RNN, Cell
from reservoir.rnn.model import AT, Model
from reservoir.rnn.network import Network

CELLS: dict[str, type[Any]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
DTYPES = ("float64", "float32")
TEXT = "text"  # the class type of labels that are texts
CLASS_TYPES = (TEXT, "bool", *(np.dtype(code).name for code in NUMBERS))


@dataclass(frozen=True)
class Config:
    """The content of ``/config`` (SPECIFICATION.md, 5.1)."""

    cells: list[dict[str, Any]]  # one a layer: "cell", its name, and all its options
    inputs: int  # K
    outputs: int  # M
    loss: str
    dtype: str  # of the passes: "float32" or "float64"
    at: str  # "every" or "last"
    input_names: list[str]  # K or none
    target_names: list[str]  # M or none
    class_type: str | None  # of the labels, None without
    classes: list[Any] | None  # the labels

    def json(self) -> str:
        """The text of ``/config``."""
        return jsontext.dumps({item.name: getattr(self, item.name) for item in fields(self)})

    @cached_property
    def network(self) -> Network:
        """The network without its parameters.

        Raises
        ------
        CheckpointError
            If an option of a cell or a size is none.
        """
        try:
            cells = [_cell(options) for options in self.cells]
            return Network(cells, self.inputs, self.outputs, self.loss, self.dtype)
        except CheckpointError:
            raise
        except DataError as error:
            raise CheckpointError(f"the config describes no network: {error}") from None

    @cached_property
    def labels(self) -> NDArray[Any] | None:
        """The labels as an array of their type."""
        if self.classes is None:
            return None
        return np.array(self.classes, dtype=str if self.class_type == TEXT else self.class_type)


def of(record: Model) -> Config:
    """Describe a model.

    Raises
    ------
    CheckpointError
        If its sizes contradict each other, or its labels are of a type that cannot be stored.
    """
    network, classes = record.network, record.classes
    config = Config(
        cells=[_options(cell) for cell in network.cells],
        inputs=network.inputs,
        outputs=network.outputs,
        loss=network.loss,
        dtype=network.dtype.name,
        at=record.at,
        input_names=list(record.input_names),
        target_names=list(record.target_names),
        class_type=None if classes is None else _class_type(classes),
        classes=None if classes is None else classes.tolist(),
    )
    check(config)
    return config


def parse(text: str) -> Config:
    """Read and validate ``/config``; names that this version does not know are ignored.

    Raises
    ------
    CheckpointError
        If an entry is missing, of another type, or contradicts another.
    """
    document = jsontext.loads(text, "/config")
    labelled = document.get("classes") is not None
    config = Config(
        cells=_cells(document),
        inputs=entries.length(document, "inputs"),
        outputs=entries.length(document, "outputs"),
        loss=entries.choice(document, "loss", LOSSES),
        dtype=entries.choice(document, "dtype", DTYPES),
        at=entries.choice(document, "at", AT),
        input_names=entries.names(document, "input_names"),
        target_names=entries.names(document, "target_names"),
        class_type=entries.choice(document, "class_type", CLASS_TYPES) if labelled else None,
        classes=document["classes"] if labelled else None,
    )
    check(config)
    return config


def check(config: Config) -> None:
    """Check that the entries of a config agree with each other.

    Raises
    ------
    CheckpointError
        If not; the message names the entry.
    """
    c = config
    entries.agree(
        {
            "at": c.at in AT,
            "input_names": len(c.input_names) in (0, c.inputs),
            "target_names": len(c.target_names) in (0, c.outputs),
        }
    )
    if c.classes is not None:
        _check_labels(c, c.classes)
    assert c.network is not None  # raises if the cells are none


def _check_labels(config: Config, classes: Any) -> None:
    """Check that labels are different ones of one type, as many as the outputs tell."""
    told = {
        "softmax_cross_entropy": config.outputs,
        "logistic_cross_entropy": 2 if config.outputs == 1 else -1,
    }.get(config.loss)
    if not isinstance(classes, list) or len(classes) != told:
        raise CheckpointError("the config's entry 'classes' contradicts the others")
    wanted: tuple[type, ...] = (int,)
    if config.class_type == TEXT:
        wanted = (str,)
    elif config.class_type == "bool":
        wanted = (bool,)
    elif str(config.class_type).startswith("float"):
        wanted = (float, int)
    plain = all(
        isinstance(label, wanted) and (bool in wanted or not isinstance(label, bool))
        for label in classes
    )
    try:
        if not plain or len(set(np.asarray(config.labels).tolist())) < len(classes):
            raise OverflowError
    except OverflowError:  # or from NumPy: an integer beyond the range of its type
        raise CheckpointError(
            f"the config's entry 'classes' is not a list of different labels of the type "
            f"{config.class_type}"
        ) from None


def _class_type(classes: NDArray[Any]) -> str:
    if all(isinstance(label, str) for label in classes.tolist()):
        return TEXT
    if classes.dtype.name not in CLASS_TYPES:
        raise CheckpointError(f"labels of the type {classes.dtype} cannot be stored")
    return classes.dtype.name


def _cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    value = document.get("cells")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise CheckpointError("the config's entry 'cells' is missing or not a list of cells")
    return value


def _options(cell: Cell) -> dict[str, Any]:
    """A cell as its name and its options; a tuple of leak rates as a list."""
    name = next(name for name, kind in CELLS.items() if isinstance(cell, kind))
    options = {item: getattr(cell, item) for item in _option_names(CELLS[name])}
    return {"cell": name} | {
        item: list(value) if isinstance(value, tuple) else value for item, value in options.items()
    }


def _cell(options: dict[str, Any]) -> Cell:
    """The cell that `_options` describes; options of other names are ignored."""
    kind = CELLS[entries.choice(options, "cell", CELLS)]
    found = {}
    for name, default in _option_names(kind).items():
        value = options.get(name)
        if value is None or isinstance(value, bool) != isinstance(default, bool):
            raise CheckpointError(
                f"the config's cell has an entry {name!r} that is missing or none"
            )
        found[name] = tuple(value) if isinstance(value, list) else value
    entries.length(found, "units")
    cell: Cell = kind(**found)
    return cell


def _option_names(kind: type[Any]) -> dict[str, Any]:
    """The options of a cell, with their defaults."""
    return {item.name: item.default for item in fields(kind) if item.init}
