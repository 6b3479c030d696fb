"""Scalers of columns as groups, the same for every kind of model."""

from __future__ import annotations

import numpy as np

from reservoir.checkpoint import tree
from reservoir.checkpoint.layout import FLOAT, Entry, Layout
from reservoir.checkpoint.tree import Group
from reservoir.errors import CheckpointError
from reservoir.series.scaler import Scaler

KIND, VERSION = "scaler", "1.0"


def to_group(scaler: Scaler) -> Group:
    """Store a scaler."""
    arrays = {"mean": tree.array(scaler.mean), "scale": tree.array(scaler.scale)}
    return tree.group(KIND, VERSION, arrays)


def layout(name: str, columns: int) -> Layout:
    """What the arrays of the root's member `name` must be."""
    return {f"/{name}/{array}": Entry(FLOAT, (columns,)) for array in ("mean", "scale")}


def from_tree(root: Group, name: str) -> Scaler:
    """Make a scaler of the root's member `name`, whose arrays have passed the layout check.

    Raises
    ------
    CheckpointError
        If the group is of another encoding or a scale is zero.
    """
    group = tree.subgroup(root, name, KIND, VERSION)
    scale = tree.values(group, "scale")
    if np.any(scale == 0):
        raise CheckpointError(f"/{name}/scale has an entry that is zero")
    return Scaler(tree.values(group, "mean"), scale)
