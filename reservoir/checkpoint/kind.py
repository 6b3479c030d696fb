"""The kinds of models that a checkpoint can hold, by the ``encoding-type`` of the root group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from reservoir.checkpoint.layout import Layout
from reservoir.checkpoint.tree import Group, Node
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN


class Config(Protocol):
    """The content of ``/config``."""

    def json(self) -> str:
        """Its text."""


R = TypeVar("R")
C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Kind(Generic[R, C]):
    """How the record of a model becomes members of the root group, and back.

    Attributes
    ----------
    name, version
        The encoding of the root group.
    min_reader
        The oldest version of the format whose readers know this kind.
    members
        Names of the members of the root that hold the model.
    plotted
        The member that a viewer shows first, unless there is a history; "" for none.
    describe
        The config of a record; a CheckpointError if the record contradicts itself.
    parse
        The config in the text of ``/config``, validated; a CheckpointError if it is none.
    parameters
        How many parameters an optimizer moves; 0 if the model is not trained by one.
    layout
        What each dataset of the model must be.
    to_members
        The members of the root.
    from_tree
        The record in a tree that has passed the layout check.
    """

    name: str
    version: str
    min_reader: str
    members: tuple[str, ...]
    plotted: str
    describe: Callable[[R], C]
    parse: Callable[[str], C]
    parameters: Callable[[C], int]
    layout: Callable[[C], Layout]
    to_members: Callable[[R, C], dict[str, Node]]
    from_tree: Callable[[Group, C], R]


# Modules that define a KIND; imported at need, as trained networks take Numba with them.
_HOMES = {"esn": "reservoir.checkpoint.esn", "rnn": "reservoir.checkpoint.rnn"}


def named(name: str) -> Kind[Any, Any]:
    """The kind of an ``encoding-type``; a CheckpointError if there is none of this name."""
    if name not in _HOMES:
        raise CheckpointError(f"holds a model of the kind {name[:40]!r}, which is unknown here")
    kind: Kind[Any, Any] = import_module(_HOMES[name]).KIND
    return kind


def of(record: object) -> Kind[Any, Any]:
    """The kind of a record; a TypeError if it is no model."""
    if isinstance(record, ESN):
        return named("esn")
    from reservoir.rnn.model import Model

    if isinstance(record, Model):
        return named("rnn")
    raise TypeError(f"a model is needed; an object of the type {type(record).__name__} is none")
