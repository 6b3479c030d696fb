"""Nested Python values as one JSON text beside the arrays that occur in it.

This holds what the record of a model does not: the parameters of an estimator, the accumulators
of a fit in progress. JSON values stay JSON; each array becomes a dataset (or a group, if sparse)
and leaves a placeholder that says what it must be. Placeholders are objects with one of the
names below (SPECIFICATION.md, 3.4).

    {"$array": name, "dtype": "float64", "shape": [3, 4]}
    {"$csr": name, "dtype": "float64", "shape": [3, 4], "nonzeros": 5}
    {"$float": "nan"}   {"$tuple": [...]}   {"$dict": [[key, value], ...]}
    {"$dtype": "float32"}   {"$random": {...}}   {"$object": class, "options": {...}}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.checkpoint import csr, jsontext, objects, random_state, tree
from reservoir.checkpoint.entries import MAX_LENGTH
from reservoir.checkpoint.layout import Entry, Layout
from reservoir.checkpoint.tree import Group, Node
from reservoir.errors import CheckpointError

KIND, VERSION = "document", "1.0"
JSON = "json"  # the member with the text

# NumPy's names of the types, and the codes of the datasets that hold them.
CODES = {np.dtype(code).name: code for code in tree.NUMBERS} | {"bool": "u1"}


def to_group(document: Mapping[str, Any]) -> Group:
    """Store a mapping of names to values.

    Values may be None, bool, int, float, str, lists, tuples and dictionaries of such, NumPy
    scalars (which come back as Python's), arrays of numbers or booleans, CSR matrices, float
    types, NumPy's random generators, and objects of the classes in `objects.HOMES`.

    Raises
    ------
    TypeError
        For anything else; the message names where it stands.
    """
    members: dict[str, Node] = {}
    encoded = _encode_mapping(document, "", members)
    members[JSON] = tree.json(jsontext.dumps(encoded))
    return tree.group(KIND, VERSION, members)


def layout(text: str, path: str) -> Layout:
    """What the datasets beside a JSON text must be, by its placeholders.

    Raises
    ------
    CheckpointError
        If a placeholder is not well-formed or two of them name one dataset.
    """
    found: Layout = {}
    todo: list[Any] = [jsontext.loads(text, f"{path}/{JSON}")]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo.extend(value)
        elif isinstance(value, dict) and not value.keys() & {"$array", "$csr"}:
            todo.extend(value.values())
        elif isinstance(value, dict):
            new = _entries(value, path)
            if new.keys() & found.keys():
                raise CheckpointError(f"{path}/{JSON} names one dataset twice")
            found |= new
    return found


def from_group(group: Group, path: str) -> dict[str, Any]:
    """Restore the mapping from a group that has passed the layout check.

    Raises
    ------
    CheckpointError
        If the group is of another encoding or a placeholder is unknown.
    """
    tree.expect(group, path, KIND, VERSION)
    document = jsontext.loads(tree.json_text(group, JSON), f"{path}/{JSON}")
    value = _decode(document, group, path)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}/{JSON} is not a mapping")
    return value


def _encode(value: Any, where: str, members: dict[str, Node]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if objects.is_known(value):  # first: one of them is a tuple too
        options = _encode_mapping(objects.options(value), where, members)
        return {"$object": type(value).__name__, "options": options}
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        case list():
            return [_encode(item, f"{where}.{i}", members) for i, item in enumerate(value)]
        case tuple():
            items = [_encode(item, f"{where}.{i}", members) for i, item in enumerate(value)]
            return {"$tuple": items}
        case Mapping():
            return _encode_mapping(value, where, members)
        case np.ndarray():
            return _encode_array(value, where, members)
        case sparse.csr_array() | sparse.csr_matrix():
            name = _free_name(where, members)
            members[name] = csr.to_group(value)
            size = {"shape": list(value.shape), "nonzeros": int(value.indices.size)}
            return {"$csr": name, "dtype": _type_name(value.dtype, where)} | size
        case np.dtype():
            return {"$dtype": _type_name(value, where)}
        case type() if issubclass(value, np.generic):
            return {"$dtype": _type_name(np.dtype(value), where)}
        case np.random.Generator() | np.random.RandomState():
            return {"$random": random_state.to_json(value)}
    raise TypeError(f"{where} cannot be stored: it is of the type {type(value).__name__}")


def _encode_mapping(
    value: Mapping[Any, Any], where: str, members: dict[str, Node]
) -> dict[str, Any]:
    places = {key: f"{where}.{key}".lstrip(".") for key in value}
    pairs = [(key, _encode(item, places[key], members)) for key, item in value.items()]
    if all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    return {"$dict": [[_encode(key, places[key], members), item] for key, item in pairs]}


def _encode_array(value: NDArray[Any], where: str, members: dict[str, Node]) -> dict[str, Any]:
    dtype = _type_name(value.dtype, where)
    name = _free_name(where, members)
    members[name] = tree.array(value.astype(np.uint8) if dtype == "bool" else value)
    return {"$array": name, "dtype": dtype, "shape": list(value.shape)}


def _free_name(where: str, members: Mapping[str, Node]) -> str:
    """A name for a dataset, after the place of its array in the document."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", where)[:200].lstrip(".") or "_"
    while name in members or name == JSON:
        name += "_"
    return name


