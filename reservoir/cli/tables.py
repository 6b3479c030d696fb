"""Writing outputs, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from reservoir.cli.data import Spans
from reservoir.esn.model import ESN
from reservoir.esn.piece import Piece
from reservoir.series.formats import output_format
from reservoir.series.outline import Outline
from reservoir.series.writing import write_pieces, write_table


def write_steps(path: str, outputs: NDArray[Any], names: Sequence[str], steps: range) -> None:
    """Write outputs (T, M); text gets the number of each step as its first column."""
    index = ("step", steps) if output_format(path) == "csv" else None
    write_table(path, outputs, names, index=index)


def write_outputs(path: str, model: ESN, inputs: Spans, pieces: Iterable[Piece]) -> None:
    """Write the outputs along some series as they come; several only to HDF5.

    One series is the dataset ``values``; several are ``series_0``, ``series_1``, ... in their
    order, with as many digits as the last one has, and an attribute ``source``.
    """
    tables = [
        Outline((n, len(model.target_names)), model.reservoir.dtype, model.target_names)
        for n in inputs.lengths
    ]
    if len(tables) > 1:
        digits = len(str(len(tables) - 1))
        tables = [
            replace(table, name=f"series_{i:0{digits}}", source=span.table.source)
            for i, (table, span) in enumerate(zip(tables, inputs.series, strict=True))
        ]
    index = ("step", range(tables[0].shape[0])) if output_format(path) == "csv" else None
    rows = ((piece.series, piece.start, piece.outputs) for piece in pieces)
    write_pieces(path, tables, rows, index=index)
