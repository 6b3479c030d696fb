"""How much a file may ask of its reader (SPECIFICATION.md, 6)."""

from __future__ import annotations

from dataclasses import dataclass

from reservoir.checkpoint import tree
from reservoir.checkpoint.tree import Dataset, Group
from reservoir.errors import CheckpointError

KIB = 2**10
MIB = 2**20
GIB = 2**30

MAX_BYTES = 8 * GIB


@dataclass(frozen=True)
class Limits:
    """Bounds on what a file declares; whatever exceeds one is refused before it is read.

    Attributes
    ----------
    total
        Bytes of all datasets together, uncompressed.
    depth
        Groups between the root and an object; the members of the root have depth 1.
    objects
        Groups and datasets.
    attributes
        Attributes of one object.
    attribute_bytes
        Bytes of one attribute.
    text
        Bytes of one text.
    chunk
        Bytes of one chunk, uncompressed.
    chunks
        Chunks of one dataset.
    ratio, ratio_from
        Datasets of more than `ratio_from` bytes may have at most `ratio` times the bytes that
        are stored for them.
    """

    total: int = MAX_BYTES
    depth: int = 6
    objects: int = 10_000
    attributes: int = 64
    attribute_bytes: int = 64 * KIB
    text: int = 16 * MIB
    chunk: int = 64 * MIB
    chunks: int = 65_536
    ratio: int = 1100
    ratio_from: int = 16 * MIB


def check_tree(root: Group) -> None:
    """Refuse to write more objects, or a longer text, than a reader takes.

    Raises
    ------
    CheckpointError
        If there are too many objects or a text is too long.
    """
    limits = Limits()
    objects = 1  # the manifest, which is added last
    for path, node in tree.walk(root):
        objects += 1
        if not isinstance(node, Dataset) or node.value.dtype.kind != "S":
            continue
        if node.value.itemsize > limits.text:
            raise CheckpointError(f"{path} has more than {limits.text:,} bytes of text")
    if objects > limits.objects:
        raise CheckpointError(f"it has more than {limits.objects:,} arrays and groups")
