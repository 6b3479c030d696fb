"""Work in another process: requests and answers are lines of JSON.

Each package has a process of its own, so that the thread pools of one do not stand in the way of
another; only one of them works at a time. A process that waits uses no processor.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

# Freed memory stays with the process: on virtual machines the first touch of a page can cost more
# than the work.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class Process:
    """The driver's end.

    Parameters
    ----------
    name
        What is said to have ended, if it does.
    module
        Its main part calls `serve`.
    """

    def __init__(self, name: str, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **KEEP_MEMORY},
        )
        self._name = name

    def ask(self, **message: Any) -> Any:
        """Send a request and wait for its answer."""
        print(json.dumps(message), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker of {self._name} ended: its message is above")
        return json.loads(answer)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def serve(start: Callable[[], Callable[[dict[str, Any]], Any]]) -> None:
    """The worker's end: what ``start`` returns answers requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a package prints goes elsewhere
    warnings.simplefilter("ignore")
    answer = start()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
