"""The irreducible parts of a matrix: the strongly connected components of its graph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


def cyclic_blocks(A: sparse.csr_array) -> Iterator[sparse.csr_array]:
    """Take a matrix apart into the diagonal blocks that have a cycle, larger first.

    Ordered by components, a matrix is block triangular: its eigenvalues are those of the blocks
    together. A unit in no cycle but its own connection to itself has the eigenvalue of that
    weight: only the largest of these is given, and none without such a connection. So a matrix
    without any block is nilpotent.

    Parameters
    ----------
    A : csr_array, shape (N, N)
        Without stored zeros.

    Yields
    ------
    csr_array, shape (n, n)
        An irreducible matrix with at least one non-zero; the shapes sum to N or less.
    """
    count, labels = connected_components(A, directed=True, connection="strong")
    if count == 1:
        if A.nnz > 0:  # else one unit without a connection
            yield A
        return
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(sizes)
    for label in np.argsort(-sizes, kind="stable"):
        if sizes[label] == 1:
            break
        members = order[ends[label] - sizes[label] : ends[label]]
        yield A[members][:, members]
    alone = np.abs(A.diagonal()) * (sizes[labels] == 1)
    unit = int(alone.argmax())
    if alone[unit] > 0.0:
        yield A[[unit]][:, [unit]]
