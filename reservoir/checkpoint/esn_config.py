"""The config of an echo state network: its sizes and settings, from which all shapes follow."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from reservoir.checkpoint import entries, jsontext
from reservoir.checkpoint.tree import dtype_code
from reservoir.esn.model import ACTIVATIONS, ESN


@dataclass(frozen=True)
class Config:
    """The content of ``/config`` (SPECIFICATION.md, 4.1)."""

    units: int  # N
    inputs: int  # K
    targets: int  # M
    features: int  # F: N, or N + K with direct connections
    feedback: int  # columns of W_fb: M or 0
    candidates: int  # L
    recurrence: str  # encoding of W: "csr_matrix" or "array"
    nonzeros: int  # stored entries of W; N*N if dense
    dtype: str  # of the reservoir: "float32" or "float64"
    activation: str
    criterion: str
    washout: int | str
    horizon: int
    input_names: list[str]
    target_names: list[str]

    def json(self) -> str:
        """The text of ``/config``."""
        return jsontext.dumps({item.name: getattr(self, item.name) for item in fields(self)})


def of(record: ESN) -> Config:
    """Describe a model.

    Raises
    ------
    CheckpointError
        If its sizes contradict each other.
    """
    reservoir, path = record.reservoir, record.ridge_path
    W = reservoir.W
    config = Config(
        units=reservoir.units,
        inputs=int(reservoir.W_in.shape[1]),
        targets=len(record.target_names),
        features=int(record.readout.weights.shape[0]),
        feedback=int(reservoir.W_fb.shape[1]),
        candidates=int(path.candidates.shape[0]),
        recurrence="array" if isinstance(W, np.ndarray) else "csr_matrix",
        nonzeros=int(W.size),
        dtype={"f4": "float32", "f8": "float64"}.get(dtype_code(reservoir.dtype), "?"),
        activation=reservoir.activation,
        criterion=path.criterion,
        washout=record.washout if isinstance(record.washout, str) else int(record.washout),
        horizon=int(record.horizon),
        input_names=list(record.input_names),
        target_names=list(record.target_names),
    )
    check(config)
    return config


def parse(text: str) -> Config:
    """Read and validate ``/config``; names that this version does not know are ignored.

    Raises
    ------
    CheckpointError
        If an entry is missing, of another type, or contradicts another.
    """
    document = jsontext.loads(text, "/config")
    sizes = ("units", "inputs", "targets", "features", "feedback", "candidates", "nonzeros")
    config = Config(
        **{name: entries.length(document, name) for name in sizes},
        recurrence=entries.choice(document, "recurrence", ("csr_matrix", "array")),
        dtype=entries.choice(document, "dtype", ("float32", "float64")),
        activation=entries.choice(document, "activation", ACTIVATIONS),
        criterion=entries.text(document, "criterion"),
        washout="auto"
        if document.get("washout") == "auto"
        else entries.length(document, "washout"),
        horizon=entries.length(document, "horizon"),
        input_names=entries.names(document, "input_names"),
        target_names=entries.names(document, "target_names"),
    )
    check(config)
    return config


def check(config: Config) -> None:
    """Check that the entries of a config agree with each other.

    Raises
    ------
    CheckpointError
        If not; the message names the entry.
    """
    c = config
    agreements = {
        "units": c.units > 0,
        "features": c.features in (c.units, c.units + c.inputs),
        "feedback": c.feedback in (0, c.targets),
        "nonzeros": c.nonzeros == c.units**2
        or (c.recurrence == "csr_matrix" and c.nonzeros < c.units**2),
        "dtype": c.dtype in ("float32", "float64"),
        "activation": c.activation in ACTIVATIONS,
        "washout": c.washout == "auto" or (not isinstance(c.washout, str) and c.washout >= 0),
        "horizon": c.horizon >= 0,
        "input_names": len(c.input_names) == c.inputs,
        "target_names": len(c.target_names) == c.targets,
    }
    entries.agree(agreements)
