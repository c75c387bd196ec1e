"""Runs a module and samples its stack by its processor time: `python benchmarks/sampler.py -m MODULE …`.

A deterministic profiler would charge each call of a Python function some tenth of a microsecond, and so make small
functions look slow; this one costs next to nothing, and charges nobody. The signal handler runs between two byte codes:
what is done in C counts for the function that called it, or for the one that Python came to next.

On SIGUSR1 it writes what it has seen to the file named by `SAMPLES_FILE`, and begins anew.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

INTERVAL_SECONDS: Final = 0.001
"""Most kernels look at such timers at their own ticks alone, 100 to 1,000 times a second."""

_samples: Counter[tuple[str, str]] = Counter()


def sample(_signal: int, frame: FrameType | None) -> None:
    """Note the innermost function."""
    if frame is not None:
        code = frame.f_code
        _samples[frame.f_globals.get("__name__", code.co_filename), code.co_qualname] += 1


def write(_signal: int, _frame: FrameType | None) -> None:
    """Write the samples, whole or not at all."""
    file = Path(os.environ["SAMPLES_FILE"])
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps([[*place, count] for place, count in _samples.items()]))
    _samples.clear()
    partial.rename(file)


def main() -> None:
    """Run the module named after `-m` as if Python had been given it."""
    _, _, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, write)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
