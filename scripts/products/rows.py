"""The rows of the table: our work, the peers' work, and what is aimed at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from products.job import Job

PEERS = {"jax": "JAX", "torch": "PyTorch"}
CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
WORKS = {"gradient": "gradient", "product": "Gauss-Newton product"}

LONG, FEW, WIDE = (1000, 100, 200), (100, 100, 200), (64, 512, 100)  # sequences, units, steps
GATED = (256, 128, 100)
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Row:
    """One line of the table. Rows of a group are measured alternately, each job once a round."""

    ours: Job
    peers: tuple[str, ...] = ()
    aim: Mapping[str, float] = field(default_factory=dict)  # ratios by peer
    share: float | None = None  # of the floor that is aimed at

    @property
    def name(self) -> str:
        job = self.ours
        reset = f", reset {job.reset}" if job.cell == "gru" else ""
        structural = ", structural damping" if job.structural else ""
        return f"{CELLS[job.cell]}{reset}, {WORKS[job.work]}{structural}"

    @property
    def sizes(self) -> str:
        return f"{self.ours.batch}, {self.ours.units}, {self.ours.steps}"

    @property
    def key(self) -> str:
        """What ``--only`` looks in."""
        return f"{self.name} ({self.sizes}) {self.ours.dtype}"

    @property
    def group(self) -> str:
        return f"{WORKS[self.ours.work]}, {CELLS[self.ours.cell]} ({self.sizes})"

    def of(self, peer: str) -> Job:
        """The work of a peer."""
        return replace(self.ours, package=peer)


def _rnn_products() -> Iterator[Row]:
    shares = {LONG: (0.80, 0.72), FEW: (None, None), WIDE: (0.75, 0.70)}
    for sizes, ratio in ((LONG, 1.9), (FEW, 2.5), (WIDE, 1.1)):
        for dtype, share in zip(DTYPES, shares[sizes], strict=True):
            job = Job("ours", "product", "rnn", *sizes, dtype=dtype)
            yield Row(job, ("jax",), {"jax": ratio}, share)
            if sizes == LONG and dtype == "float64":
                yield Row(replace(job, structural=True))


def _gated_products() -> Iterator[Row]:
    for cell in ("lstm", "gru"):
        for dtype in DTYPES:
            yield Row(Job("ours", "product", cell, *GATED, dtype=dtype), ("jax",), {"jax": 2.0})


def _gradients() -> Iterator[Row]:
    """In float64 beside both peers; in float32 one size of LSTM and GRU beside JAX.

    The GRU of PyTorch resets after the matrix product: ours is held against it in a row of its own,
    and against JAX with the reset before it in both.
    """
    for cell in CELLS:
        for sizes, ratio in ((LONG, 2.0), (GATED, 2.0), (WIDE, 1.1)):
            job = Job("ours", "gradient", cell, *sizes)
            if cell == "gru":
                yield Row(job, ("jax",), {"jax": ratio})
                yield Row(replace(job, reset="after"), ("torch",), {"torch": ratio})
            else:
                yield Row(job, ("jax", "torch"), {"jax": ratio, "torch": ratio})
            if cell != "rnn" and sizes == GATED:
                yield Row(replace(job, dtype="float32"), ("jax",), {"jax": ratio})


def rows() -> list[Row]:
    """All of them, in the order of the table."""
    return [*_rnn_products(), *_gated_products(), *_gradients()]
