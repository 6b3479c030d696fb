"""The steps of a run as they are done: one JSON object a line, to be watched while it goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from reservoir.checkpoint import History
from reservoir.series.atomic import write_atomically

METRICS = "metrics.jsonl"


class Metrics:
    """The file of the metrics, open at its end.

    Parameters
    ----------
    path : Path
    history : History
        The steps up to the checkpoint that a run goes on from. The file is made anew of them, so
        that steps after it, which are done again, do not appear twice.
    """

    def __init__(self, path: Path, history: History) -> None:
        write_atomically(path, "".join(map(_line, _rows(history))).encode("ascii"))
        self._file = path.open("a", encoding="ascii")

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a step so that whoever watches sees it."""
        self._file.write(_line(row))
        self._file.flush()

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _rows(history: History) -> Iterator[dict[str, Any]]:
    columns = {name: column.tolist() for name, column in history.arrays().items()}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _line(row: Mapping[str, Any]) -> str:
    return f"{json.dumps({name: _plain(value) for name, value in row.items()})}\n"


def _plain(value: Any) -> Any:
    """Null for what is not finite, which JSON cannot say; flags as the history has them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(value) if isinstance(value, bool | np.bool_) else value