def _type_name(dtype: np.dtype[Any], where: str) -> str:
    name = dtype.name
    if name not in CODES:
        raise TypeError(f"{where} cannot be stored: it is of the type {name}")
    return name


def _entries(value: dict[str, Any], path: str) -> Layout:
    """What the dataset or the sparse group of a placeholder must be."""
    kind = "$array" if "$array" in value else "$csr"
    name, dtype, shape = value[kind], value.get("dtype"), value.get("shape")
    if not isinstance(name, str) or dtype not in CODES or not _is_shape(shape):
        raise CheckpointError(f"{path}/{JSON} has a placeholder that is not well-formed")
    code, place = CODES[dtype], f"{path}/{name}"
    if kind == "$array":
        return {place: Entry((code,), tuple(shape))}
    nonzeros = [value.get("nonzeros")]
    if len(shape) != 2 or not _is_shape(nonzeros):
        raise CheckpointError(f"{path}/{JSON} has a placeholder that is not well-formed")
    return csr.entries(place, (shape[0], shape[1]), nonzeros[0], (code,))


def _is_shape(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(length, int) and not isinstance(length, bool) and 0 <= length <= MAX_LENGTH
        for length in value
    )


def _decode(value: Any, group: Group, path: str) -> Any:
    if isinstance(value, list):
        return [_decode(item, group, path) for item in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        data = tree.values(group, value["$array"])
        return data != 0 if value["dtype"] == "bool" else data
    if "$csr" in value:
        name, shape = value["$csr"], (value["shape"][0], value["shape"][1])
        member = group.members.get(name)
        if not isinstance(member, Group):
            raise CheckpointError(f"{path}/{name} is not a group")
        return csr.from_group(member, f"{path}/{name}", shape)
    match value:
        case {"$float": ("nan" | "inf" | "-inf") as number}:
            return float(number)
        case {"$tuple": list(items)}:
            return tuple(_decode(item, group, path) for item in items)
        case {"$dict": list(pairs)}:
            return _decode_pairs(pairs, group, path)
        case {"$dtype": str(name)} if name in CODES:
            return np.dtype(name)
        case {"$random": dict(state)}:
            return random_state.from_json(state)
        case {"$object": name, "options": dict(options)}:
            return objects.made(name, _decode(options, group, path), f"{path}/{JSON}")
    if any(key.startswith("$") for key in value):
        raise CheckpointError(f"{path}/{JSON} has a placeholder of an unknown kind")
    return {key: _decode(item, group, path) for key, item in value.items()}


def _decode_pairs(pairs: list[Any], group: Group, path: str) -> dict[Any, Any]:
    try:
        return {_decode(key, group, path): _decode(item, group, path) for key, item in pairs}
    except (TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}/{JSON} has a placeholder that is not well-formed") from None
