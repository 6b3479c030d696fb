"""The work of ``reservoir inspect``: a checkpoint as numbers, and those in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from reservoir.checkpoint import Checkpoint
from reservoir.checkpoint.estimator import parameters_of
from reservoir.cli import text
from reservoir.esn.model import ESN, RidgePath, Scaler
from reservoir.weights import spectral_radius

BAR = 40  # characters of the longest bar of the ridge path


def document(path: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """Everything about a checkpoint but its large arrays, as JSON values."""
    model, origin = checkpoint.esn, checkpoint.provenance
    created = checkpoint.created
    return {
        "file": path,
        "format_version": checkpoint.format_version,
        "created": None if created is None else created.isoformat(),
        "provenance": dict(origin),
        "estimator": _plain(parameters_of(checkpoint)),
        "reservoir": _reservoir(model),
        "inputs": _columns(model.input_names, model.input_scaler),
        "targets": _columns(model.target_names, model.target_scaler),
        "continues": model.continues,
        "horizon": model.horizon,
        "washout": model.washout,
        "readout": {
            "shape": model.readout.weights.shape,
            "direct": len(model.readout.weights) > model.reservoir.units,
            "norm": np.linalg.norm(model.readout.weights),
            "intercept": model.readout.intercept,
        },
        "ridge_path": _ridge_path(model.ridge_path),
        "end": _end(model),
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON values; an array is told by its shape."""

    def plain(value: Any) -> Any:
        if isinstance(value, bool | int | float | str | list | None):
            return value
        return f"{type(value).__name__} {getattr(value, 'shape', '')}".strip()

    return {name: plain(value) for name, value in values.items()}


def _reservoir(model: ESN) -> dict[str, Any]:
    reservoir, W = model.reservoir, model.reservoir.W
    dense = isinstance(W, np.ndarray)
    nonzeros = int(np.count_nonzero(W if dense else W.data))
    leak = reservoir.leak_rate
    return {
        "units": reservoir.units,
        "inputs": reservoir.W_in.shape[1],
        "targets": len(model.target_names),
        "dtype": str(reservoir.dtype),
        "activation": reservoir.activation,
        "leak_rate": {"least": leak.min(), "greatest": leak.max()},
        "spectral_radius": spectral_radius(W),
        "form": "dense" if dense else "sparse",
        "nonzeros": nonzeros,
        "connectivity": nonzeros / reservoir.units**2,
        "feedback": reservoir.W_fb.shape[1] > 0,
    }


def _columns(names: tuple[str, ...], scaler: Scaler) -> list[dict[str, Any]]:
    return [
        {"name": name, "mean": mean, "scale": scale}
        for name, mean, scale in zip(names, scaler.mean, scaler.scale, strict=True)
    ]


def _ridge_path(path: RidgePath) -> dict[str, Any]:
    return {
        "criterion": path.criterion,
        "candidates": path.candidates,
        "errors": path.errors,
        "chosen": path.chosen,
        "condition": path.condition,
        "scored": path.scored,
    }


def _end(model: ESN) -> dict[str, Any]:
    """Where training ended, in the units of the data."""
    end = model.end
    return {
        "state_norm": np.linalg.norm(end.x),
        "input": model.input_scaler.raw(end.u),
        "output": model.target_scaler.raw(end.y),
    }


def print_all(path: str, checkpoint: Checkpoint) -> None:
    """Print a checkpoint for people."""
    known = document(path, checkpoint)
    model, origin = checkpoint.esn, checkpoint.provenance
    text.print_pairs(
        [
            ("file", path),
            ("format", f"version {known['format_version']}"),
            ("created", str(known["created"] or "unknown")),
            *_origin(origin),
            *_facts(known, model),
        ]
    )
    for title in ("inputs", "targets"):
        click.echo(f"\n{title}")
        rows = [
            (f"  {c['name']}", text.number(c["mean"], 6), text.number(c["scale"], 6))
            for c in known[title]
        ]
        text.print_table(("  name", "mean", "scale"), rows, left=1)
    _print_ridge_path(model.ridge_path)


def _origin(origin: Any) -> list[tuple[str, str]]:
    """What is known of the program, the machine and the run that made the file."""
    libraries = origin.get("libraries") or {}
    job = origin.get("job")
    facts = {
        "written by": " ".join(str(origin.get(k) or "") for k in ("package", "version")).strip(),
        "git": origin.get("git"),
        "libraries": ", ".join(f"{name} {version}" for name, version in libraries.items()),
        "command": " ".join(map(str, origin.get("command") or [])),
        "seed": origin.get("seed"),
        "machine": origin.get("processor"),
        "threads": origin.get("threads"),
        "job": f"{job['scheduler']} {job['id']}" if job else None,
    }
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]


def _facts(known: dict[str, Any], model: ESN) -> list[tuple[str, str]]:
    reservoir, readout = known["reservoir"], known["readout"]
    least, greatest = reservoir["leak_rate"]["least"], reservoir["leak_rate"]["greatest"]
    leak = text.number(least) if least == greatest else f"{least:.4g} to {greatest:.4g}"
    feeds = [
        f"{name} -> {model.input_names[int(column)]}"
        for name, column in zip(model.target_names, model.continues, strict=True)
        if column >= 0
    ]
    loop = ", ".join(feeds + ["feedback weights"] * reservoir["feedback"])
    features = f"{readout['shape'][0]:,} features" + ", inputs too" * readout["direct"]
    return [
        ("units", f"{reservoir['units']:,} {reservoir['activation']}, {reservoir['dtype']}"),
        ("leak rate", leak),
        ("spectral radius", text.number(reservoir["spectral_radius"], 6)),
        ("connectivity", f"{reservoir['connectivity']:.4g} ({reservoir['nonzeros']:,} weights, "
                         f"{reservoir['form']})"),
        ("horizon", f"{model.horizon} steps"),
        ("washout", f"{model.washout}" if model.washout == "auto" else f"{model.washout} steps"),
        ("closed loop", loop or "none"),
        ("readout", f"{features}, norm {text.number(readout['norm'])}"),
        ("scored", f"{model.ridge_path.scored:,} steps"),
        ("condition", text.number(model.ridge_path.condition, 2)),
        ("training ended", f"at the input {_numbers(known['end']['input'])}, output "
                           f"{_numbers(known['end']['output'])}, state of norm "
                           f"{text.number(known['end']['state_norm'])}"),
    ]  # fmt: skip


def _numbers(values: NDArray[Any]) -> str:
    return ", ".join(text.number(float(value), 6) for value in values)


def _print_ridge_path(path: RidgePath) -> None:
    """The mean error of each candidate as a bar, and a mark at what was chosen."""
    chosen = ", ".join(text.number(ridge) for ridge in np.unique(path.chosen))
    click.echo(f"\nridge {chosen} ({path.criterion})")
    errors = np.sqrt(path.errors.mean(axis=1))
    finite = np.isfinite(errors) & (errors > 0)
    if not finite.any():
        return
    low, high = np.log(errors[finite].min()), np.log(errors[finite].max())
    span = max(high - low, np.log(2.0))
    click.echo("  candidate    error (root mean square, scaled targets; logarithmic bars)")
    for ridge, error, usable in zip(path.candidates, errors, finite, strict=True):
        share = (np.log(error) - low) / span if usable else 1.0
        bar = "#" * (1 + round((BAR - 1) * float(share)))
        mark = "  <- chosen" if ridge in path.chosen else ""
        click.echo(f"  {ridge:9.2e}  {error:9.3e}  {bar}{mark}")
