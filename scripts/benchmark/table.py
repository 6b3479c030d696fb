"""The table as GitHub shows it, and everything else that a reader needs to judge it."""

from collections.abc import Sequence

from benchmark.floor import floor
from benchmark.measure import Measured
from benchmark.rows import PEERS, Row


def ratios(row: Row, measured: Measured) -> dict[str, float]:
    """How many times as long the peers take."""
    ours = measured.microseconds(row.ours)
    return {peer: measured.microseconds(job) / ours for peer, job in row.peers.items()}


def floor_microseconds(row: Row, measured: Measured) -> float:
    rates = measured.best_rates(row.group)
    return 1e6 * floor(row.ours, measured.nonzeros[row.units], rates)


def table(rows: Sequence[Row], measured: Measured, *, targets: bool) -> str:
    """One line a row; in brackets, how many times ours a peer takes, and how near the floor is."""
    peers = [peer for peer in PEERS if any(peer in row.peers for row in rows)]
    head = ["microseconds a step", "N", "ours", *(PEERS[peer] for peer in peers), "floor"]
    head += ["least", "aim"] if targets else []
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in rows:
        ours, lowest = measured.microseconds(row.ours), floor_microseconds(row, measured)
        ratio = ratios(row, measured)
        line = [row.name, str(row.units), _number(ours)]
        line += [
            f"{_number(ours * ratio[p])} ({ratio[p]:.1f}x)" if p in ratio else "" for p in peers
        ]
        line += [f"{_number(lowest)} ({100 * lowest / ours:.0f} %)"]
        line += [_targets(row.least), _targets(row.aim)] if targets else []
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(rows: Sequence[Row], measured: Measured, *, targets: bool) -> str:
    """Rows held against other packages, then those held against ours in float64."""
    parts = (
        [row for row in rows if "float64" not in row.peers],
        [row for row in rows if "float64" in row.peers],
    )
    return "\n\n".join(table(part, measured, targets=targets) for part in parts if part)


def misses(rows: Sequence[Row], measured: Measured) -> list[str]:
    """Ratios below the least that is asked for, and below what is aimed at."""
    found = []
    for row in rows:
        reached = ratios(row, measured)
        for kind, wanted in (("least", row.least), ("aim", row.aim)):
            found += [
                f"{row.key}: {reached[peer]:.2f}x {PEERS[peer]}, {kind} {ratio:g}x"
                for peer, ratio in wanted.items()
                if reached[peer] < ratio
            ]
    return found


def rates_text(measured: Measured) -> str:
    """The range of each rate over the groups."""
    units = {
        "product_float64": ("matrix product, float64", 1e9, "GFLOP/s"),
        "product_float32": ("matrix product, float32", 1e9, "GFLOP/s"),
        "multiply_adds_float64": ("multiply-adds, float64", 1e9, "G/s"),
        "multiply_adds_float32": ("multiply-adds, float32", 1e9, "G/s"),
        "multiply_adds_float64_one_thread": ("multiply-adds, float64, one thread", 1e9, "G/s"),
        "copied_bytes": ("copy", 1e9, "GB/s"),
    }
    parts = []
    for name, (label, scale, unit) in units.items():
        values = [measured.best_rates(group)[name] / scale for group in measured.rates]
        parts.append(f"{label} {min(values):.0f}-{max(values):.0f} {unit}")
    return "; ".join(parts)


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _targets(wanted) -> str:
    return ", ".join(f"{PEERS[peer]} {ratio:g}x" for peer, ratio in wanted.items())
