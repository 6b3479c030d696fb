"""The sum of one vector a tile: the same bits in whatever order the tiles end."""

from __future__ import annotations

import threading

import numpy as np

from reservoir.rnn.parameters import Flat


class Total:
    """A sum in pairs of neighbours, then pairs of these sums, and so on.

    Few vectors wait for their neighbours, however many tiles there are and however long one of
    them takes: at most two at each level of pairs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, int], Flat] = {}  # of a level, the number of a pair

    def add(self, number: int, vector: Flat) -> None:
        """Add the vector of a tile, which is used as memory; tiles count from 0."""
        level = 0
        while True:
            with self._lock:
                neighbour = self._waiting.pop((level, number ^ 1), None)
                if neighbour is None:
                    self._waiting[level, number] = vector
                    return
            first, second = (neighbour, vector) if number % 2 else (vector, neighbour)
            first += second
            level, number, vector = level + 1, number // 2, first

    def sum(self) -> Flat:
        """What is there, once all tiles are added."""
        parts = [self._waiting[place] for place in sorted(self._waiting)]
        found = parts[0]
        with np.errstate(over="ignore", invalid="ignore"):
            for part in parts[1:]:
                found += part
        return found
