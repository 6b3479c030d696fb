"""The safetensors format: named arrays, read strictly and written.

Eight bytes, little-endian, hold the length of a header; the header is a JSON object, from names to
``{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}``; the data follow, in C order, and
nothing else: no gap, no overlap, no rest. ``__metadata__`` is a name for a note of strings.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.checkpoint import jsontext
from reservoir.checkpoint.limits import MAX_BYTES, Limits
from reservoir.errors import CheckpointError, DataError

METADATA = "__metadata__"
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "<u1",
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items() if name not in ("BF16", "BOOL")}
MAX_DIMENSIONS = 16


class _Entry(NamedTuple):
    """One array, as the header declares it."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(path: str, max_bytes: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Read all arrays of a safetensors file, in the order of their data.

    Parameters
    ----------
    path : str
        The file.
    max_bytes : int
        Refuse files of more bytes than this.

    Returns
    -------
    dict of str to ndarray
        bfloat16, which NumPy lacks, as the float32 of the same value.

    Raises
    ------
    DataError
        The file is damaged, cut off, of another format, or too large.
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise DataError(f"{path}: the file has {size:,} bytes, allowed are {max_bytes:,}")
        try:
            entries = _header(file, size)
            arrays = {name: _array(file, entry) for name, entry in entries.items()}
        except CheckpointError as error:
            raise DataError(f"{path}: the file is damaged or not safetensors: {error}") from None
    return arrays


def safetensors(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The content of a safetensors file: the same arrays, the same bytes.

    Raises
    ------
    DataError
        An array is of a type that the format does not have.
    """
    header: dict[str, Any] = {}
    data = []
    start = 0
    for name, given in arrays.items():
        array = np.asarray(given, given.dtype.newbyteorder("<"), order="C")
        if array.dtype.str.replace("|", "<") not in NAMES or name == METADATA:
            raise DataError(f"{name}: {given.dtype} cannot be written as safetensors")
        end = start + array.nbytes
        dtype = NAMES[array.dtype.str.replace("|", "<")]
        header[name] = {"dtype": dtype, "shape": given.shape, "data_offsets": [start, end]}
        data.append(array.tobytes())
        start = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)  # the data begin aligned
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def _header(file: BinaryIO, size: int) -> dict[str, _Entry]:
    """What the file declares, checked against its size; afterwards the data begin."""
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > size - 8:
        raise CheckpointError(f"its header would have {length:,} bytes, the file has {size:,}")
    if length > Limits.text:
        raise CheckpointError(f"its header has more than {Limits.text:,} bytes")
    try:
        text = file.read(length).decode("utf-8")
    except UnicodeDecodeError:
        raise CheckpointError("its header is no text") from None
    declared = jsontext.loads(text, "its header")
    declared.pop(METADATA, None)
    if len(declared) > Limits.objects:
        raise CheckpointError(f"it has more than {Limits.objects:,} arrays")
    entries = {name: _entry(name, found) for name, found in declared.items()}
    entries = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    end = 0
    for name, entry in entries.items():
        if entry.begin != end:
            raise CheckpointError(f"the data of {name[:100]!r} begin at {entry.begin}, not {end}")
        end = entry.end
    if end != size - 8 - length:
        raise CheckpointError(f"it declares {end:,} bytes of data and has {size - 8 - length:,}")
    return entries


def _entry(name: str, found: Any) -> _Entry:
    """One entry of the header."""
    label = repr(name[:100])
    if not isinstance(found, dict) or found.keys() != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"{label} must have dtype, shape and data_offsets, and no more")
    dtype, shape, offsets = found["dtype"], found["shape"], found["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise CheckpointError(f"{label} has the type {str(dtype)[:20]!r}, which is not read")
    if not _naturals(shape) or len(shape) > MAX_DIMENSIONS:
        raise CheckpointError(f"{label} has the shape {str(shape)[:100]}")
    if not _naturals(offsets) or len(offsets) != 2:
        raise CheckpointError(f"{label} has the data_offsets {str(offsets)[:100]}")
    begin, end = offsets
    if end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
        raise CheckpointError(f"{label} of shape {shape} cannot have {end - begin} bytes")
    return _Entry(dtype, tuple(shape), begin, end)


def _naturals(found: Any) -> bool:
    """Whether this is a list of whole numbers below 2^63."""
    return isinstance(found, list) and all(type(n) is int and 0 <= n < 2**63 for n in found)


def _array(file: BinaryIO, entry: _Entry) -> NDArray[Any]:
    data = file.read(entry.end - entry.begin)
    if len(data) < entry.end - entry.begin:
        raise CheckpointError("it is cut off")
    raw = np.frombuffer(data, DTYPES[entry.dtype]).reshape(entry.shape)
    if entry.dtype == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw != 0 if entry.dtype == "BOOL" else raw.astype(raw.dtype.newbyteorder("="))
