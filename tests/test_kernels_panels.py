"""Products by panels against dense ones, over shapes around the panel's width."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reservoir.kernels.panels import (
    COLUMNS,
    PANEL,
    VECTORS,
    add_products,
    centre,
    multiply,
    pack,
    pack_transposed,
)

WIDTHS = sorted({1, 5, PANEL - 1, PANEL, PANEL + 1, 3 * PANEL + 2})
widths = pytest.mark.parametrize("columns", WIDTHS)
HEIGHTS = [1, 7, 128, 300]


def packed(X, room=0):
    z = np.zeros((-(-X.shape[1] // PANEL), len(X) + room, PANEL))
    pack(X, 0, 0, z)
    return z


def unpacked(z, columns):
    return z.transpose(1, 0, 2).reshape(z.shape[1], -1)[:, :columns]


@widths
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_packing_puts_pieces_side_by_side_and_below_each_other(columns, dtype):
    X = np.random.default_rng(0).normal(size=(9, columns)).astype(dtype)
    cut = columns // 3
    z = np.zeros((-(-columns // PANEL), 9, PANEL))
    for rows in (slice(0, 4), slice(4, 9)):
        for part in (slice(0, cut), slice(cut, columns)):
            piece = np.ascontiguousarray(X[rows, part])
            pack(piece, part.start, rows.start, z)
    assert np.array_equal(unpacked(z, columns), X)
    assert not z.transpose(1, 0, 2).reshape(9, -1)[:, columns:].any()


@widths
@pytest.mark.parametrize("rows", HEIGHTS)
def test_centring(columns, rows):
    X = np.random.default_rng(1).normal(size=(rows, columns)) + 5
    z = packed(X, room=1)
    means = np.full((len(z), PANEL), np.nan)
    for p in range(len(z)):
        centre(z, p, p + 1, rows, means)
    np.testing.assert_allclose(means.ravel()[:columns], X.mean(axis=0), rtol=1e-13)
    wanted = X - X.mean(axis=0)
    np.testing.assert_allclose(unpacked(z, columns)[:rows], wanted, atol=1e-12)
    assert not unpacked(z, columns)[rows:].any()


@widths
@pytest.mark.parametrize("rows", [0, *HEIGHTS])
def test_symmetric_products(columns, rows):
    """Added to what is there, whichever panels go together; rows beyond the count do not matter."""
    X = np.random.default_rng(2).normal(size=(rows, columns))
    z = packed(X, room=2)
    z[:, rows:] = 77
    panels = len(z)
    found = []
    for step in (1, panels):
        sums = np.ones((panels * (panels + 1) // 2, PANEL, PANEL))
        for start in range(0, panels, step):
            add_products(z, start, min(start + step, panels), rows, sums)
        found.append(sums)
    assert np.array_equal(*found)
    wide = np.zeros((rows, panels * PANEL))
    wide[:, :columns] = X
    product = 1 + wide.T @ wide
    for p in range(panels):
        for q in range(p + 1):
            tile = product[p * PANEL : (p + 1) * PANEL, q * PANEL : (q + 1) * PANEL]
            got = found[0][p * (p + 1) // 2 + q].T
            np.testing.assert_allclose(got, tile, rtol=1e-12, atol=1e-12)


@widths
@pytest.mark.parametrize("rows", HEIGHTS)
@pytest.mark.parametrize("depth", [1, 130])
def test_general_products(columns, rows, depth):
    rng = np.random.default_rng(3)
    Z, V = rng.normal(size=(rows, depth)), rng.normal(size=(depth, columns))
    mean = rng.normal(size=depth)
    right = np.full((-(-rows // PANEL), depth, PANEL), np.nan)
    pack_transposed(Z, mean, right)
    left = packed(V)
    out = np.zeros((len(right) * PANEL, len(left) * PANEL))
    multiply(left, right, out)
    np.testing.assert_allclose(out[:rows, :columns], (Z - mean) @ V, rtol=1e-11, atol=1e-11)
    assert not out[rows:].any()
    assert not out[:, columns:].any()


def test_a_panel_is_whole_vectors():
    assert PANEL % VECTORS == 0
    assert PANEL % COLUMNS == 0


@pytest.mark.skipif("RESERVOIR_NARROW" in os.environ, reason="this is the inner run")
def test_machines_with_narrower_vectors(tmp_path):
    """The kernels as they are compiled where no vector has 512 bits."""
    here = Path(__file__).parent
    code = (
        "import sys, llvmlite.binding as binding\n"
        "host = binding.get_host_cpu_features\n"
        "def narrow():\n"
        "    features = host()\n"
        "    features['avx512f'] = False\n"
        "    return features\n"
        "binding.get_host_cpu_features = narrow\n"
        "import pytest\n"
        "from reservoir.kernels import vectors\n"
        "assert vectors.VECTOR_BITS == 256\n"
        "sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', *sys.argv[1:]]))\n"
    )
    tests = ["test_kernels_panels.py", "test_kernels_drives.py::test_lanes"]
    command = [sys.executable, "-c", code, *(str(here / test) for test in tests)]
    narrow = {"RESERVOIR_NARROW": "1", "RESERVOIR_CACHE_DIR": str(tmp_path)}
    ended = subprocess.run(
        command,
        env={**os.environ, **narrow, "PYTHONPATH": str(here.parent)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
