"""What a fit must remember to be continued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.esn.model import Position
from reservoir.esn.statistics import Statistics


@dataclass(frozen=True)
class Progress:
    """Statistics and ends of the series so far: nothing of it is needed to predict."""

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
