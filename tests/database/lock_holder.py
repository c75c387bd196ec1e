"""A second process that holds a lock, and files that a user may not write: what the tests cannot be themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLD_WRITE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""

_NOBODY = 65534


@contextmanager
def write_lock_held_by_another_process(file: Path) -> Iterator[None]:
    """Keep SQLite's write lock in a process of its own."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _HOLD_WRITE_LOCK, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "locked\n"
            yield
        finally:
            holder.stdin.close()
            holder.wait(timeout=10)


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """Make a file, and the directory for its write-ahead log, unwritable to this process, even if it is root's."""
    directory_mode, file_mode = file.parent.stat().st_mode, file.stat().st_mode
    file.chmod(0o444)
    file.parent.chmod(0o555)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        file.parent.chmod(directory_mode)
        file.chmod(file_mode)
