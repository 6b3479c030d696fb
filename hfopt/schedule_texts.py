"""Schedules as texts, for job files and command lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from hfopt.arguments import nonnegative, one_of
from hfopt.schedules import (
    Cosine,
    Exponential,
    InverseSigmoid,
    InverseTime,
    Linear,
    RisingMomentum,
    Schedule,
    Warmup,
)


class Form(NamedTuple):
    """How a schedule is written after its name: numbers with colons, the last ones at will."""

    make: Callable[..., Callable[[int], float]]
    parts: tuple[tuple[str, type], ...]
    needed: int

    def written(self, name: str) -> str:
        """``cosine:INITIAL:STEPS[:FINAL]``."""
        words = [f":{part.upper()}" for part, _ in self.parts]
        optional = "".join(f"[{word}" for word in words[self.needed :])
        return name + "".join(words[: self.needed]) + optional + "]" * optional.count("[")


_STAIRS = partial(Exponential, stairs=True)
_EXPONENTIAL = (("initial", float), ("factor", float), ("every", int))
FORMS = {
    "exponential": Form(Exponential, _EXPONENTIAL, 2),
    "stairs": Form(_STAIRS, _EXPONENTIAL, 3),
    "inverse_time": Form(InverseTime, (("initial", float), ("every", int), ("power", float)), 2),
    "cosine": Form(Cosine, (("initial", float), ("steps", int), ("final", float)), 2),
    "linear": Form(Linear, (("initial", float), ("final", float), ("steps", int)), 3),
    "sigmoid": Form(InverseSigmoid, (("steps", float),), 1),
    "rising": Form(RisingMomentum, (("greatest", float), ("every", int)), 0),
}
WARMUP = "warmup"  # before another one: warmup:STEPS:SCHEDULE


def schedule(given: float | str | Callable[[int], float]) -> Schedule:
    """A schedule from a number, a callable or a text.

    Texts are a number, or the name of a schedule and its numbers, with colons:
    ``exponential:INITIAL:FACTOR[:EVERY]``, ``stairs:INITIAL:FACTOR:EVERY``,
    ``inverse_time:INITIAL:EVERY[:POWER]``, ``cosine:INITIAL:STEPS[:FINAL]``,
    ``linear:INITIAL:FINAL:STEPS``, ``sigmoid:STEPS`` (of a probability),
    ``rising[:GREATEST[:EVERY]]`` (of a momentum), ``warmup:STEPS:SCHEDULE``; see `hfopt.schedules`.

    Parameters
    ----------
    given : float, str or callable

    Raises
    ------
    ValueError
        A text that is no schedule; the message says what is wrong and offers the nearest name.

    Examples
    --------
    >>> from hfopt import schedule
    >>> halved = schedule("stairs:0.1:0.5:1000")
    >>> halved(999), halved(1000)
    (0.1, 0.05)
    """
    if not isinstance(given, str):
        return given
    name, *rest = given.split(":")
    if not rest and name not in FORMS:
        try:
            number = float(name)
        except ValueError:
            pass
        else:
            return nonnegative("a schedule that is a number", number)
    one_of("schedule", name, (*FORMS, WARMUP))
    if name == WARMUP:
        if len(rest) < 2:
            raise ValueError(f"{given!r} is not warmup:STEPS:SCHEDULE")
        return Warmup(schedule(":".join(rest[1:])), _number(given, int, rest[0]))
    form = FORMS[name]
    if not form.needed <= len(rest) <= len(form.parts):
        raise ValueError(f"{given!r} is not {form.written(name)}")
    numbers = {
        part: _number(given, kind, text)
        for (part, kind), text in zip(form.parts, rest, strict=False)
    }
    try:
        return form.make(**numbers)
    except ValueError as error:
        raise ValueError(f"{given!r}: {error}") from None


def _number(given: str, kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ValueError(f"{given!r}: {text!r} is not {what}") from None
