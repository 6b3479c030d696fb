"""One piece of work for one package, small enough to go over a pipe as a line of JSON."""

from dataclasses import dataclass

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Job:
    """What to measure, or to compare.

    The network has one layer and a linear readout; the loss is the squared error at every step.
    """

    package: str  # a worker: "ours", "jax" or "torch"
    work: str  # "gradient" (with the value) or "product" (Gauss-Newton)
    cell: str  # "rnn" (tanh), "lstm" or "gru"
    batch: int
    units: int
    steps: int
    dtype: str = "float64"
    reset: str = "before"  # of a GRU
    structural: bool = False  # product with structural damping
    inputs: int = 2
    outputs: int = 1

    @property
    def operations(self) -> float:
        """Floating point operations of the products with W, which are nearly all.

        A product is four matrix products for each step and gate (tangents forward with W and with
        its direction, adjoints back, the sum over steps), a gradient three.
        """
        products = 4 if self.work == "product" else 3
        size = self.batch * self.steps * self.units**2
        return 2.0 * products * GATES[self.cell] * size
