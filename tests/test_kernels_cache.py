"""Where compiled kernels go: a private directory, named by the sources, or nowhere."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reservoir.kernels import cache, compile

ROOT = Path(__file__).parents[1]


@pytest.fixture
def places(monkeypatch, tmp_path):
    """A home and a temporary directory of the test's own, and no other hint."""
    for variable in ("RESERVOIR_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(temporary))
    cache.cache_directory.cache_clear()
    yield tmp_path
    cache.cache_directory.cache_clear()


def chosen():
    cache.cache_directory.cache_clear()
    return cache.cache_directory()


def test_order_of_places(places, monkeypatch):
    name = f"kernels-{cache._source_digest()}"
    assert chosen() == places / "home" / ".cache" / "reservoir" / name
    monkeypatch.setenv("XDG_CACHE_HOME", str(places / "xdg"))
    assert chosen() == places / "xdg" / "reservoir" / name
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(places / "numba"))
    assert chosen() == places / "numba" / name
    monkeypatch.setenv("RESERVOIR_CACHE_DIR", str(places / "own"))
    assert chosen() == places / "own" / name


def test_the_directory_is_private_and_empty(places):
    directory = chosen()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert list(directory.iterdir()) == [], "the probe was left behind"


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_loose_permissions_are_refused(places, mode):
    first = chosen()
    first.chmod(mode)
    second = chosen()
    assert second.parent == places / "tmp" / f"reservoir-{os.getuid()}"
    second.chmod(mode)
    assert chosen() is None


def test_another_owner_is_refused(places, monkeypatch):
    first = chosen()
    monkeypatch.setattr(cache.os, "getuid", lambda: os.stat(first).st_uid + 1)
    assert chosen() is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_parent_of_another_owner_is_refused(places):
    """Its owner could put a directory of their own in place of ours."""
    home, uid = places / "home" / ".cache" / "reservoir", os.getuid()
    temporary = places / "tmp" / f"reservoir-{uid}"
    for parent in (home, temporary):
        parent.mkdir(parents=True)
        os.chown(parent, 12345, 12345)
        parent.chmod(0o777)
    assert chosen() is None
    os.chown(temporary, uid, uid)
    assert chosen().parent == temporary


def test_a_symbolic_link_is_refused(places):
    first = chosen()
    elsewhere = places / "elsewhere"
    first.rename(elsewhere)
    first.symlink_to(elsewhere)
    assert chosen().parent == places / "tmp" / f"reservoir-{os.getuid()}"


def test_a_file_in_the_way_is_passed_by(places, monkeypatch):
    (places / "file").write_text("not a directory")
    monkeypatch.setenv("RESERVOIR_CACHE_DIR", str(places / "file"))
    assert chosen().parent == places / "home" / ".cache" / "reservoir"


def test_the_digest_follows_every_source(tmp_path, monkeypatch):
    kernels = tmp_path / "kernels"
    shutil.copytree(Path(cache.__file__).parent, kernels)
    monkeypatch.setattr(cache, "__file__", str(kernels / "cache.py"))
    before = cache._source_digest()
    assert before == cache._source_digest()
    seen = {before}
    for source in sorted(kernels.glob("*.py")):
        text = source.read_text()
        source.write_text(text + "\n# changed\n")
        seen.add(cache._source_digest())
        source.write_text(text)
    assert len(seen) == 1 + len(list(kernels.glob("*.py")))
    assert cache._source_digest() == before
    (kernels / "series.py").rename(kernels / "other.py")
    assert cache._source_digest() != before
    monkeypatch.setattr(cache.numba, "__version__", "0.0")
    assert cache._source_digest() not in seen


def test_without_a_place_a_kernel_is_compiled_in_memory(monkeypatch):
    monkeypatch.setattr(compile, "cache_directory", lambda: None)
    twice = compile.kernel(lambda x: x + x)
    assert twice(2) == 4
    assert twice.stats.cache_path is None


def test_numba_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(compile, "cache_directory", lambda: tmp_path)
    before = compile.numba.config.CACHE_DIR
    kernel = compile.kernel(_plus_one)
    assert before == compile.numba.config.CACHE_DIR
    assert kernel(1) == 2
    assert Path(kernel.stats.cache_path).is_relative_to(tmp_path)
    assert list(tmp_path.rglob("*.nbi"))


def _plus_one(x):
    return x + 1


def test_read_only_home_and_package(tmp_path):
    """Nothing can be written at home or beside the package: it works, from the temporary place."""
    package, home = tmp_path / "site" / "reservoir", tmp_path / "home"
    shutil.copytree(ROOT / "reservoir", package, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    script = (
        "import reservoir.kernels.series, reservoir.kernels.cache as cache;"
        "print(reservoir.kernels.__file__); print(cache.cache_directory())"
    )
    environment = {
        "HOME": str(home),
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *sys.path[1:]]),
        "PATH": os.environ["PATH"],
    }
    if os.getuid() == 0:  # root writes to read-only directories: take one that not even root can
        environment["HOME"] = "/proc/self"
    for directory in (home, package, package / "kernels"):
        directory.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    finally:
        for directory in (home, package, package / "kernels"):
            directory.chmod(0o755)
    assert done.returncode == 0, done.stderr
    package_file, directory = done.stdout.splitlines()
    assert Path(package_file).is_relative_to(package)
    assert Path(directory).parent == tmp_path / f"reservoir-{os.getuid()}"
    assert not done.stderr


def test_two_compiled_functions_of_one_name_are_refused():
    """They could get one symbol: `reservoir.kernels.compile._check_name`."""

    def made(number):
        def function():
            return number

        return function

    compile.inlined(made(1))
    with pytest.raises(RuntimeError, match=r"called .*made\.<locals>\.function"):
        compile.inlined(made(2))
    other = made(3)
    other.__qualname__ = "made_3"
    assert compile.inlined(other)() == 3
