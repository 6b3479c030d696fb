"""The manifest: a SHA-256 of every object of a checkpoint (SPECIFICATION.md, 5).

HDF5 notices few damages by itself: of random byte mutations about a third load with other
content. The manifest has one line for each object, as ``sha256sum`` would print it, so that a
mismatch can be named.
"""

from __future__ import annotations

import hashlib

import numpy as np

from reservoir.checkpoint import tree
from reservoir.checkpoint.tree import Array, Attributes, Dataset, Group, Node
from reservoir.errors import CheckpointError

NAME = "manifest"


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(str(length) for length in shape) + "]"


def _header(node: Node) -> bytes:
    """The text that is hashed before the bytes of the data."""
    if isinstance(node, Dataset):
        lines = [f"dataset {tree.dtype_code(node.value.dtype)} {_shape(node.value.shape)}"]
    else:
        lines = ["group"]
    attributes: Attributes = node.attributes
    for name in sorted(attributes):  # names are ASCII: the order of their bytes
        value = attributes[name]
        code = tree.dtype_code(value.dtype)
        lines.append(f"{name} {code} {_shape(value.shape)} {value.tobytes().hex()}")
    return ("\n".join(lines) + "\n\n").encode("ascii")


def _bytes(value: Array) -> memoryview:
    """The bytes of an array in row-major order, without a copy where that is possible."""
    flat = np.ascontiguousarray(value).reshape(-1)
    return flat.view(np.uint8).data if flat.size else memoryview(b"")


def digest(node: Node) -> str:
    """The SHA-256 of one object, without its members, in hexadecimal digits."""
    sha = hashlib.sha256(_header(node))
    if isinstance(node, Dataset):
        sha.update(_bytes(node.value))
    return sha.hexdigest()


def compute(root: Group) -> str:
    """The text of the manifest: ``<digest>  <path>`` a line, sorted by path.

    The manifest itself, ``/manifest``, has no line.
    """
    entries = sorted((path, digest(node)) for path, node in tree.walk(root) if path != f"/{NAME}")
    return "".join(f"{value}  {path}\n" for path, value in entries)


def stored(root: Group) -> str:
    """The text of ``/manifest``.

    Raises
    ------
    CheckpointError
        If it is missing, is no ASCII scalar, or carries attributes, which nothing would cover.
    """
    node = root.members.get(NAME)
    if not isinstance(node, Dataset) or node.value.dtype.kind != "S" or node.value.ndim:
        raise CheckpointError("has no manifest: damaged, or not a checkpoint")
    if node.attributes:
        raise CheckpointError("has a manifest with attributes: damaged")
    return bytes(node.value[()]).decode("ascii", "replace")


def check(root: Group) -> None:
    """Compare a tree with the manifest that it carries.

    Raises
    ------
    CheckpointError
        If they differ; the message names an object that is damaged or too many.
    """
    claimed, actual = stored(root), compute(root)
    if claimed == actual:
        return
    lines = set(claimed.splitlines())
    wrong = [line[66:] for line in actual.splitlines() if line not in lines]
    raise CheckpointError(
        f"is damaged: {wrong[0]} does not match the manifest"
        if wrong
        else "is damaged: the manifest lists objects that are not there"
    )
