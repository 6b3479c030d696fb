"""What each dataset of a checkpoint must be: shapes come from the config, not from the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from reservoir.checkpoint import tree
from reservoir.checkpoint.header import Header
from reservoir.checkpoint.tree import Dataset, Group
from reservoir.errors import CheckpointError

FLOAT = ("f8",)
FLOATS = ("f4", "f8")
INDEX = ("i4", "i8")
INT = ("i8",)


class Entry(NamedTuple):
    """The allowed types and the shape of one dataset."""

    dtypes: tuple[str, ...]
    shape: tuple[int, ...]
    or_empty: bool = False  # whether a vector without entries may stand for it


Layout: TypeAlias = dict[str, Entry]  # absolute path to entry


def check_headers(headers: Mapping[str, Header], layout: Layout) -> None:
    """Check the datasets of a file before their data is read.

    Raises
    ------
    CheckpointError
        If one is missing or declares another type or shape; the message names it.
    """
    for path, entry in layout.items():
        header = headers.get(path)
        if header is None or header.dataset is None:
            raise CheckpointError(f"{path} is missing or not a dataset")
        _check(path, header.dtype, header.shape, entry)


def check_tree(root: Group, layout: Layout) -> None:
    """The same check on a tree in memory, before it is written."""
    nodes = dict(tree.walk(root))
    for path, entry in layout.items():
        node = nodes.get(path)
        if not isinstance(node, Dataset):
            raise CheckpointError(f"{path} is missing or not a dataset")
        _check(path, node.value.dtype, node.value.shape, entry)


def _check(path: str, dtype: np.dtype[Any], shape: tuple[int, ...], entry: Entry) -> None:
    if shape != entry.shape and not (entry.or_empty and shape == (0,)):
        raise CheckpointError(f"{path} has shape {shape}; the config says {entry.shape}")
    code = tree.dtype_code(dtype)
    if code not in entry.dtypes:
        raise CheckpointError(f"{path} has type {code}, not {' or '.join(entry.dtypes)}")
