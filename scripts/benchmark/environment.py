"""The environment of the comparison: this package as installed, and the peers it is held against.

Only the standard library is imported here: this runs before anything is installed.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-benchmark"
PYTHON = ENVIRONMENT / "bin" / "python"
PEERS = ("reservoirpy==0.4.2", "rclib==0.2.0")
PACKAGES = ("reservoir", "hfopt")


def _source_digest() -> str:
    """Of everything that an installation depends on."""
    files = [ROOT / "pyproject.toml"]
    for package in PACKAGES:
        files += sorted(f for f in (ROOT / package).rglob("*") if f.suffix in (".py", ".h5", ".md"))
    digest = hashlib.sha256(" ".join(PEERS).encode())
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _pip(*arguments: str) -> None:
    subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
    )


def prepare() -> None:
    """Make the environment, or bring the package in it up to date with the checkout."""
    stamp = ENVIRONMENT / "installed"
    digest = _source_digest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"preparing {ENVIRONMENT}", file=sys.stderr)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        (ENVIRONMENT / ".gitignore").write_text("*\n")
    _pip(str(ROOT), *PEERS)
    _pip("--force-reinstall", "--no-deps", str(ROOT))
    stamp.write_text(digest)


def run_inside(module: str) -> NoReturn:
    """Go on as ``python -m module`` inside the environment, with the same arguments.

    ``-P`` keeps the current directory out of the import path: the installed package is measured,
    not the checkout.
    """
    prepare()
    os.environ["PYTHONPATH"] = str(ROOT / "scripts")
    os.environ.setdefault("RESERVOIR_CACHE_DIR", str(ENVIRONMENT / "kernels"))
    os.execv(PYTHON, [str(PYTHON), "-P", "-m", module, *sys.argv[1:]])
