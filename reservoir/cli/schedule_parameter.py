"""Numbers that may follow a schedule, as options."""

from __future__ import annotations

import math
from typing import Any

from reservoir.cli.parameters import ParamType

# Schedules rise or fall: what leaves the range does so at one of these steps.
LOOKED_AT = (0, *(digit * 10**zeros for zeros in range(10) for digit in (1, 2, 5)))


class Scheduled(ParamType):
    """A number in a range, or a schedule as a text (`hfopt.schedule`).

    Parameters
    ----------
    low, high : float
        Of a number; ``low`` itself is not allowed if ``low_open``.
    """

    name = "number|schedule"

    def __init__(self, low: float = 0.0, high: float = math.inf, *, low_open: bool = False) -> None:
        self._low, self._high, self._open = low, high, low_open

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        try:
            number = float(value)
        except ValueError:
            return self._schedule(value, param, ctx)
        inside = self._low <= number <= self._high and math.isfinite(number)
        if not inside or (self._open and number == self._low):
            bound = f"above {self._low:g}" if self._open else f"of at least {self._low:g}"
            most = "" if self._high == math.inf else f" and at most {self._high:g}"
            self.fail(f"{value!r} is not a number {bound}{most}", param, ctx)
        return number

    def _schedule(self, text: str, param: Any, ctx: Any) -> str:
        from hfopt import schedule  # only now: it takes the optimizers with it
        from hfopt.schedules import at

        try:
            found = schedule(text)
        except ValueError as error:
            self.fail(str(error) if ":" in text else f"{text!r} is no number; {error}", param, ctx)
        for step in LOOKED_AT:
            number = at(found, step)
            if not self._low <= number <= self._high:
                self.fail(
                    f"{text!r} is {number:g} at step {step:,}; expected numbers from {self._low:g} "
                    f"to {self._high:g}", param, ctx,
                )  # fmt: skip
        return text
