"""Inputs and targets row by row: which belong together, and which are scored."""

from __future__ import annotations

from dataclasses import dataclass

from reservoir.errors import DataError
from reservoir.series.collection import Collection
from reservoir.series.shifted import Shifted


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

    def scored(self, washout: int | str) -> list[slice]:
        """The steps of each series that have a target and lie after the washout."""
        ends = self.targets.lengths
        return [slice(w, end) for w, end in zip(self.washouts(washout), ends, strict=True)]


def own_future(inputs: Collection) -> Collection:
    """The next step of each series as its target."""
    columns = tuple(range(inputs.columns))
    series = tuple(Shifted(s, 1, columns) for s in inputs.series)
    return Collection(series, inputs.name, inputs.form)
