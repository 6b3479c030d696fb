"""Writing outputs, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.series.formats import output_format
from reservoir.series.writing import write_table


def write_steps(
    path: str, outputs: NDArray[Any], names: Sequence[str], steps: NDArray[np.int64]
) -> None:
    """Write outputs (T, M); text gets the number of each step as its first column."""
    index = ("step", steps) if output_format(path) == "csv" else None
    write_table(path, outputs, names, index=index)
