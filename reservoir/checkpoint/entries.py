"""Single entries of a config, each checked for its type; a message names the entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reservoir.errors import CheckpointError

MAX_LENGTH = 2**40  # of any axis; bounds the arithmetic, not the memory

Document = Mapping[str, Any]


def length(document: Document, name: str) -> int:
    """A count from 0 to `MAX_LENGTH`; a CheckpointError names the entry."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LENGTH:
        raise CheckpointError(f"the config's entry {name!r} is missing or not a count")
    return value


def text(document: Document, name: str) -> str:
    """A text; a CheckpointError names the entry."""
    value = document.get(name)
    if not isinstance(value, str):
        raise CheckpointError(f"the config's entry {name!r} is missing or not a text")
    return value


def choice(document: Document, name: str, choices: Iterable[str]) -> str:
    """One of some texts; a CheckpointError names the entry and the choices."""
    value, known = text(document, name), tuple(choices)
    if value not in known:
        raise CheckpointError(f"the config's {name} is {value[:40]!r}, not one of {known}")
    return value


def names(document: Document, name: str) -> list[str]:
    """A list of texts; a CheckpointError names the entry."""
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CheckpointError(f"the config's entry {name!r} is missing or not a list of texts")
    return value


def agree(agreements: Mapping[str, bool]) -> None:
    """Raise a CheckpointError that names the first entry that does not agree with the others."""
    for name, agrees in agreements.items():
        if not agrees:
            raise CheckpointError(f"the config's entry {name!r} contradicts the others")
