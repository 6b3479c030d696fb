"""A checkpoint in memory: groups and arrays, before and after HDF5.

Writing turns a tree into a file, reading turns a file into a tree, the manifest is computed of a
tree. What a tree may hold is what the format may hold; `dtype_code` is the list of types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reservoir.errors import CheckpointError

Array: TypeAlias = NDArray[Any]
Attributes: TypeAlias = Mapping[str, Array]

NUMBERS = ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


@dataclass(frozen=True, eq=False)
class Dataset:
    """An array of a type in `NUMBERS`, or a scalar of ASCII bytes, with its attributes."""

    value: Array
    attributes: Attributes = field(default_factory=dict)
    growing: bool = False  # whether a file leaves the first axis without an upper limit


@dataclass(frozen=True, eq=False)
class Group:
    """Named members and attributes."""

    members: Mapping[str, Node]
    attributes: Attributes = field(default_factory=dict)


Node: TypeAlias = Group | Dataset


class Described(Protocol):
    """A node, or the header of one in a file."""

    @property
    def attributes(self) -> Attributes:
        """Its attributes by name."""


def dtype_code(dtype: np.dtype[Any]) -> str:
    """Return the code of a type of the format: "f8", "i4", "S20".

    Raises
    ------
    TypeError
        For a type that the format does not have (float16, complex, bool, objects, ...), and for
        numbers in the byte order of big-endian machines.
    """
    code = dtype.str
    plain = code[1:]
    if dtype.kind == "S" and dtype.itemsize > 0:
        return plain
    if plain in NUMBERS and code[0] in "<|":
        return plain
    raise TypeError(f"arrays of type {dtype} cannot be stored")


def ascii_bytes(text: str) -> Array:
    """A fixed-length string as a scalar array; raises UnicodeEncodeError if not ASCII."""
    return np.array(np.bytes_(text.encode("ascii")))


def encoding(kind: str, version: str) -> dict[str, Array]:
    """The two attributes that readers dispatch on."""
    return {"encoding-type": ascii_bytes(kind), "encoding-version": ascii_bytes(version)}


def group(kind: str, version: str, members: Mapping[str, Node], **attributes: ArrayLike) -> Group:
    """A group of an encoding; `attributes` are added to its own two."""
    more = {name: np.asarray(value) for name, value in attributes.items()}
    return Group(members, encoding(kind, version) | more)


def array(value: ArrayLike, **attributes: ArrayLike) -> Dataset:
    """A numeric array as a dataset that AnnData reads as well.

    An array in column-major order is marked as such, so that a reader can lay it out as it was:
    matrix products sum in another order otherwise, and the last bits of a prediction differ.
    """
    data = np.asarray(value)
    data = data.astype(data.dtype.newbyteorder("<"), copy=False)
    if dtype_code(data.dtype).startswith("S"):
        raise TypeError("arrays of strings cannot be stored")
    marks = encoding("array", "0.2.0")
    if data.flags.f_contiguous and not data.flags.c_contiguous:
        marks["memory-order"] = ascii_bytes("F")
    return Dataset(data, marks | {name: np.asarray(value) for name, value in attributes.items()})


def growing(node: Dataset) -> Dataset:
    """The dataset with a first axis that has no upper limit, as tables of steps have it."""
    return replace(node, growing=True)


def scale(value: ArrayLike, name: str) -> Dataset:
    """A one-dimensional array that names and labels a dimension of its siblings."""
    ends = np.array(name.encode("ascii"), dtype=f"S{len(name) + 1}")  # HDF5 stores a final NUL
    return array(value, CLASS=np.array(b"DIMENSION_SCALE", dtype="S16"), NAME=ends)


def json(value: str) -> Dataset:
    """A JSON text as an ASCII scalar."""
    return Dataset(ascii_bytes(value), encoding("json", "1.0"))


def json_text(parent: Group, name: str) -> str:
    """The JSON text of the member `name`."""
    return ascii_text(values(parent, name, "json", "1.0"), name)


def ascii_text(value: Array, name: str) -> str:
    """The text of a scalar string array; raises CheckpointError if it is none."""
    if value.dtype.kind != "S" or value.ndim:
        raise CheckpointError(f"{name} is not a text")
    try:
        return bytes(value[()]).decode("ascii")
    except UnicodeDecodeError:
        raise CheckpointError(f"{name} is not ASCII") from None


def walk(root: Group) -> Iterator[tuple[str, Node]]:
    """Yield (path, node) for the root, "/", and everything below it."""
    todo: list[tuple[str, Node]] = [("/", root)]
    while todo:
        path, node = todo.pop()
        yield path, node
        if isinstance(node, Group):
            prefix = path.rstrip("/") + "/"
            todo.extend((prefix + name, member) for name, member in node.members.items())


def attribute_text(node: Described, name: str) -> str:
    """The text of a string attribute, or "" if there is none."""
    value = node.attributes.get(name)
    if value is None or value.dtype.kind != "S" or value.ndim != 0:
        return ""
    return bytes(value[()]).decode("ascii", "replace")


def expect(node: Described | None, path: str, kind: str, version: str) -> None:
    """Check that a node is of an encoding whose major version this reader knows.

    Raises
    ------
    CheckpointError
        If it is missing, of another encoding, or of another major version.
    """
    if node is None:
        raise CheckpointError(f"{path} is missing")
    found = attribute_text(node, "encoding-type"), attribute_text(node, "encoding-version")
    if found[0] != kind or found[1].split(".")[0] != version.split(".")[0]:
        raise CheckpointError(
            f"{path} has the encoding {' '.join(found).strip()!r}, not {kind!r} {version}"
        )


def subgroup(parent: Group, name: str, kind: str, version: str) -> Group:
    """The member `name` of an encoding, which must be a group."""
    node = parent.members.get(name)
    expect(node, name, kind, version)
    if not isinstance(node, Group):
        raise CheckpointError(f"{name} is not a group")
    return node


def values(parent: Group, name: str, kind: str = "array", version: str = "0.2.0") -> Array:
    """The array of the member `name`, laid out in memory as it was when it was stored."""
    node = parent.members.get(name)
    expect(node, name, kind, version)
    if not isinstance(node, Dataset):
        raise CheckpointError(f"{name} is not a dataset")
    if attribute_text(node, "memory-order") == "F":
        return np.asfortranarray(node.value)
    return node.value
