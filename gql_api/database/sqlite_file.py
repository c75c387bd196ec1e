"""Which file is behind a path: an open SQLite connection goes on with the file that it opened, wherever that is by now.

Whoever removes or replaces the file under the program would otherwise be told of writes that no path leads to.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class FileIdentity(NamedTuple):
    """What makes a file the same file, by whatever path it is reached."""

    device: int
    inode: int


def file_identity(path: Path) -> FileIdentity | None:
    """The file that is behind the path now; None if there is none, or none that can be reached."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileIdentity(status.st_dev, status.st_ino)
