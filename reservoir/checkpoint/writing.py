"""A tree as the bytes of an HDF5 file, made in memory.

A file that is written in place through HDF5 is lost when the process is killed or the disk is
full; bytes in memory can go into a temporary file that takes the old one's place at the end.
"""

from __future__ import annotations

import math
from typing import Any

from reservoir.checkpoint.hdf5 import h5py
from reservoir.checkpoint.tree import Array, Dataset, Group, Node, attribute_text, dtype_code

LIBRARY_VERSIONS = ("earliest", "v108")  # what HDF5 1.8 and later can read
CHUNK = 2**20  # bytes; larger for arrays of more than MANY_CHUNKS such chunks
MANY_CHUNKS = 2**14
COMPRESSION = 1  # the level of deflate; higher levels gain 2-3 % on indices
DIMENSIONS = "dimensions"  # attribute: the scales of a dataset, separated by spaces


def image(root: Group) -> bytes:
    """Return the HDF5 file of a tree.

    Parameters
    ----------
    root
        What the file shall hold, the manifest included.

    Raises
    ------
    TypeError
        If an array or attribute is of a type that the format does not have.
    """
    with h5py.File.in_memory(libver=LIBRARY_VERSIONS) as file:
        _fill(file, root)
        _attach_scales(file, root)
        file.flush()
        return bytes(file.id.get_file_image())


def _fill(target: Any, node: Group) -> None:
    for name in sorted(node.members):
        member = node.members[name]
        if isinstance(member, Group):
            _fill(target.create_group(name), member)
        else:
            _create(target, name, member)
    for name, value in node.attributes.items():
        target.attrs.create(name, value)


def _create(target: Any, name: str, node: Dataset) -> None:
    value = node.value
    options = _storage(node) if value.ndim and value.size else {}
    dtype_code(value.dtype)
    dataset = target.create_dataset(name, data=value, dtype=value.dtype, **options)
    attributes = dict(node.attributes)
    if _is_scale(node):
        dataset.make_scale(attribute_text(node, "NAME"))
        del attributes["CLASS"], attributes["NAME"]
    for key, attribute in attributes.items():
        dataset.attrs.create(key, attribute)


def _is_scale(node: Node | None) -> bool:
    """Whether a node has just the attributes that HDF5 gives to a dimension scale."""
    if not isinstance(node, Dataset) or attribute_text(node, "CLASS") != "DIMENSION_SCALE":
        return False
    name = node.attributes.get("NAME")
    return (
        name is not None
        and node.attributes["CLASS"].dtype == "S16"
        and name.dtype == f"S{len(attribute_text(node, 'NAME')) + 1}"
    )


def _storage(node: Dataset) -> dict[str, Any]:
    """Checksums for all, compression for what compresses: integers and labelled tables."""
    options: dict[str, Any] = {"chunks": _chunks(node.value), "fletcher32": True}
    if node.value.dtype.kind in "iu" or DIMENSIONS in node.attributes:
        options |= {"shuffle": True, "compression": "gzip", "compression_opts": COMPRESSION}
    if node.growing:
        options["maxshape"] = (None, *node.value.shape[1:])
    return options


def _chunks(value: Array) -> tuple[int, ...]:
    """Whole rows, about `CHUNK` bytes together; parts of a row if one alone is larger."""
    limit = max(CHUNK, math.ceil(value.nbytes / MANY_CHUNKS))
    chunks: list[int] = []
    rest = value.itemsize
    for length in reversed(value.shape):
        chunks.append(max(1, min(length, limit // rest)))
        rest *= chunks[-1]
    return tuple(reversed(chunks))


def _attach_scales(target: Any, node: Group) -> None:
    """Make HDF5's own links from the datasets of a group to the scales that they name."""
    for name, member in node.members.items():
        if isinstance(member, Group):
            _attach_scales(target[name], member)
            continue
        dimensions = attribute_text(member, DIMENSIONS).split()
        for axis, dimension in enumerate(dimensions[: member.value.ndim]):
            if _is_scale(node.members.get(dimension)):
                target[name].dims[axis].attach_scale(target[dimension])
