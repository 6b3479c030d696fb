"""R^2 of outputs that come piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from reservoir import threads
from reservoir.errors import DataError
from reservoir.esn.pairing import Data
from reservoir.esn.piece import Piece
from reservoir.series.tally import Tally


def r_squared(
    data: Data, pieces: Iterable[Piece], scored: Sequence[slice], sample_weight: Any = None
) -> float:
    """Coefficient of determination, the mean over the targets, as scikit-learn has it.

    A constant target counts as 1 if it is met and as 0 otherwise.

    Parameters
    ----------
    scored
        The steps of each series that count; those with a missing target do not.
    sample_weight : (T,), or one such array a series, optional

    Raises
    ------
    DataError
        Fewer than two steps count, or the weights are not one a step.
    """
    one = data.inputs.form == "one"
    weights = None
    if sample_weight is not None:
        weights = [np.asarray(w) for w in ([sample_weight] if one else sample_weight)]
        if [w.shape for w in weights] != [(n,) for n in data.inputs.lengths]:
            raise DataError("sample_weight needs one number a step of each series")
    tally = Tally(data.targets.columns)
    with threads.single_blas():
        for piece in pieces:
            steps = scored[piece.series]
            start = max(piece.start, steps.start)
            stop = min(piece.start + len(piece.outputs), steps.stop)
            if start >= stop:
                continue
            truth = data.targets.read(piece.series, start, stop, nan=data.skip_missing)
            kept = ~np.isnan(truth).any(axis=1)
            said = piece.outputs[start - piece.start : stop - piece.start]
            given = None if weights is None else weights[piece.series][start:stop][kept]
            tally.add(truth[kept], said[kept], given)
    if tally.steps[0] < 2:
        raise DataError(f"{int(tally.steps[0])} scored steps: R^2 needs at least 2")
    varies = tally.deviation > 0
    unexplained = tally.squared / np.where(varies, tally.spread, 1.0)
    exact = np.where(tally.squared == 0, 1.0, 0.0)
    return float(np.where(varies, 1.0 - unexplained, exact).mean())
