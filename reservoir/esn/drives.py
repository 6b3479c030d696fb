"""What moves along the series, prepared for the kernels: inputs, forced targets, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.model import Position, Reservoir
from reservoir.esn.recurrence import Drive
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler


@dataclass(frozen=True)
class Teacher:
    """Targets of the step before, forced on the feedback weights."""

    targets: Collection
    scaler: Scaler


@dataclass(frozen=True)
class Noise:
    """Gaussian noise inside the activation, of one stream a series."""

    level: float
    entropy: int
    offset: int = 0  # number of the first series, so that later calls draw afresh


class Drives:
    """Pieces of series as the kernels take them; noise must be asked for in order."""

    def __init__(
        self,
        reservoir: Reservoir,
        inputs: Collection,
        scaler: Scaler,
        teacher: Teacher | None,
        noise: Noise | None,
        starts: Sequence[Position],
    ) -> None:
        self._reservoir = reservoir
        self._inputs = inputs
        self._scaler = scaler
        self._teacher = teacher
        self._noise = noise
        self._starts = starts
        self._streams = {
            i: np.random.default_rng([noise.entropy, noise.offset + i])
            for i in range(len(starts))
            if noise is not None
        }

    def of(self, pieces: Sequence[tuple[int, int, int]]) -> Drive:
        """What drives some pieces ``(series, start, stop)``, packed."""
        dtype, units = self._reservoir.dtype, self._reservoir.units
        inputs = self._scaler.scaled(self._inputs.read_packed(pieces), dtype)
        teacher = np.empty((0, self._reservoir.W_fb.shape[1]), dtype)
        if self._teacher is not None:
            teacher = np.concatenate([self._forced(*piece) for piece in pieces])
        noise = np.empty((0, units), dtype)
        if self._noise is not None:
            drawn = [
                self._streams[i].standard_normal((stop - start, units), dtype)
                for i, start, stop in pieces
            ]
            noise = np.concatenate(drawn) * dtype.type(self._noise.level)
        return Drive(inputs, teacher, noise)

    def inputs(self, index: int, start: int, stop: int) -> NDArray[np.floating]:
        """Scaled inputs of some steps of a series."""
        return self._scaler.scaled(self._inputs.read(index, start, stop), self._reservoir.dtype)

    def last_target(self, index: int, otherwise: NDArray[np.floating]) -> NDArray[np.floating]:
        """The last forced target of a series, if targets are forced and there is one."""
        length = self._inputs.lengths[index]
        if self._teacher is None or length == 0:
            return otherwise
        raw = self._teacher.targets.read(index, length - 1, length)
        return np.asarray(self._teacher.scaler.scaled(raw, self._reservoir.dtype)[0])

    def _forced(self, index: int, start: int, stop: int) -> NDArray[np.floating]:
        """Scaled targets one step back; before the first one, where the series starts."""
        assert self._teacher is not None
        targets, scaler = self._teacher.targets, self._teacher.scaler
        raw = targets.read(index, max(start - 1, 0), max(stop - 1, 0))
        scaled = scaler.scaled(raw, self._reservoir.dtype)
        return scaled if start > 0 else np.concatenate([self._starts[index].y[None], scaled])
