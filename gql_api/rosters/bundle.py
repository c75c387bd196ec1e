"""A OneRoster bundle as named streams: a folder, or a .zip that is never unpacked to disk.

An archive comes from outside. Its directory is judged before anything is inflated: the number of entries, their names,
their sizes, and how far they inflate. Reading cannot exceed what the directory claims, because zipfile stops there and
then finds the checksum wrong.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, BinaryIO, Protocol

from gql_api.errors import BundleUnusable

ENTRIES_MAX = 1_000
"""Entries in an archive or a folder; the standard knows 25 files."""

BYTES_MAX = 4 * 1024**3
"""Bytes of all files together, uncompressed; some 40 million enrolments."""

RATIO_MAX = 200
"""How many times larger than in the archive a file may be; rosters reach 30, an archive of zeros 1,000."""

RATIO_EXEMPT_BYTES = 1024**2
"""Files up to this size may be compressed as far as they go."""

READ_BYTES_MAX = 1024**2
"""The largest single read from an archive. Its directory is read in one, so this bounds that too."""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
# What zipfile lets through when a record in the archive holds something else than it expects.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


class Bundle(Protocol):
    """The .csv files of a bundle."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every .csv file, uncompressed, by name with the ending."""
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one of the files in `sizes` for reading.

        Raises:
            BundleUnusable: the file turns out damaged, on opening or while the stream is being read.
        """
        ...


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open the bundle at `path`, to be closed with the context.

    Raises:
        BundleUnusable: there is nothing at this path, it is neither folder nor archive, or the archive is damaged,
            encrypted or larger than allowed.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BundleUnusable(f"{path} cannot be opened: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        yield FolderBundle(path)
    elif stat.S_ISREG(mode):
        with _open_archive(path) as archive:
            yield ArchiveBundle(path, archive)
    else:
        raise BundleUnusable(f"{path} is neither a folder nor a .zip file.")


class FolderBundle:
    """The .csv files that lie directly in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            entries = _at_most(ENTRIES_MAX, path.iterdir(), f"{path} holds more than {ENTRIES_MAX:,} files.")
            self.sizes: Mapping[str, int] = {
                entry.name: entry.stat().st_size for entry in entries if _is_csv(entry.name) and entry.is_file()
            }
        except OSError as error:
            raise BundleUnusable(f"{path} cannot be read: {error.strerror}.") from error
        if not self.sizes:
            for entry in entries:
                if (entry / "manifest.csv").is_file():
                    raise BundleUnusable(f"{path} holds no .csv file itself; its folder {entry.name} does: name that.")
        _check_total(path, self.sizes)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See `Bundle.open`."""
        try:
            stream = (self._path / name).open("rb")
        except OSError as error:
            raise BundleUnusable(f"{name} cannot be read: {error.strerror}.") from error
        with stream:
            yield stream


class ArchiveBundle:
    """The .csv files at the root of an archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        entries = archive.infolist()
        if len(entries) > ENTRIES_MAX:
            raise BundleUnusable(f"{path} has {len(entries):,} entries; at most {ENTRIES_MAX:,} are read.")
        for entry in entries:
            _check_entry(entry)
        _check_total(path, {entry.filename: entry.file_size for entry in entries})
        files = [entry for entry in entries if _is_csv(entry.filename)]
        self.sizes: Mapping[str, int] = {entry.filename: entry.file_size for entry in files}
        if len(self.sizes) < len(files):
            raise BundleUnusable(f"{path} holds two files of the same name.")

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See `Bundle.open`."""
        with _damage_named(name):
            stream = self._archive.open(name)
        with stream:
            yield io.BufferedReader(_Entry(name, stream), READ_BYTES_MAX // 4)


class _Entry(io.RawIOBase):
    """An entry of an archive, whose damage is found while it is being read."""

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        super().__init__()
        self._name = name
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with _damage_named(self._name):
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _BoundedReader(io.BufferedReader):
    """A file of which nobody can read much at once, whatever length an archive's own records claim."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = READ_BYTES_MAX + 1 if size is None or size < 0 else size
        if wanted > READ_BYTES_MAX + 1:
            raise zipfile.BadZipFile(f"its directory claims {wanted:,} bytes")
        data = super().read(wanted)
        if len(data) > READ_BYTES_MAX:
            raise zipfile.BadZipFile("its directory is too long")
        return data


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        raise BundleUnusable(f"{name} in the archive is damaged: {_first_line(error)}.") from error


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        file = io.FileIO(path)
    except OSError as error:
        raise BundleUnusable(f"{path} cannot be opened: {error.strerror}.") from error
    with _BoundedReader(file) as reader:
        try:
            archive = zipfile.ZipFile(reader)
        except _DAMAGES as error:
            raise BundleUnusable(f"{path} is not a .zip file, or a damaged one: {_first_line(error)}.") from error
        with archive:
            yield archive


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    # Nothing is ever written under these names; who sends them means no good all the same.
    if _leads_out(name) or _leads_out(entry.orig_filename):
        raise BundleUnusable(f"the archive has an entry {name!r}, whose name leads out of the archive.")
    parts = PurePosixPath(name).parts
    if len(parts) > 1 and _is_csv(parts[-1]):
        raise BundleUnusable(f"the archive holds {name!r} in a folder; OneRoster wants all files at its root.")
    if entry.flag_bits & _ENCRYPTED:
        raise BundleUnusable(f"{name!r} in the archive is encrypted; it must not be.")
    if entry.compress_type not in _METHODS:
        raise BundleUnusable(f"{name!r} in the archive is neither stored nor deflated.")
    if entry.file_size > RATIO_EXEMPT_BYTES and entry.file_size > RATIO_MAX * max(entry.compress_size, 1):
        raise BundleUnusable(
            f"{name!r} in the archive inflates {entry.file_size // max(entry.compress_size, 1):,} times; "
            f"at most {RATIO_MAX} times is read."
        )


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)
    return bool(windows.drive or windows.root or ".." in windows.parts or "\0" in name)


def _check_total(path: Path, sizes: Mapping[str, int]) -> None:
    total = sum(sizes.values())
    if total > BYTES_MAX:
        raise BundleUnusable(f"{path} holds {total:,} bytes of files; at most {BYTES_MAX:,} are read.")


def _is_csv(name: str) -> bool:
    """Tell whether this is one of the bundle's own files: .csv in any case, not hidden, not in a folder."""
    return name.lower().endswith(".csv") and not name.startswith(".") and "/" not in name


def _at_most(limit: int, entries: Iterator[Path], refusal: str) -> list[Path]:
    found: list[Path] = []
    for entry in entries:
        if len(found) == limit:
            raise BundleUnusable(refusal)
        found.append(entry)
    return sorted(found)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
