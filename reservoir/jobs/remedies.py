"""The remedies that a training job may be told, as `reservoir.rnn.remedies.Remedies` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reservoir.errors import DataError
from reservoir.jobs.settings import Options, option

REMEDIES = (
    "l1",
    "l2",
    "l1_other",
    "l2_other",
    "spectral_radius_bound",
    "spectral_norm_bound",
    "keep_orthogonal",
    "omega",
    "omega_derivative",
    "shrink_exploded",
    "freeze",
)


_NAMES = re.compile(rf"\b({'|'.join(REMEDIES)})\b")


@contextmanager
def as_options() -> Iterator[None]:
    """Let errors of `Remedies`, which name its arguments, name the options of the program."""
    try:
        yield
    except DataError as error:
        raise DataError(_NAMES.sub(lambda name: option(name[0]), str(error))) from None


def remedy_settings(given: Options) -> dict[str, Any]:
    """The remedies that are asked for, and nothing of the others.

    Parameters
    ----------
    given : mapping
        By their names; None, 0, false and nothing are no remedy.

    Raises
    ------
    DataError
        An option of a remedy that is not asked for, or that another one undoes.
    """
    found = {name: given[name] for name in REMEDIES if given.get(name)}
    if "omega_derivative" in found and "omega" not in found:
        raise DataError("--omega-derivative is of the regularizer Omega: give its weight, --omega")
    if "keep_orthogonal" in found and "freeze" not in found:
        for name in ("spectral_radius", "gain"):
            if given.get(name) is not None:
                raise DataError(
                    f"{option(name)} is undone by --keep-orthogonal, which makes W the nearest "
                    "orthogonal matrix: give one of them"
                )
    if "freeze" in found:
        found["freeze"] = list(found["freeze"])
    return found
