"""Products of tall matrices, ``Z' Z`` and ``Z V``, in vector registers.

Z is kept in panels of a few neighbouring columns, so that a panel's rows are contiguous. A tile of
the product, PANEL by COLUMNS sums, stays in registers while rows go by: for each row the left
panel's values are loaded as vectors and multiplied with one value of the right panel after the
other. (BLAS packs both sides into the same form at every call; here rows are packed once, as they
come.) Every tile is summed in the order of the rows, whatever the number of threads.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from reservoir.kernels.compile import kernel
from reservoir.kernels.vectors import VECTOR_BITS, splat, vector_fma

VECTORS = 3  # of a panel's row
COLUMNS = 8 if VECTOR_BITS == 512 else 4  # of the right panel at a time: as registers allow
PANEL = VECTORS * VECTOR_BITS // 64  # columns of a panel
ROWS = 128  # of two panels that stay in the first-level cache


@intrinsic
def _add_tile(
    typing: Any,
    a: Any,
    left: Any,
    b: Any,
    right: Any,
    column: Any,
    start: Any,
    stop: Any,
    out: Any,
    place: Any,
    pitch: Any,
) -> Any:
    """``out[place + j pitch + i] += a[left, start:stop, i] @ b[right, start:stop, column + j]``.

    a, b: (panels, rows, PANEL), equally many rows; for j < COLUMNS and all i.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a_array, b_array, out_array = (
            context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 2, 7)
        )
        _, left, _, right, column, start, stop, _, base, pitch = args
        word, item = ir.IntType(64), ir.DoubleType()
        width = VECTOR_BITS // 64
        vector = ir.VectorType(item, width)
        add = vector_fma(builder, vector, f"v{width}f64")
        rows = cgutils.unpack_tuple(builder, a_array.shape, 3)[1]

        def load(data: Any, offset: Any) -> Any:
            address = builder.gep(data, [offset], inbounds=True)
            value = builder.load(builder.bitcast(address, vector.as_pointer()))
            value.align = 8
            return value

        offsets = []
        for j in range(COLUMNS):
            row = builder.add(base, builder.mul(pitch, word(j)))
            offsets.append([builder.add(row, word(v * width)) for v in range(VECTORS)])
        totals = [[cgutils.alloca_once(builder, vector) for _ in row] for row in offsets]
        for places, row in zip(offsets, totals, strict=True):
            for place, total in zip(places, row, strict=True):
                builder.store(load(out_array.data, place), total)
        from_left = builder.mul(builder.mul(left, rows), word(PANEL))
        from_right = builder.add(builder.mul(builder.mul(right, rows), word(PANEL)), column)
        with cgutils.for_range_slice(builder, start, stop, word(1), word) as (t, _):
            at = builder.mul(t, word(PANEL))
            here = builder.add(from_left, at)
            there = builder.add(from_right, at)
            lefts = [load(a_array.data, builder.add(here, word(v * width))) for v in range(VECTORS)]
            for j, row in enumerate(totals):
                address = builder.gep(b_array.data, [builder.add(there, word(j))], inbounds=True)
                factor = splat(builder, builder.load(address), vector)
                for value, total in zip(lefts, row, strict=True):
                    builder.store(builder.call(add, [value, factor, builder.load(total)]), total)
        for places, row in zip(offsets, totals, strict=True):
            for place, total in zip(places, row, strict=True):
                address = builder.gep(out_array.data, [place], inbounds=True)
                target = builder.bitcast(address, vector.as_pointer())
                builder.store(builder.load(total), target).align = 8
        return context.get_dummy_value()

    return types.void(a, left, b, right, column, start, stop, out, place, pitch), generate


@kernel
def pack(rows: Any, column: int, at: int, z: Any) -> None:
    """Write ``rows`` (n, F) to row ``at`` and column ``column`` of the panels."""
    columns = rows.shape[1]
    first, last = column // PANEL, (column + columns + PANEL - 1) // PANEL
    for t in range(rows.shape[0]):
        for p in range(first, last):
            shift = p * PANEL - column
            begin, end = max(0, shift), min(columns, shift + PANEL)
            panel, row = z[p, at + t], rows[t]
            for i in range(begin, end):
                panel[i - shift] = row[i]


@kernel
def centre(z: Any, start: int, stop: int, count: int, means: Any) -> None:
    """Subtract its mean from each column of panels ``start:stop``, over ``count`` rows.

    Parameters
    ----------
    z : (panels, rows, PANEL)
    means : (panels, PANEL)
        Filled.
    """
    for p in range(start, stop):
        for i in range(PANEL):
            means[p, i] = 0.0
        for t in range(count):
            for i in range(PANEL):
                means[p, i] += z[p, t, i]
        for i in range(PANEL):
            means[p, i] /= count
        for t in range(count):
            for i in range(PANEL):
                z[p, t, i] -= means[p, i]


@kernel
def add_products(z: Any, start: int, stop: int, count: int, sums: Any) -> None:
    """Add the products of panels ``start:stop`` with those up to each of them.

    Parameters
    ----------
    z : (panels, rows, PANEL)
        Of which the first ``count`` rows.
    sums : (panels (panels + 1) / 2, PANEL, PANEL)
        ``sums[p (p + 1) / 2 + q, j, i]`` is the product of column i of panel p and column j of
        panel q <= p.
    """
    flat = sums.ravel()
    for right in range(stop):
        for left in range(max(start, right), stop):
            tile = (left * (left + 1) // 2 + right) * PANEL * PANEL
            for begin in range(0, count, ROWS):
                end = min(begin + ROWS, count)
                for column in range(0, PANEL, COLUMNS):
                    place = tile + column * PANEL
                    _add_tile(z, left, z, right, column, begin, end, flat, place, PANEL)


@kernel
def pack_transposed(rows: Any, mean: Any, panels: Any) -> None:
    """``panels[q, f, r] = rows[q PANEL + r, f] - mean[f]``, zero beyond the last row.

    Parameters
    ----------
    rows : (n, F), mean : (F,)
    panels : (ceil(n / PANEL), F, PANEL)
    """
    count, features = rows.shape
    for q in range(panels.shape[0]):
        for r in range(PANEL):
            t = q * PANEL + r
            for f in range(features):
                panels[q, f, r] = rows[t, f] - mean[f] if t < count else 0.0


@kernel
def multiply(left: Any, right: Any, out: Any) -> None:
    """Add the product of two packed matrices to ``out``.

    Parameters
    ----------
    left : (L, F, PANEL)
        Columns of the right factor: ``left[p, f, i]`` is its element (f, p PANEL + i).
    right : (R, F, PANEL)
        Rows of the left factor, from ``pack_transposed``.
    out : (R PANEL, L PANEL)
    """
    flat, width, depth = out.ravel(), out.shape[1], left.shape[1]
    for p in range(left.shape[0]):
        for q in range(right.shape[0]):
            for begin in range(0, depth, ROWS):
                end = min(begin + ROWS, depth)
                for column in range(0, PANEL, COLUMNS):
                    place = (q * PANEL + column) * width + p * PANEL
                    _add_tile(left, p, right, q, column, begin, end, flat, place, width)
