"""The record of an echo state network as groups, and back.

Each field of the record is a dataset of the same name, except the settings, which are in the
config, and the activation and criterion, which are settings too.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from reservoir.checkpoint import csr, esn_config, scaler, tree
from reservoir.checkpoint.esn_config import Config
from reservoir.checkpoint.kind import Kind
from reservoir.checkpoint.layout import FLOAT, FLOATS, INT, Entry, Layout
from reservoir.checkpoint.tree import Group, Node
from reservoir.checkpoint.writing import DIMENSIONS
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN, Position, Readout, Reservoir, RidgePath


def to_members(record: ESN, config: Config) -> dict[str, Node]:
    """The members of the root group that hold a model."""
    reservoir, end = record.reservoir, record.end
    W = reservoir.W
    if not isinstance(W, np.ndarray | sparse.csr_array):
        raise TypeError(f"W cannot be stored: it is of the type {type(W).__name__}")
    arrays: dict[str, Node] = {
        name: tree.array(getattr(reservoir, name)) for name in ("W_in", "W_fb", "bias", "leak_rate")
    }
    arrays["W"] = tree.array(W) if isinstance(W, np.ndarray) else csr.to_group(W)
    return {
        "config": tree.json(config.json()),
        "reservoir": tree.group("reservoir", "1.0", arrays),
        "input_scaler": scaler.to_group(record.input_scaler),
        "target_scaler": scaler.to_group(record.target_scaler),
        "readout": tree.group("readout", "1.0", {
            "weights": tree.array(record.readout.weights),
            "intercept": tree.array(record.readout.intercept),
        }),
        "ridge_path": _ridge_path(record.ridge_path),
        "continues": tree.array(record.continues),
        "end": tree.group(
            "position", "1.0", {name: tree.array(getattr(end, name)) for name in ("x", "u", "y")}
        ),
    }  # fmt: skip


def _ridge_path(path: RidgePath) -> Group:
    """A labelled table for xarray (dimension scales) and HDF5 viewers (NeXus)."""
    ascii_bytes = tree.ascii_bytes
    both, columns = ascii_bytes("candidates targets"), ascii_bytes("targets")
    table: dict[str, Node] = {
        "candidates": tree.scale(path.candidates, "candidates"),
        "targets": tree.scale(np.arange(path.chosen.size, dtype="<i8"), "targets"),
        "errors": tree.array(path.errors, **{DIMENSIONS: both}),
        "chosen": tree.array(path.chosen, **{DIMENSIONS: columns}),
        "condition": tree.array(np.float64(path.condition)),
        "scored": tree.array(np.int64(path.scored)),
    }
    return tree.group(
        "ridge_path", "1.0", table,
        NX_class=ascii_bytes("NXdata"), signal=ascii_bytes("errors"),
        axes=np.array([b"candidates", b"targets"]),
    )  # fmt: skip


def layout(config: Config) -> Layout:
    """What each dataset of the model must be."""
    N, K, M, F, L = (
        config.units, config.inputs, config.targets, config.features, config.candidates,
    )  # fmt: skip
    own = ({"float32": "f4", "float64": "f8"}[config.dtype],)
    if config.recurrence == "csr_matrix":
        W = csr.entries("/reservoir/W", (N, N), config.nonzeros, own)
    else:
        W = {"/reservoir/W": Entry(own, (N, N))}
    scalers = scaler.layout("input_scaler", K) | scaler.layout("target_scaler", M)
    return W | scalers | {
        "/reservoir/W_in": Entry(own, (N, K)),
        "/reservoir/W_fb": Entry(own, (N, config.feedback)),
        "/reservoir/bias": Entry(own, (N,)),
        "/reservoir/leak_rate": Entry(own, (N,)),
        "/readout/weights": Entry(FLOAT, (F, M)),
        "/readout/intercept": Entry(FLOAT, (M,)),
        "/ridge_path/candidates": Entry(FLOAT, (L,)),
        "/ridge_path/targets": Entry(INT, (M,)),
        "/ridge_path/errors": Entry(FLOAT, (L, M)),
        "/ridge_path/chosen": Entry(FLOAT, (M,)),
        "/ridge_path/condition": Entry(FLOAT, ()),
        "/ridge_path/scored": Entry(INT, ()),
        "/continues": Entry(INT, (M,)),
        "/end/x": Entry(FLOATS, (N,)),
        "/end/u": Entry(FLOATS, (K,)),
        "/end/y": Entry(FLOATS, (M,)),
    }  # fmt: skip


def from_tree(root: Group, config: Config) -> ESN:
    """Make a model of a tree that has passed the layout check.

    Raises
    ------
    CheckpointError
        If a group is of an unknown encoding, or values are out of the range that the model and
        its kernels rely on.
    """
    reservoir = _reservoir(tree.subgroup(root, "reservoir", "reservoir", "1.0"), config)
    readout = tree.subgroup(root, "readout", "readout", "1.0")
    path = tree.subgroup(root, "ridge_path", "ridge_path", "1.0")
    end = tree.subgroup(root, "end", "position", "1.0")
    continues = tree.values(root, "continues")
    if np.any((continues < -1) | (continues >= config.inputs)):
        raise CheckpointError(f"/continues has an entry that is not in -1..{config.inputs - 1}")
    return ESN(
        reservoir=reservoir,
        input_scaler=scaler.from_tree(root, "input_scaler"),
        target_scaler=scaler.from_tree(root, "target_scaler"),
        readout=Readout(*(tree.values(readout, name) for name in ("weights", "intercept"))),
        ridge_path=RidgePath(
            criterion=config.criterion,
            candidates=tree.values(path, "candidates"),
            errors=tree.values(path, "errors"),
            chosen=tree.values(path, "chosen"),
            condition=float(tree.values(path, "condition")),
            scored=int(tree.values(path, "scored")),
        ),
        continues=continues,
        washout=config.washout,
        horizon=config.horizon,
        input_names=tuple(config.input_names),
        target_names=tuple(config.target_names),
        end=Position(*(tree.values(end, name) for name in ("x", "u", "y"))),
    )


def _reservoir(group: Group, config: Config) -> Reservoir:
    W = group.members.get("W")
    shape = (config.units, config.units)
    if isinstance(W, Group):
        recurrence = csr.from_group(W, "/reservoir/W", shape)
    else:
        recurrence = tree.values(group, "W")
    leak_rate = tree.values(group, "leak_rate")
    if not np.all((leak_rate > 0) & (leak_rate <= 1)):
        raise CheckpointError("/reservoir/leak_rate has an entry that is not in (0, 1]")
    return Reservoir(
        W=recurrence,
        W_in=tree.values(group, "W_in"),
        W_fb=tree.values(group, "W_fb"),
        bias=tree.values(group, "bias"),
        leak_rate=leak_rate,
        activation=config.activation,
    )


KIND = Kind(
    name="esn",
    version="1.0",
    min_reader="1.0.0",
    members=(
        "config", "reservoir", "input_scaler", "target_scaler", "readout", "ridge_path",
        "continues", "end",
    ),
    plotted="ridge_path",
    describe=esn_config.of,
    parse=esn_config.parse,
    parameters=lambda config: 0,
    layout=layout,
    to_members=to_members,
    from_tree=from_tree,
)  # fmt: skip
