"""The table as GitHub shows it, and what was not reached."""

from collections.abc import Sequence

from products.measure import Measured
from products.memory import MOST
from products.rows import PEERS, Row


def table(rows: Sequence[Row], measured: Measured, *, targets: bool) -> str:
    """One line a row; in brackets, how many times ours a peer takes."""
    peers = [peer for peer in PEERS if any(peer in row.peers for row in rows)]
    head = ["", "B, N, T", "dtype", "ours, ms", "GFLOP/s", "floor"]
    head += [f"{PEERS[peer]}, ms" for peer in peers] + (["aim", "reached"] if targets else [])
    lines = [head, ["---"] * 3 + ["---:"] * (len(head) - 3)]
    for row in rows:
        line = [row.name, row.sizes, row.ours.dtype]
        line += [_number(measured.milliseconds(row.ours))]
        line += [_number(1e-9 * measured.speed(row)), f"{100 * measured.share(row):.0f} %"]
        line += [_peer(row, peer, measured) for peer in peers]
        if targets:
            missed = misses([row], measured)
            aimed = bool(row.aim or row.share)
            line += [_aim(row), ("no" if missed else "yes") if aimed else ""]
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def memory_table(memory: dict[str, float]) -> str:
    """Peak memory in multiples of the states."""
    lines = [f"- {name}: {times:.2f} (aim {MOST[name]:g})" for name, times in memory.items()]
    return "\n".join(lines)


def misses(rows: Sequence[Row], measured: Measured) -> list[str]:
    """What lies below the aims."""
    found = []
    for row in rows:
        for peer, wanted in row.aim.items():
            ratio = measured.ratio(row, peer)
            if ratio < wanted:
                found.append(f"{row.key}: {ratio:.2f}x {PEERS[peer]}, aim {wanted:g}x")
        if row.share is not None and measured.share(row) < row.share:
            share = 100 * measured.share(row)
            found.append(f"{row.key}: {share:.0f} % of the floor, aim {100 * row.share:.0f} %")
    return found


def memory_misses(memory: dict[str, float]) -> list[str]:
    """Peaks above the aims."""
    return [
        f"memory, {name}: {times:.2f} times the states, aim {MOST[name]:g}"
        for name, times in memory.items()
        if times > MOST[name]
    ]


def _peer(row: Row, peer: str, measured: Measured) -> str:
    if peer not in row.peers:
        return ""
    milliseconds = _number(measured.milliseconds(row.of(peer)))
    return f"{milliseconds} ({measured.ratio(row, peer):.2f}x)"


def _aim(row: Row) -> str:
    parts = [f"{PEERS[peer]} {ratio:g}x" for peer, ratio in row.aim.items()]
    parts += [f"{100 * row.share:.0f} %"] if row.share is not None else []
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def rates_text(measured: Measured) -> str:
    """The range over all rounds of each type."""
    found: dict[str, list[float]] = {}
    for rates in measured.rates.values():
        for dtype, values in rates.items():
            found.setdefault(dtype, []).extend(1e-9 * value for value in values)
    texts = (f"{dtype} {min(v):.0f}-{max(v):.0f} GFLOP/s" for dtype, v in found.items())
    return ", ".join(texts)
