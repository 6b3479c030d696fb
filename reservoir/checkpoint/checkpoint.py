"""Reading and writing whole checkpoints: a model and what belongs to it."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from reservoir.checkpoint import (
    document,
    esn,
    esn_config,
    jsontext,
    layout,
    limits,
    manifest,
    reading,
    tree,
    version,
    writing,
)
from reservoir.checkpoint import provenance as origin
from reservoir.checkpoint.limits import MAX_BYTES, Limits
from reservoir.checkpoint.tree import Dataset, Group, Node
from reservoir.errors import CheckpointError, DataError
from reservoir.esn.model import ESN
from reservoir.series.atomic import write_atomically

DOCUMENTS = ("estimator", "statistics")  # optional members of the root
_KNOWN = {*esn.MEMBERS, *DOCUMENTS, "provenance", manifest.NAME}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model, what belongs to it, and what is known of the file that it came from.

    Attributes
    ----------
    record
        The model.
    estimator
        Constructor parameters of the estimator around it; `document.to_group` lists the types.
    statistics
        Accumulators of a fit that can go on, in the same types.
    unknown
        Members of the root group that this version does not know (a later minor version made
        them); they are written again as they were.
    provenance, format_version, created
        Of the file that was read; a file that is written gets its own.
    """

    record: ESN
    estimator: Mapping[str, Any] | None = None
    statistics: Mapping[str, Any] | None = None
    unknown: Mapping[str, Node] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    format_version: str = version.FORMAT_VERSION
    created: datetime | None = None


def write(
    checkpoint: Checkpoint,
    path: str | os.PathLike[str],
    *,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint so that `path` holds the old file or the whole new one.

    Parameters
    ----------
    checkpoint
        What to write.
    path
        The file; its directory must exist.
    provenance
        Entries that only the caller knows ("seed", "command"), in place of the gathered ones.

    Raises
    ------
    DataError
        If the model's arrays do not fit each other, or hold values that no reader would accept.
    TypeError
        If a value is of a type that cannot be stored; the message names it.
    CreateError
        If the file cannot be created there.
    OSError
        If writing failed, on a full disk for example; the old file is unharmed.
    """
    root = to_tree(checkpoint, provenance or {})
    intended = manifest.stored(root)

    def verify(temporary: str) -> None:
        try:
            with reading.opened(temporary, Limits(total=2**63)) as source:
                found = manifest.stored(source.load())
        except CheckpointError as error:
            found = str(error)
        if found != intended:
            raise OSError(errno.EIO, "what was written reads back otherwise", os.fspath(path))

    write_atomically(path, writing.image(root), verify=verify)


def read(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Checkpoint:
    """Read a checkpoint; nothing in the file is trusted.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Refuse a file whose arrays take more than this, 8 GiB if not given.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is no checkpoint, damaged, too new, too large or
        malformed; one line that begins with the path.
    """
    with reading.opened(path, Limits(total=max_bytes)) as source:
        _check_model(source)
        config = esn_config.parse(source.json_text("/config"))
        layout.check_headers(source.headers, esn.layout(config))
        for name in DOCUMENTS:
            if f"/{name}" in source.headers:
                text = source.json_text(f"/{name}/{document.JSON}")
                layout.check_headers(source.headers, document.layout(text, f"/{name}"))
        root = source.load()
    try:
        return from_tree(root, config)
    except RecursionError:
        raise CheckpointError(f"{os.fspath(path)}: is nested too deeply") from None
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {error}") from error


def to_tree(checkpoint: Checkpoint, overrides: Mapping[str, Any]) -> Group:
    """Lay a checkpoint out as the root group of a file, manifest included.

    The tree passes the checks that a reader makes, so that nothing is written that cannot be
    read.
    """
    try:
        config = esn_config.of(checkpoint.record)
        members: dict[str, Node] = {
            name: node for name, node in checkpoint.unknown.items() if name not in _KNOWN
        }
        members |= esn.to_members(checkpoint.record, config)
        for name in DOCUMENTS:
            value = getattr(checkpoint, name)
            if value is not None:
                members[name] = document.to_group(value)
        members["provenance"] = _provenance(checkpoint, config, overrides)
        root = tree.group(esn.KIND, esn.VERSION, members, **_root_attributes())
        esn_config.check(config)
        layout.check_tree(root, esn.layout(config))
        esn.from_tree(root, config)
        limits.check_tree(root)
    except CheckpointError as error:
        raise DataError(f"the model cannot be stored: {error}") from error
    with_manifest = members | {manifest.NAME: Dataset(tree.ascii_bytes(manifest.compute(root)))}
    return Group(with_manifest, root.attributes)


def from_tree(root: Group, config: esn_config.Config) -> Checkpoint:
    """Make a checkpoint of a root group that has passed the layout and manifest checks."""
    documents = {
        name: document.from_group(node, f"/{name}")
        for name, node in root.members.items()
        if name in DOCUMENTS and isinstance(node, Group)
    }
    created = tree.attribute_text(root, "created")
    try:
        time = datetime.fromisoformat(created) if created else None
    except ValueError:
        raise CheckpointError(f"created is {created[:40]!r}, not a time") from None
    source: dict[str, Any] = {}
    if "provenance" in root.members:
        source = jsontext.loads(tree.json_text(root, "provenance"), "/provenance")
    return Checkpoint(
        record=esn.from_tree(root, config),
        estimator=documents.get("estimator"),
        statistics=documents.get("statistics"),
        unknown={name: node for name, node in root.members.items() if name not in _KNOWN},
        provenance=source,
        format_version=tree.attribute_text(root, "format_version"),
        created=time,
    )


def _root_attributes() -> dict[str, tree.Array]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    texts = {
        "format": version.FORMAT,
        "format_version": version.FORMAT_VERSION,
        "min_reader_version": version.MIN_READER_VERSION,
        "created": now,
        "default": "ridge_path",  # NeXus: what a viewer draws first
    }
    return {name: tree.ascii_bytes(value) for name, value in texts.items()}


def _provenance(
    checkpoint: Checkpoint, config: esn_config.Config, overrides: Mapping[str, Any]
) -> Node:
    entries = origin.gather(config.json())
    parameters = (checkpoint.estimator or {}).get("parameters", {})
    seed = parameters.get("random_state")
    if isinstance(seed, int | np.integer):
        entries["seed"] = int(seed)
    return tree.json(jsontext.dumps(entries | dict(overrides)))


def _check_model(source: reading.Source) -> None:
    """Check that the file holds a model of a kind that this version knows."""
    attributes = source.headers["/"].attributes
    root = Group({}, attributes)
    kind = tree.attribute_text(root, "encoding-type")
    if kind != esn.KIND:
        raise CheckpointError(f"holds a model of the kind {kind[:40]!r}, which is unknown here")
    tree.expect(root, "/", esn.KIND, esn.VERSION)
