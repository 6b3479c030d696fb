"""Fitting: series in, a complete ESN record out, in one pass (two for "loo")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.errors import DataError
from reservoir.esn.harvest import Block, Harvest, Noise, Teacher
from reservoir.esn.model import ESN, Position, Reservoir
from reservoir.esn.predict import check_inputs, read_out
from reservoir.esn.ridge import RidgeChoice, solve
from reservoir.esn.statistics import Collector, Statistics
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler

FOLDS = 5

Array = NDArray[np.float64]


def auto_washout(length: int) -> int:
    """Steps not scored at the start of a series: a tenth of it, at most 100."""
    return min(100, length // 10)


def washout_of(washout: int | str, length: int, place: str) -> int:
    """The washout of one series.

    Raises
    ------
    DataError
        If nothing of the series would be left.
    """
    if washout == "auto":
        return auto_washout(length)
    if int(washout) >= length > 0:
        raise DataError(
            f"{place} has {length} steps, not more than the washout of {washout}; expected a "
            "longer series or a smaller washout"
        )
    return int(washout)


@dataclass(frozen=True)
class Data:
    """Inputs and targets of a fit, paired row by row from the start of each series.

    With a horizon the last input rows of a series have no target: they only move the state on.
    """

    inputs: Collection
    targets: Collection
    horizon: int = 0
    skip_missing: bool = False  # steps with a NaN target are not scored, else an error

    def check(self, washout: int | str) -> None:
        """Check that series pair up and outlast the washout.

        Raises
        ------
        DataError
            If they do not; the message names the series.
        """
        if len(self.inputs.series) != len(self.targets.series):
            raise DataError(
                f"{self.inputs.name} has {len(self.inputs.series)} series, {self.targets.name} "
                f"has {len(self.targets.series)}; expected equally many"
            )
        if not self.inputs.series:
            raise DataError(f"{self.inputs.name} holds no series; expected at least one")
        if not self.targets.columns:
            raise DataError(f"{self.targets.name} has no columns; expected at least one")
        for i, (n, m) in enumerate(zip(self.inputs.lengths, self.targets.lengths, strict=True)):
            which = "" if self.inputs.form == "one" else f", series {i}"
            if m != max(0, n - self.horizon):
                raise DataError(
                    f"{self.targets.name}{which} has {m} steps, {self.inputs.name}{which} has "
                    f"{n}; expected the same length"
                )
            washout_of(washout, n, f"{self.inputs.name}{which}")

    def washouts(self, washout: int | str) -> list[int]:
        return [washout_of(washout, n, self.inputs.name) for n in self.inputs.lengths]


@dataclass(frozen=True)
class Settings:
    """How to fit."""

    ridge: RidgeChoice
    solver: str = "gram"
    folds: int = FOLDS
    washout: int | str = "auto"
    direct: bool = False  # inputs are features too
    noise: float = 0.0  # standard deviation inside the activation

    @property
    def parts(self) -> int:
        """Sets of statistics to gather: only "blocks" needs more than one."""
        return self.folds if self.ridge.criterion == "blocks" else 1


@dataclass(frozen=True)
class Scored:
    """The part of a block that is fitted, and the fold of each piece of it."""

    features: tuple[NDArray[Any], ...]  # arrays (n, ...) side by side
    targets: Array  # (n, M) scaled
    fold: int


class Gathering:
    """Features and targets of all scored steps, piece by piece."""

    def __init__(
        self,
        reservoir: Reservoir,
        data: Data,
        scalers: tuple[Scaler, Scaler],
        settings: Settings,
        entropy: int,
        series_seen: int = 0,
        starts: list[Position] | None = None,
    ) -> None:
        self._reservoir = reservoir
        teacher = Teacher(data.targets, scalers[1]) if reservoir.W_fb.shape[1] else None
        self.harvest = Harvest(
            reservoir,
            data.inputs,
            scalers[0],
            teacher=teacher,
            noise=Noise(settings.noise, entropy, series_seen) if settings.noise else None,
            starts=starts,
        )
        self._data = data
        self._scaler = scalers[1]
        self._settings = settings
        continued = starts is not None
        washouts = data.washouts(0 if continued else settings.washout)
        self._washouts = washouts
        scored = [max(0, m - w) for m, w in zip(data.targets.lengths, washouts, strict=True)]
        self._offsets = np.concatenate([[0], np.cumsum(scored)])

    def __iter__(self) -> Iterator[Scored]:
        for block in threads.ahead(self.harvest):
            yield from self._scored(block)

    def _scored(self, block: Block) -> Iterator[Scored]:
        washout = self._washouts[block.series]
        begin = max(block.start, washout)
        end = min(block.start + len(block.states), self._data.targets.lengths[block.series])
        if begin >= end:
            return
        targets = self._data.targets.read(block.series, begin, end, nan=self._data.skip_missing)
        targets = (targets - self._scaler.mean) / self._scaler.scale
        rows = slice(begin - block.start, end - block.start)
        features: tuple[NDArray[Any], ...] = (block.states[rows],)
        if self._settings.direct:
            features += (block.inputs[rows],)
        at = int(self._offsets[block.series]) + begin - washout
        for fold, piece in self._folds(at, len(targets)):
            kept = ~np.isnan(targets[piece]).any(axis=1)
            if kept.all():
                yield Scored(tuple(f[piece] for f in features), targets[piece], fold)
            elif kept.any():
                yield Scored(tuple(f[piece][kept] for f in features), targets[piece][kept], fold)

    def _folds(self, at: int, rows: int) -> Iterator[tuple[int, slice]]:
        """Cut rows at the borders of the folds: contiguous shares of all scored steps."""
        total, folds = int(self._offsets[-1]), self._settings.parts
        done = 0
        while done < rows:
            fold = (at + done) * folds // total
            border = -(-(fold + 1) * total // folds)  # first step of the next fold
            take = min(rows - done, border - (at + done))
            yield fold, slice(done, done + take)
            done += take

    def statistics(self) -> Statistics:
        """Everything that the readout needs, in one pass."""
        settings = self._settings
        features = self._reservoir.units
        if settings.direct:
            features += self._data.inputs.columns
        targets = self._data.targets.columns
        statistics = Statistics.empty(settings.solver, settings.parts, features, targets)
        collector = Collector(statistics, features, targets)
        with threads.single_blas():
            for scored in self:
                collector.push(scored.fold, scored.features, scored.targets)
            collector.close()
        return statistics

    def rows(self) -> Iterator[tuple[Array, Array]]:
        """Features and targets in float64, for a second pass."""
        for scored in self:
            yield np.concatenate(scored.features, axis=1, dtype=np.float64), scored.targets


@dataclass(frozen=True)
class Labels:
    """What the columns are, and how targets relate to inputs."""

    continues: NDArray[np.int64]  # (M,) as in the ESN record
    horizon: int
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """What a fit must remember to be continued: nothing of it is needed to predict."""

    statistics: Statistics
    ends: tuple[Position, ...]  # of the series of the last call
    entropy: int  # seed of the state noise
    series_seen: int

    def arrays(self) -> dict[str, Any]:
        """Everything as a flat mapping, for a checkpoint."""
        return {
            **self.statistics.arrays(),
            "ends_x": np.stack([end.x for end in self.ends]),
            "ends_u": np.stack([end.u for end in self.ends]),
            "ends_y": np.stack([end.y for end in self.ends]),
            "entropy": self.entropy,
            "series_seen": self.series_seen,
        }

    @classmethod
    def from_arrays(cls, flat: Mapping[str, Any]) -> Progress:
        positions = zip(flat["ends_x"], flat["ends_u"], flat["ends_y"], strict=True)
        return cls(
            Statistics.from_arrays(flat),
            tuple(Position(x, u, y) for x, u, y in positions),
            int(flat["entropy"]),
            int(flat["series_seen"]),
        )


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
    statistics = progress.statistics.copy()
    statistics.merge(fresh)
    ends = tuple(gathering.harvest.ends)
    seen = progress.series_seen + len(data.inputs.series)
    model = _solved(replace(model, end=ends[-1]), statistics, settings)
    return model, Progress(statistics, ends, progress.entropy, seen)


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
