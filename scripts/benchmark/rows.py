"""The rows of the table: our work, the peers' work, and the ratios asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.job import Job

PEERS = {
    "reservoirpy": "ReservoirPy",
    "dense": "ReservoirPy, dense W",
    "rclib": "rclib",
    "float64": "our float64",
}
DENSE_UNTIL = 300  # units: for more of them a dense W is slower for ReservoirPy


@dataclass(frozen=True)
class Row:
    """One line of the table. Rows of a group are measured alternately, each job once a round."""

    group: str
    name: str
    ours: Job
    peers: Mapping[str, Job]  # a key of PEERS -> the work that ours is held against
    least: Mapping[str, float] = field(default_factory=dict)  # ratios that must be reached
    aim: Mapping[str, float] = field(default_factory=dict)  # ratios to come to

    @property
    def units(self) -> int:
        return self.ours.units

    @property
    def key(self) -> str:
        """What ``--rows`` looks in."""
        return f"{self.name} {self.units}"


AIM_STATES = {
    100: {"reservoirpy": 25.0, "rclib": 6.0},
    500: {"reservoirpy": 10.0, "rclib": 5.0},
    1000: {"reservoirpy": 8.0, "rclib": 6.0},
    2000: {"reservoirpy": 6.0, "rclib": 4.0},
}


def _peers(work: str, units: int, steps: int) -> dict[str, Job]:
    peers = {"reservoirpy": Job("reservoirpy", work, units, steps)}
    if units <= DENSE_UNTIL:
        peers["dense"] = Job("reservoirpy", work, units, steps, form="dense")
    return peers | {"rclib": Job("rclib", work, units, steps)}


def _state_rows(units: int, steps: int, peer_steps: int) -> list[Row]:
    group = f"states {units}"
    peers = _peers("states", units, peer_steps)
    one = Job("ours", "states", units, steps)
    lanes = Job("ours", "states", units, steps // 32, series=32)
    single = Job("ours", "states", units, steps, dtype="float32")
    single_lanes = Job("ours", "states", units, steps // 32, series=32, dtype="float32")
    required = {"reservoirpy": 1.7, "rclib": 1.0}
    float32 = {"float64": 1.4} if units >= 500 else {}
    return [
        Row(group, "states", one, peers, required, AIM_STATES.get(units, {})),
        Row(group, "states, 32 series", lanes, peers, {"reservoirpy": 6.0}),
        Row(group, "states, float32", single, {"float64": one}, aim=float32),
        Row(group, "states, 32 series, float32", single_lanes, {"float64": lanes}, aim=float32),
    ]


def _predict_rows(units: int, steps: int, peer_steps: int) -> list[Row]:
    job = Job("ours", "predict", units, steps)
    peers = _peers("predict", units, peer_steps)
    return [Row(f"predict {units}", "predict", job, peers, aim=AIM_STATES.get(units, {}))]


def _fit_rows(units: int, steps: int, peer_steps: int) -> list[Row]:
    peers = _peers("fit", units, peer_steps)
    aims = {"fixed": 5.0, "gcv": 4.0, "blocks": 4.0, "loo": 2.0}
    return [
        Row(
            f"fit {units}",
            f"fit, ridge {ridge}",
            Job("ours", "fit", units, steps, ridge=ridge),
            peers,
            aim={"reservoirpy": ratio, "rclib": ratio},
        )
        for ridge, ratio in aims.items()
    ]


def _closed_rows(units: int, steps: int) -> list[Row]:
    group = f"closed loop {units}"
    peers = _peers("closed", units, steps)
    one = Job("ours", "closed", units, steps)
    starts = Job("ours", "closed", units, steps, series=64)
    return [
        Row(group, "closed loop", one, peers, aim={"reservoirpy": 1.7}),
        Row(group, "closed loop, 64 starts", starts, peers, aim={"reservoirpy": 15.0}),
    ]


def rows(units: Sequence[int], steps: int, peer_steps: int, closed_steps: int) -> list[Row]:
    """All rows; fits of 500 to 1000 units and closed loops of 1000, where they weigh."""
    listed: list[Row] = []
    for n in units:
        listed += _state_rows(n, steps, peer_steps)
    for n in units:
        listed += _predict_rows(n, steps, peer_steps)
    for n in units:
        listed += _fit_rows(n, steps, peer_steps) if 500 <= n <= 1000 else []
    for n in units:
        listed += _closed_rows(n, closed_steps) if n == 1000 else []
    return listed
