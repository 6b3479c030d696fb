"""From series to the statistics of a readout: states are harvested, cut into folds and summed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.block import Block, Verdict
from reservoir.esn.drives import Noise, Teacher
from reservoir.esn.harvest import Harvest
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
    time_parallel: str = "auto"  # or "off": see Harvest

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
            time_parallel=settings.time_parallel,
        )
        self._data = data
        self._scaler = scalers[1]
        self._settings = settings
        continued = starts is not None
        washouts = data.washouts(0 if continued else settings.washout)
        self._washouts = washouts
        scored = [max(0, m - w) for m, w in zip(data.targets.lengths, washouts, strict=True)]
        self._offsets = np.concatenate([[0], np.cumsum(scored)])

    def __iter__(self) -> Iterator[Scored | Verdict]:
        for item in threads.ahead(self.harvest):
            if isinstance(item, Verdict):
                yield item
            else:
                yield from self._scored(item)

    def _scored(self, block: Block) -> Iterator[Scored]:
        """The rows after the washout that have a target, fold by fold."""
        washout = self._washouts[block.series]
        length = self._data.targets.lengths[block.series]
        steps = block.steps()
        begin, end = (int(i) for i in np.searchsorted(steps, (washout, length)))
        if begin >= end:
            return
        pieces = [
            (block.series, max(start, washout), min(start + block.length, length))
            for start, _ in block.pieces()
        ]
        pieces = [piece for piece in pieces if piece[1] < piece[2]]
        targets = self._data.targets.read_packed(pieces, nan=self._data.skip_missing)
        targets = (targets - self._scaler.mean) / self._scaler.scale
        scored: tuple[NDArray[Any], ...] = (block.states[begin:end],)
        if self._settings.direct:
            scored += (block.inputs[begin:end],)
        missing = np.asarray(np.isnan(targets).any(axis=1))
        at = int(self._offsets[block.series]) + steps[begin:end] - washout
        fold = at * self._settings.parts // int(self._offsets[-1])
        for number in range(int(fold[0]), int(fold[-1]) + 1):
            rows: Any = slice(*np.searchsorted(fold, (number, number + 1)))
            if missing[rows].any():
                rows = np.flatnonzero((fold == number) & ~missing)
            if len(targets[rows]):
                yield Scored(tuple(part[rows] for part in scored), targets[rows], number)

    def statistics(self) -> Statistics:
        """Everything that the readout needs, in one pass."""
        settings = self._settings
        features = self._reservoir.units
        if settings.direct:
            features += self._data.inputs.columns
        collector = Collector(settings.solver, settings.parts, features, self._data.targets.columns)
        with threads.single_blas():
            for item in self:
                if isinstance(item, Verdict):
                    collector.settle(keep=item.stands)
                else:
                    collector.push(item.fold, item.features, item.targets)
            collector.settle()
        return collector.total

    def rows(self) -> Iterator[tuple[Array, Array]]:
        """Features and targets in float64, for a second pass: then nothing is void."""
        for item in self:
            if isinstance(item, Scored):
                yield np.concatenate(item.features, axis=1, dtype=np.float64), item.targets
