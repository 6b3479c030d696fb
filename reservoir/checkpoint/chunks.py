"""The data of a dataset, read and unfiltered here and not by HDF5.

HDF5 and h5py trust what a file says of a chunk. A checksummed chunk of less than four bytes ends
the process (HDF5 2.0: the length wraps around); `read_direct_chunk` of h5py 3.16 writes beyond its
buffer if the index claims more bytes than an unfiltered chunk has; a deflate stream is inflated
to its end before anyone looks at its length (2 MB in the file, 2 GB of memory). So HDF5 only says
where the bytes are, and the three filters of the format are a few lines of Python, in which every
length is known. Checksums are dropped without a look: the manifest is the stronger one.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from itertools import product

import numpy as np

from reservoir.checkpoint.hdf5 import h5z
from reservoir.checkpoint.header import Hdf5Id, Header
from reservoir.checkpoint.limits import Limits
from reservoir.checkpoint.tree import Array
from reservoir.errors import CheckpointError

_FILTERS = (h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32)
_CHECKSUM = 4  # bytes of fletcher32


def check(header: Header, plist: Hdf5Id, limits: Limits) -> None:
    """Check the filters and the chunk grid of a chunked dataset.

    Parameters
    ----------
    header
        What is known of the dataset.
    plist
        Its creation properties.
    limits
        Bounds on chunks.

    Raises
    ------
    CheckpointError
        If a filter is unknown or repeated, a chunk is too large, or there are too many.
    """
    filters = _filters(plist)
    if any(code not in _FILTERS for code in filters) or len(set(filters)) < len(filters):
        raise CheckpointError(f"{header.path} has filters that are not of the format")
    chunk = plist.get_chunk()
    if math.prod(chunk) * header.dtype.itemsize > limits.chunk:
        raise CheckpointError(f"{header.path} has chunks of more than {limits.chunk:,} bytes")
    if math.prod(_counts(header.shape, chunk)) > limits.chunks:
        raise CheckpointError(f"{header.path} has more than {limits.chunks:,} chunks")


def read(header: Header, plist: Hdf5Id, descriptor: int) -> Array:
    """Read a chunked dataset that `check` has let through.

    Parameters
    ----------
    header
        What is known of the dataset.
    plist
        Its creation properties.
    descriptor
        The open file.

    Raises
    ------
    CheckpointError
        If a chunk is missing or does not have the length that it must have.
    """
    out: Array = np.empty(header.shape, header.dtype)
    filters, shape = _filters(plist), plist.get_chunk()
    for offset in _offsets(header.shape, shape):
        info = header.dataset.get_chunk_info_by_coord(offset)
        if not info.size or info.byte_offset is None:
            raise CheckpointError(f"is damaged: {header.path} has chunks that are not stored")
        raw = stored(descriptor, info.byte_offset, info.size, header.path)
        applied = [code for bit, code in enumerate(filters) if not info.filter_mask >> bit & 1]
        decoded = _decode(raw, applied, math.prod(shape), header.dtype.itemsize)
        if decoded is None:
            raise CheckpointError(f"is damaged: {header.path} has a chunk of the wrong length")
        target = tuple(
            slice(start, min(start + step, length))
            for start, step, length in zip(offset, shape, header.shape, strict=True)
        )
        chunk = decoded.view(header.dtype).reshape(shape)
        out[target] = chunk[tuple(slice(part.stop - part.start) for part in target)]
    return out


def stored(descriptor: int, start: int, size: int, path: str) -> bytearray:
    """Read bytes of the file, if it has them.

    Raises
    ------
    CheckpointError
        If not; `path` is the dataset that they belong to.
    """
    if start + size > os.fstat(descriptor).st_size:
        raise CheckpointError(f"is damaged: {path} claims bytes beyond the end of the file")
    raw = bytearray(size)
    view, done = memoryview(raw), 0
    while done < size:  # one call reads 2 GiB at most
        count = os.preadv(descriptor, [view[done:]], start + done)
        if count == 0:
            raise CheckpointError(f"is damaged: {path} was cut while it was read")
        done += count
    return raw


def _filters(plist: Hdf5Id) -> list[int]:
    """The codes of the filters, in the order in which a writer applies them."""
    return [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]


def _counts(shape: tuple[int, ...], chunk: tuple[int, ...]) -> list[int]:
    return [-(-length // step) for length, step in zip(shape, chunk, strict=True)]


def _offsets(shape: tuple[int, ...], chunk: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for index in product(*(range(count) for count in _counts(shape, chunk))):
        yield tuple(i * step for i, step in zip(index, chunk, strict=True))


def _decode(raw: bytes | bytearray, filters: list[int], size: int, itemsize: int) -> Array | None:
    """Undo the filters; None if the result does not have `size` items of `itemsize` bytes."""
    nbytes = size * itemsize
    for code in reversed(filters):
        if code == h5z.FILTER_FLETCHER32:
            raw = raw[:-_CHECKSUM]
        elif code == h5z.FILTER_DEFLATE:
            try:
                raw = zlib.decompressobj().decompress(raw, nbytes + _CHECKSUM + 1)
            except zlib.error:
                return None
        elif len(raw) == nbytes:  # shuffle: all first bytes, then all second bytes, ...
            raw = np.frombuffer(raw, np.uint8).reshape(itemsize, size).T.tobytes()
    return np.frombuffer(raw, np.uint8) if len(raw) == nbytes else None
