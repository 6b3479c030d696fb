"""Filters and chunks: what a dataset may ask HDF5 to do before its bytes become numbers."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from reservoir.checkpoint.hdf5 import h5z
from reservoir.checkpoint.limits import Limits
from reservoir.checkpoint.tree import Array
from reservoir.errors import CheckpointError

Hdf5Id: TypeAlias = Any  # one of h5py's low-level identifiers

_FILTERS = (h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32)


@dataclass(frozen=True, eq=False)
class Header:
    """What the walk has learned of one object; `dataset` is None for a group."""

    path: str
    attributes: dict[str, Array]
    dataset: Hdf5Id = None
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype("u1"))
    shape: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def check(header: Header, plist: Hdf5Id, limits: Limits) -> None:
    """Check the filters and chunks of a chunked dataset.

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
    filters = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
    if any(code not in _FILTERS for code in filters) or len(set(filters)) < len(filters):
        raise CheckpointError(f"{header.path} has filters that are not of the format")
    chunk = plist.get_chunk()
    nbytes = math.prod(chunk) * header.dtype.itemsize
    if nbytes > limits.chunk:
        raise CheckpointError(f"{header.path} has chunks of more than {limits.chunk:,} bytes")
    counts = [-(-length // step) for length, step in zip(header.shape, chunk, strict=True)]
    if math.prod(counts) > limits.chunks:
        raise CheckpointError(f"{header.path} has more than {limits.chunks:,} chunks")
    if h5z.FILTER_DEFLATE in filters and header.nbytes:
        skipped = 1 << filters.index(h5z.FILTER_DEFLATE)
        for index in product(*(range(count) for count in counts)):
            offset = tuple(i * step for i, step in zip(index, chunk, strict=True))
            _inflates_to(header, offset, nbytes, skipped)


def _inflates_to(header: Header, offset: tuple[int, ...], nbytes: int, skipped: int) -> None:
    """Refuse a chunk whose deflate stream is longer than the chunk.

    HDF5 inflates a stream to its end before it looks at the length: 2 MB in the file took 2 GB
    of memory.
    """
    info = header.dataset.get_chunk_info_by_coord(offset)
    if not info.size or info.filter_mask & skipped:
        return
    _, raw = header.dataset.read_direct_chunk(offset)
    checksum = 4  # fletcher32 before deflate
    try:
        inflated = zlib.decompressobj().decompress(raw, nbytes + checksum + 1)
    except zlib.error:
        raise CheckpointError(f"is damaged: {header.path} does not inflate") from None
    if len(inflated) > nbytes + checksum:
        raise CheckpointError(f"{header.path} has a chunk that inflates beyond its size")
