"""The Santa Fe laser: 10,093 intensities of a far-infrared laser in a chaotic state.

Data set A of the Santa Fe time series competition with its continuation (Weigend & Gershenfeld
1994; measured by Huebner, Abraham & Weiss, Phys. Rev. A 40, 6354, 1989). Slow growth of an
oscillation is broken by sudden collapses, which are what is hard to forecast.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from reservoir.series.table import open_table

FILE = "santafe_laser.h5"


def santafe_laser() -> NDArray[np.float64]:
    """The series, shape (10093, 1), intensities from 0 to 255.

    Source and licence are attributes of the data set in the file.
    """
    with as_file(files(__package__) / FILE) as path, open_table(path) as table:
        return np.asarray(table.values[:], dtype=np.float64)
