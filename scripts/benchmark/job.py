"""One piece of work for one package, small enough to go over a pipe as a line of JSON."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """What to measure."""

    package: str  # a worker: "ours", "reservoirpy" or "rclib"
    work: str  # "states", "predict", "fit" or "closed"
    units: int
    steps: int  # of each series or start
    series: int = 1  # series, or starts of a closed loop
    ridge: str = "fixed"  # or a criterion of ours
    dtype: str = "float64"
    form: str = "sparse"  # of W, where the package takes W

    @property
    def all_steps(self) -> int:
        return self.steps * self.series
