"""The cells of a trained network as JSON: the name of a cell and all its options."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from reservoir.checkpoint import entries
from reservoir.errors import CheckpointError, DataError
from reservoir.rnn.cells import GRU, LSTM, RNN, Cell

CELLS: dict[str, type[Any]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
NAME = "cell"


def to_json(cell: Cell) -> dict[str, Any]:
    """Describe a cell; leak rates of their own for each unit are a list."""
    name = next(name for name, kind in CELLS.items() if isinstance(cell, kind))
    options = {option: getattr(cell, option) for option in _options(CELLS[name])}
    return {NAME: name} | {
        option: list(value) if isinstance(value, tuple) else value
        for option, value in options.items()
    }


def from_json(description: dict[str, Any]) -> Cell:
    """The cell that is described; options of other names are ignored.

    Raises
    ------
    CheckpointError
        If the cell is unknown, or an option is missing or not one that the cell takes.
    """
    kind = CELLS[entries.choice(description, NAME, CELLS)]
    units = entries.length(description, "units")
    options = {}
    for name, default in _options(kind).items():
        value = description.get(name)
        if not _is_option(value, default):
            raise CheckpointError(
                f"the config's cell has an entry {name!r} that is missing or none"
            )
        options[name] = tuple(value) if isinstance(value, list) else value
    try:
        cell: Cell = kind(**options | {"units": units})
        return cell
    except DataError as error:
        raise CheckpointError(f"the config's cell is none: {error}") from None


def _is_option(value: Any, default: Any) -> bool:
    """Whether a JSON value is of the type of an option: that of its default, or many numbers."""
    if isinstance(default, bool | str):
        return type(value) is type(default)
    values = value if isinstance(value, list) else [value]
    return all(isinstance(item, float | int) and not isinstance(item, bool) for item in values)


def _options(kind: type[Any]) -> dict[str, Any]:
    """The options of a cell, with their defaults."""
    return {item.name: item.default for item in fields(kind) if item.init}
