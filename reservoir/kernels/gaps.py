"""How far two runs of the same steps are apart."""

from __future__ import annotations

from typing import Any

from reservoir.kernels.compile import kernel


@kernel
def widest_gaps(a: Any, b: Any, silence: Any, gaps: Any) -> None:
    """Raise ``gaps`` to the largest ``max|a - b| / max|a|`` over the rows of each piece.

    Parameters
    ----------
    a, b : (pieces * steps, N)
    silence : float
        Norms below it count as this much.
    gaps : (pieces,) float64
        Raised in place; infinite where a difference is not finite.
    """
    steps = a.shape[0] // max(1, gaps.size)
    for piece in range(gaps.size):
        for row in range(piece * steps, (piece + 1) * steps):
            apart, norm, bad = 0.0, silence, 0
            for i in range(a.shape[1]):
                difference, size = abs(a[row, i] - b[row, i]), abs(a[row, i])
                apart = difference if difference > apart else apart
                norm = size if size > norm else norm
                bad += difference - difference != 0
            gap = 1e300 * 1e300 if bad else apart / norm
            gaps[piece] = gap if gap > gaps[piece] else gaps[piece]
