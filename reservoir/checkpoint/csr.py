"""Sparse matrices as AnnData's ``csr_matrix`` groups.

A compiled kernel does not check indices: a wrong one reads or writes memory that is not its own.
So no matrix leaves this module, in either direction, before its index arrays are checked.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from reservoir.checkpoint import layout, tree
from reservoir.checkpoint.layout import Entry, Layout
from reservoir.checkpoint.tree import Array, Group
from reservoir.errors import CheckpointError

KIND, VERSION = "csr_matrix", "0.1.0"  # AnnData's names


def to_group(matrix: sparse.csr_array) -> Group:
    """Store a matrix; its arrays are kept as they are.

    Raises
    ------
    CheckpointError
        If the column indices of a row are not sorted or an index is out of range.
    """
    check(matrix.indices, matrix.indptr, matrix.shape)
    arrays = {name: tree.array(getattr(matrix, name)) for name in ("data", "indices", "indptr")}
    return tree.group(KIND, VERSION, arrays, shape=np.array(matrix.shape, dtype="<i8"))


def entries(path: str, shape: tuple[int, int], nonzeros: int, dtypes: tuple[str, ...]) -> Layout:
    """What the arrays of the group at `path` must be."""
    return {
        f"{path}/data": Entry(dtypes, (nonzeros,)),
        f"{path}/indices": Entry(layout.INDEX, (nonzeros,)),
        f"{path}/indptr": Entry(layout.INDEX, (shape[0] + 1,)),
    }


def from_group(group: Group, path: str, shape: tuple[int, int]) -> sparse.csr_array:
    """Make a matrix of the group at `path`, whose arrays have passed the layout check.

    Raises
    ------
    CheckpointError
        If the group is of another encoding or shape, or its indices are not those of a matrix.
    """
    tree.expect(group, path, KIND, VERSION)
    stored = group.attributes.get("shape")
    if stored is None or stored.dtype.kind not in "iu" or tuple(stored.ravel()) != shape:
        raise CheckpointError(f"{path} does not have the shape {shape} of the config")
    data, indices, indptr = (tree.values(group, name) for name in ("data", "indices", "indptr"))
    try:
        check(indices, indptr, shape)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    matrix = sparse.csr_array(shape, dtype=data.dtype)
    # Set, not passed: the constructor may choose an index type of its own.
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    matrix.has_canonical_format = True
    return matrix


def check(indices: Array, indptr: Array, shape: tuple[int, ...]) -> None:
    """Check that index arrays are those of a canonical CSR matrix.

    Raises
    ------
    CheckpointError
        If `indptr` does not rise from 0 to the number of entries, or the columns of a row are
        out of range, unsorted or doubled.
    """
    rows, columns = shape
    if indptr.shape != (rows + 1,):
        raise CheckpointError(f"indptr has length {indptr.size}, not {rows + 1}")
    if indptr[0] != 0 or indptr[-1] != indices.size or np.any(indptr[1:] < indptr[:-1]):
        raise CheckpointError("indptr does not rise from 0 to the number of entries")
    if indices.size and (indices.min() < 0 or indices.max() >= columns):
        raise CheckpointError(f"a column index is not in 0..{columns - 1}")
    rises = indices[1:] > indices[:-1]
    starts = indptr[1:-1]  # where a new row begins, the column may fall
    rises[starts[(starts > 0) & (starts < indices.size)] - 1] = True
    if not rises.all():
        raise CheckpointError(
            "the column indices of a row are unsorted or doubled (sum_duplicates() mends that)"
        )
