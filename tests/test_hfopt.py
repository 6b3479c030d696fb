"""The optimizers' package exists and says honestly that it is empty."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hfopt


def test_it_says_what_it_holds():
    assert "holds no optimizer yet" in hfopt.__doc__
    assert [name for name in dir(hfopt) if not name.startswith("_")] == []


def test_it_needs_nothing_of_reservoir():
    script = (
        "import sys, hfopt; assert not any(m.split('.')[0] == 'reservoir' for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])
