"""The errors and warnings of the package: each names what is wrong and where."""

from __future__ import annotations


class DataError(ValueError):
    """Data that cannot be used; the message names the file or series, the step and the column."""


class ColumnError(DataError):
    """A column that was asked for and does not exist; the message offers the nearest names."""


class CheckpointError(DataError):
    """A file that is not a readable checkpoint: another format, damaged, or too new."""


class VersionError(CheckpointError):
    """A checkpoint of another version of the format: sound, but not for this reader."""


class CreateError(OSError):
    """An output file that cannot be created: its directory is missing or not writable."""


class InUseError(RuntimeError):
    """A run directory that another process works in."""


class IllConditionedWarning(UserWarning):
    """A readout whose normal equations leave few correct digits; the message has the number."""


class DenseFallbackWarning(UserWarning):
    """An iterative eigenvalue computation did not converge and a dense one took its place."""
