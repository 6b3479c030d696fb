"""Sequences, or the end of a single one, that are kept out of training."""

from __future__ import annotations

from typing import Any, NamedTuple

from reservoir.errors import DataError
from reservoir.rnn.estimators.sequences import Piece, Sequences


class Split(NamedTuple):
    """Pieces to train on, and pieces whose loss is watched: none if nothing is held out."""

    training: list[Piece]
    held_out: list[Piece]


def split(sequences: Sequences, window: int | None, fraction: float, rng: Any) -> Split:
    """Hold out a fraction of the sequences, chosen at random, or the last steps of a single one.

    Parameters
    ----------
    sequences : Sequences
    window : int or None
        As in `Sequences.pieces`, for the training.
    fraction : float
        In [0, 1); 0 holds nothing out.
    rng : numpy.random.Generator

    Raises
    ------
    DataError
        Nothing would be left on one of the two sides.
    """
    pieces = sequences.pieces(window)
    if not pieces:
        raise DataError("y has no target that is not missing; expected at least one")
    if fraction == 0.0:
        return Split(pieces, [])
    count = len(sequences.inputs.series)
    if count > 1:
        held = set(rng.permutation(count)[: max(1, round(fraction * count))].tolist())
        found = Split(
            [piece for piece in pieces if piece.series not in held],
            [piece for piece in sequences.pieces(None) if piece.series in held],
        )
    else:
        steps = sequences.inputs.lengths[0]
        border = steps - max(1, round(fraction * steps)) if sequences.at == "every" else 0
        cut = [p._replace(stop=min(p.stop, border)) for p in pieces if p.start < border]
        found = Split(sequences.scored(cut), sequences.scored([Piece(0, 0, border, steps)]))
    if not (found.training and found.held_out):
        samples = count if sequences.at == "last" or count > 1 else sequences.inputs.lengths[0]
        raise DataError(
            f"early_stopping with validation_fraction={fraction:g} leaves no targets to train on "
            f"or to validate with, of {samples} sample{'s' * (samples != 1)}; expected more, or "
            "early_stopping=False"
        )
    return found
