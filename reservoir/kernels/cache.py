"""Where the compiled kernels are kept.

Numba keys its cache on the file of the kernel alone, so a helper in another file could go stale
unseen. The directory is therefore named by a digest of every kernel source. Numba's index is a
pickle: the directory must be private (mode 0700, owned by the user, no symbolic link) or it is
not used. If none can be had, kernels are compiled anew in each process.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numba


def _source_digest() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def _candidates() -> Iterator[Path]:
    """Parent directories in order of preference."""
    for variable in ("RESERVOIR_CACHE_DIR", "NUMBA_CACHE_DIR"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / "reservoir"
    home = os.path.expanduser("~")
    if home != "~":
        yield Path(home) / ".cache" / "reservoir"
    yield Path(tempfile.gettempdir()) / f"reservoir-{os.getuid()}"


def _is_private(directory: Path) -> bool:
    status = directory.lstat()
    mode = stat.S_IMODE(status.st_mode)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not mode & 0o077


def _usable(parent: Path, name: str) -> Path | None:
    directory = parent / name
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another owner of the parent could put a directory of their own in this one's place.
        if not _is_private(directory) or parent.lstat().st_uid not in (0, os.getuid()):
            return None
        handle, probe = tempfile.mkstemp(dir=directory)
        os.close(handle)
        os.unlink(probe)
    except OSError:
        return None
    return directory


@cache
def cache_directory() -> Path | None:
    """The private directory of this version's kernels, or None if none can be written."""
    name = f"kernels-{_source_digest()}"
    return next((d for parent in _candidates() if (d := _usable(parent, name))), None)
