"""From series to the statistics of a readout: states are harvested, cut into folds and summed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.harvest import Block, Harvest, Noise, Teacher
from reservoir.esn.model import Position, Reservoir
from reservoir.esn.pairing import Data
from reservoir.esn.ridge import RidgeChoice
from reservoir.esn.statistics import Collector, Statistics
from reservoir.series.scaler import Scaler

FOLDS = 5

Array = NDArray[np.float64]


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
