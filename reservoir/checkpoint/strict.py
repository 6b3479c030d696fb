"""The strict walk: every link, type, space and filter of a file, before any data is read.

Only what a checkpoint needs is let through. In particular nothing is followed out of the file
(soft and external links, external storage, virtual datasets, references), nothing twice (hard
links make cycles), and nothing is allocated because a header says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from reservoir.checkpoint import chunks
from reservoir.checkpoint.hdf5 import h5a, h5d, h5g, h5o, h5py, h5s, h5t
from reservoir.checkpoint.header import Hdf5Id, Header
from reservoir.checkpoint.limits import MIB, Limits
from reservoir.checkpoint.tree import Array
from reservoir.errors import CheckpointError

OVERHEAD = 64 * MIB  # what a file may be larger than its data: HDF5's own structures

# Attributes that HDF5 makes for dimension scales, of types that are not let through elsewhere;
# they repeat the attribute "dimensions" and are never read.
SCALE_LINKS = ("DIMENSION_LIST", "REFERENCE_LIST")

_NAME = re.compile(r"[!-.0-~]{1,255}")  # printable ASCII without space and slash

_NUMBERS = {
    "f4": h5t.IEEE_F32LE, "f8": h5t.IEEE_F64LE,
    "i1": h5t.STD_I8LE, "i2": h5t.STD_I16LE, "i4": h5t.STD_I32LE, "i8": h5t.STD_I64LE,
    "u1": h5t.STD_U8LE, "u2": h5t.STD_U16LE, "u4": h5t.STD_U32LE, "u8": h5t.STD_U64LE,
}  # fmt: skip


def walk(root: Hdf5Id, limits: Limits, file_size: int) -> dict[str, Header]:
    """Look at every object that the file links.

    Parameters
    ----------
    root
        The open root group.
    limits
        Bounds on the whole and the parts.
    file_size
        Bytes of the file: no more can be stored in it.

    Returns
    -------
    dict
        Path to header, in no particular order.

    Raises
    ------
    CheckpointError
        At the first object that is not of the format or exceeds a limit.
    """
    headers: dict[str, Header] = {}
    seen: set[int] = {h5o.get_info(root).addr}
    todo: list[tuple[str, Hdf5Id, int]] = [("/", root, 0)]
    declared = stored = 0
    while todo:
        path, node, depth = todo.pop()
        attributes = _attributes(node, path, limits)
        declared += sum(value.nbytes for value in attributes.values())
        if isinstance(node, h5d.DatasetID):
            header = _dataset(node, path, attributes, limits)
            declared += header.nbytes
            stored += node.get_storage_size()
            if declared > limits.total:
                raise CheckpointError(
                    f"declares more than {limits.total:,} bytes of data, the limit; "
                    "raise max_bytes if you trust it"
                )
            if stored > file_size:
                raise CheckpointError(f"{path} claims more bytes than the file has")
            headers[path] = header
            continue
        headers[path] = Header(path, attributes)
        for name, member in _members(node, path, limits):
            address = h5o.get_info(member).addr
            if address in seen:
                raise CheckpointError(f"{path} links one object twice ({name})")
            seen.add(address)
            if len(seen) > limits.objects:
                raise CheckpointError(f"has more than {limits.objects:,} objects")
            if depth + 1 > limits.depth:
                raise CheckpointError(f"has groups nested deeper than {limits.depth}")
            todo.append((path.rstrip("/") + "/" + name, member, depth + 1))
    return headers


def data(header: Header, descriptor: int) -> Array:
    """Read a dataset that `walk` has let through, from the open file."""
    plist = header.dataset.get_create_plist()
    if plist.get_layout() == h5d.CHUNKED:
        return chunks.read(header, plist, descriptor)
    out: Array = np.empty(header.shape, header.dtype)
    if out.size:
        start = header.dataset.get_offset()
        if start is None:
            raise CheckpointError(f"is damaged: {header.path} is not stored")
        raw = chunks.stored(descriptor, start, header.nbytes, header.path)
        out = np.frombuffer(raw, header.dtype).reshape(header.shape)
    _no_hidden_text(out, header.path)
    return out


def attribute(node: Hdf5Id, name: str) -> Array | None:
    """Read one attribute, or return None if there is none of this name."""
    if not h5a.exists(node, name.encode("ascii")):
        return None
    return _attribute(h5a.open(node, name.encode("ascii")), name, Limits())


def _members(node: Hdf5Id, path: str, limits: Limits) -> Iterator[tuple[str, Hdf5Id]]:
    if node.get_num_objs() > limits.objects:
        raise CheckpointError(f"has more than {limits.objects:,} objects")
    for raw in list(node):
        name = _name(raw, path)
        if node.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            raise CheckpointError(f"{path} has a link that is not a hard link ({name})")
        member = h5o.open(node, raw)
        if not isinstance(member, h5g.GroupID | h5d.DatasetID):
            raise CheckpointError(f"{path} has a member that is no group or dataset ({name})")
        yield name, member


def _name(raw: bytes, path: str) -> str:
    name = raw.decode("ascii", "replace")
    if _NAME.fullmatch(name) is None or name in (".", ".."):
        raise CheckpointError(f"{path} has a member or attribute with a forbidden name")
    return name


def _attributes(node: Hdf5Id, path: str, limits: Limits) -> dict[str, Array]:
    count = h5a.get_num_attrs(node)
    if count > limits.attributes:
        raise CheckpointError(f"{path} has more than {limits.attributes} attributes")
    found: dict[str, Array] = {}
    for index in range(count):
        opened = h5a.open(node, index=index)
        name = _name(opened.name, path)
        if name in SCALE_LINKS and isinstance(node, h5d.DatasetID):
            continue
        if name in found:
            raise CheckpointError(f"{path} has two attributes {name!r}")
        found[name] = _attribute(opened, f"attribute {name!r} of {path}", limits)
    return found


def _attribute(opened: Hdf5Id, where: str, limits: Limits) -> Array:
    dtype = _dtype(opened.get_type(), where)
    shape = _shape(opened.get_space(), where)
    if len(shape) > 1 or math.prod(shape) * dtype.itemsize > limits.attribute_bytes:
        raise CheckpointError(f"{where} is too large")
    out: Array = np.empty(shape, dtype)
    if out.size:
        opened.read(out)
    _no_hidden_text(out, where)
    return out


def _no_hidden_text(value: Array, where: str) -> None:
    """Refuse strings that go on after a NUL, which some readers show and some do not."""
    if value.dtype.kind == "S" and any(b"\0" in item for item in value.ravel().tolist()):
        raise CheckpointError(f"{where} has text after its end")


def _dtype(kind: Hdf5Id, where: str) -> np.dtype[Any]:
    """The NumPy type of an HDF5 type that the format has."""
    if not kind.committed():
        for code, number in _NUMBERS.items():
            if kind.equal(number):
                return np.dtype("<" + code)
        if isinstance(kind, h5t.TypeStringID) and not kind.is_variable_str():
            ascii_only = kind.get_cset() == h5t.CSET_ASCII
            if ascii_only and kind.get_strpad() in (h5t.STR_NULLPAD, h5t.STR_NULLTERM):
                return np.dtype(f"S{kind.get_size()}")
    raise CheckpointError(f"{where} has a type that is not of the format")


def _shape(space: Hdf5Id, where: str) -> tuple[int, ...]:
    if space.get_simple_extent_type() == h5s.NULL:
        raise CheckpointError(f"{where} has a null dataspace")
    return tuple(int(length) for length in space.get_simple_extent_dims())


def _dataset(node: Hdf5Id, path: str, attributes: dict[str, Array], limits: Limits) -> Header:
    dtype, shape = _dtype(node.get_type(), path), _shape(node.get_space(), path)
    if dtype.kind == "S" and shape:
        raise CheckpointError(f"{path} is an array of strings")
    if dtype.kind == "S" and dtype.itemsize > limits.text:
        raise CheckpointError(f"{path} has more than {limits.text:,} bytes of text")
    header = Header(path, attributes, node, dtype, shape)
    plist = node.get_create_plist()
    if plist.get_external_count():
        raise CheckpointError(f"{path} keeps its data in another file")
    layout = plist.get_layout()
    if layout not in (h5d.CONTIGUOUS, h5d.CHUNKED):
        raise CheckpointError(f"{path} is a virtual or compact dataset")
    stored = node.get_storage_size()
    if header.nbytes > limits.ratio_from and header.nbytes > limits.ratio * stored:
        raise CheckpointError(
            f"{path} declares {header.nbytes:,} bytes and stores {stored:,}: too little for it"
        )
    if header.nbytes <= limits.total and layout == h5d.CHUNKED:
        chunks.check(header, plist, limits)
    return header
