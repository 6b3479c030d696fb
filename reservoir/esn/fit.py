"""Fitting: series in, a complete ESN record out, in one pass (two for "loo")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.errors import DataError
from reservoir.esn.gathering import Gathering, Settings
from reservoir.esn.model import ESN, Reservoir
from reservoir.esn.pairing import Data
from reservoir.esn.predict import check_inputs, read_out
from reservoir.esn.progress import Progress
from reservoir.esn.ridge import solve
from reservoir.esn.statistics import SUMS, Statistics
from reservoir.series.scaler import Scaler


@dataclass(frozen=True)
class Labels:
    """What the columns are, and how targets relate to inputs."""

    continues: NDArray[np.int64]  # (M,) as in the ESN record
    horizon: int
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]


def labels_of(data: Data, names: tuple[str, ...]) -> Labels:
    """Those of an estimator: with a horizon the targets are the inputs, else they are numbered."""
    if data.horizon:
        return Labels(np.arange(len(names)), data.horizon, names, names)
    targets = data.targets.columns
    numbered = tuple(f"y{i}" for i in range(targets))
    return Labels(np.full(targets, -1, np.int64), 0, names, numbered)


def fit(
    reservoir: Reservoir,
    data: Data,
    scalers: tuple[Scaler, Scaler],
    settings: Settings,
    labels: Labels,
    entropy: int = 0,
) -> tuple[ESN, Progress]:
    """Fit a readout on all series.

    Parameters
    ----------
    scalers
        Of inputs and targets.
    entropy
        Seed of the state noise.

    Raises
    ------
    DataError
        Series that do not pair up or are too short, values that are not finite.
    """
    data.check(settings.washout)
    if data.horizon and reservoir.W_fb.shape[1]:
        raise DataError(
            f"feedback needs the target of each step; expected no horizon, got {data.horizon}"
        )
    gathering = Gathering(reservoir, data, scalers, settings, entropy)
    statistics = gathering.statistics()
    with threads.single_blas():
        readout, path = solve(statistics, settings.ridge, gathering.rows)
    ends = gathering.harvest.ends
    model = ESN(
        reservoir=reservoir,
        input_scaler=scalers[0],
        target_scaler=scalers[1],
        readout=readout,
        ridge_path=path,
        continues=labels.continues,
        washout=settings.washout,
        horizon=labels.horizon,
        input_names=labels.input_names,
        target_names=labels.target_names,
        end=ends[-1],
    )
    progress = Progress(statistics, tuple(ends), entropy, len(data.inputs.series))
    return _with_output(model), progress


def fit_more(
    model: ESN, progress: Progress, data: Data, settings: Settings, *, continued: bool = False
) -> tuple[ESN, Progress]:
    """Add series to a fit; the model and the progress given stay as they are.

    Parameters
    ----------
    continued
        Whether the series go on where those of the call before ended, without a washout.

    Raises
    ------
    DataError
        As ``fit``; or columns or series that do not go with the earlier ones.
    """
    data.check(0 if continued else settings.washout)
    if continued and len(progress.ends) != len(data.inputs.series):
        raise DataError(
            f"continued: {len(data.inputs.series)} series cannot go on where "
            f"{len(progress.ends)} ended"
        )
    check_inputs(model, data.inputs)
    if data.horizon != model.horizon:
        raise DataError(
            f"the targets are {data.horizon} steps ahead of the inputs, the model was fitted with "
            f"{model.horizon}; give y if it was given before, and only then"
        )
    if _has_direct(model) != settings.direct:
        raise DataError(
            f"direct={settings.direct}: the model was fitted with direct={not settings.direct}"
        )
    if data.targets.columns != len(model.continues):
        raise DataError(
            f"{data.targets.name} has {data.targets.columns} columns, the model was fitted with "
            f"{len(model.continues)}"
        )
    gathering = Gathering(
        model.reservoir,
        data,
        (model.input_scaler, model.target_scaler),
        settings,
        progress.entropy,
        progress.series_seen,
        list(progress.ends) if continued else None,
    )
    fresh = gathering.statistics()
    if continued and model.horizon == 1:
        _add_seams(fresh, model, progress, data)
    statistics = progress.statistics.copy()
    statistics.merge(fresh)
    ends = tuple(gathering.harvest.ends)
    seen = progress.series_seen + len(data.inputs.series)
    model = _solved(replace(model, end=ends[-1]), statistics, settings)
    return model, Progress(statistics, ends, progress.entropy, seen)


def _add_seams(statistics: Statistics, model: ESN, progress: Progress, data: Data) -> None:
    """Pair the last step of each earlier series with the first one of its continuation.

    Only the new series holds that target: without this, a fit in parts would know one step less
    a cut than a fit of the whole. A series that had not begun has no step to pair.
    """
    sums = SUMS[statistics.solver](len(model.readout.weights), len(model.continues))
    for index, end in enumerate(progress.ends):
        begun = end.x.any() or end.u.any()
        if not begun or not data.inputs.lengths[index] or (model.continues < 0).any():
            continue
        features = np.concatenate([end.x, end.u]) if _has_direct(model) else end.x
        target = data.inputs.read(index, 0, 1)[:, model.continues]
        target = (target - model.target_scaler.mean) / model.target_scaler.scale
        sums.push((features[np.newaxis],), target)
    part = sums.total()
    if part is not None:
        statistics.folds[0].merge(part)


def merge(
    mine: tuple[ESN, Progress], theirs: tuple[ESN, Progress], settings: Settings
) -> tuple[ESN, Progress]:
    """One fit from two of the same reservoir and scalers on different data.

    Raises
    ------
    DataError
        If they differ in reservoir, scalers, solver or folds.
    """
    if not _same_features(mine[0], theirs[0]):
        raise DataError("merge needs two fits of one reservoir and one scaling of the data")
    statistics = mine[1].statistics.copy()
    statistics.merge(theirs[1].statistics)
    model = _solved(replace(mine[0], end=theirs[0].end), statistics, settings)
    seen = mine[1].series_seen + theirs[1].series_seen
    return model, Progress(statistics, theirs[1].ends, mine[1].entropy, seen)


def _solved(model: ESN, statistics: Statistics, settings: Settings) -> ESN:
    with threads.single_blas():
        readout, path = solve(statistics, settings.ridge, None)
    return _with_output(replace(model, readout=readout, ridge_path=path))


def _with_output(model: ESN) -> ESN:
    """The end of training with the output of its state, where a closed loop goes on from.

    With feedback the last target is there already.
    """
    if model.reservoir.W_fb.shape[1]:
        return model
    y = read_out(model, model.end.x[np.newaxis], model.end.u[np.newaxis])[0]
    return replace(model, end=replace(model.end, y=y))


def _has_direct(model: ESN) -> bool:
    return len(model.readout.weights) > model.reservoir.units


def _same_features(a: ESN, b: ESN) -> bool:
    def arrays(model: ESN) -> list[NDArray[Any]]:
        W = model.reservoir.W
        parts = [W] if isinstance(W, np.ndarray) else [W.data, W.indices, W.indptr]
        r, i, t = model.reservoir, model.input_scaler, model.target_scaler
        return [*parts, r.W_in, r.W_fb, r.bias, r.leak_rate, i.mean, i.scale, t.mean, t.scale]

    left, right = arrays(a), arrays(b)
    return (
        (a.reservoir.activation, a.horizon) == (b.reservoir.activation, b.horizon)
        and _has_direct(a) == _has_direct(b)
        and len(left) == len(right)
        and all(np.array_equal(x, y) for x, y in zip(left, right, strict=True))
    )
