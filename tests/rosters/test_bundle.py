import random
import struct
import zipfile
from pathlib import Path

import pytest

from gql_api.errors import BundleUnusable
from gql_api.rosters.bundle import BYTES_MAX, ENTRIES_MAX, RATIO_EXEMPT_BYTES, open_bundle
from tests.rosters.sample_bundle import sample, written, zipped

# Offsets in a zip file's records: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12.
LOCAL_HEADER, DIRECTORY_ENTRY = b"PK\x03\x04", b"PK\x01\x02"


def read_everything(path: Path) -> dict[str, bytes]:
    with open_bundle(path) as bundle:
        contents = {}
        for name in bundle.sizes:
            with bundle.open(name) as stream:
                contents[name] = stream.read()
        return contents


def refusal(path: Path) -> str:
    with pytest.raises(BundleUnusable) as refused:
        read_everything(path)
    return refused.value.message


def noise(length: int) -> bytes:
    """Bytes that do not compress."""
    return random.Random(1).randbytes(length)  # noqa: S311 - not a secret


def archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return path


def patched(path: Path, signature: bytes, offset: int, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    at = data.index(signature) + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def test_a_folder_and_an_archive_of_it_are_the_same_bundle(tmp_path: Path) -> None:
    files = sample()
    expected = {name: text.replace("\n", "\r\n").encode() for name, text in files.items()}
    assert read_everything(written(files, tmp_path / "folder")) == expected
    assert read_everything(zipped(files, tmp_path / "roster.zip")) == expected
    for path in (tmp_path / "folder", tmp_path / "roster.zip"):
        with open_bundle(path) as bundle:
            assert bundle.sizes == {name: len(content) for name, content in expected.items()}


def test_what_is_no_csv_file_is_passed_over(tmp_path: Path) -> None:
    entries = {"README.txt": b"-", "users.csv": b"x", ".hidden.csv": b"-", "__MACOSX/._users.csv": b"-", "docs/": b""}
    assert read_everything(archive(tmp_path / "a.zip", entries)) == {"users.csv": b"x"}
    folder = written({"users.csv": "x", "README.txt": "-", ".hidden.csv": "-"}, tmp_path / "folder")
    (folder / "directory.csv").mkdir()
    assert read_everything(folder) == {"users.csv": b"x"}


def test_the_path_must_be_a_folder_or_an_archive(tmp_path: Path) -> None:
    text = tmp_path / "users.csv"
    text.write_text("sourcedId\n")
    assert refusal(tmp_path / "none") == f"{tmp_path / 'none'} cannot be opened: No such file or directory."
    assert refusal(text) == f"{text} is not a .zip file, or a damaged one: File is not a zip file."
    assert refusal(Path("/dev/null")) == "/dev/null is neither a folder nor a .zip file."


@pytest.mark.parametrize("kept", [0, 1, 21, 200, 0.5, 0.99])
def test_a_truncated_archive_is_refused(tmp_path: Path, kept: float) -> None:
    whole = zipped(sample(), tmp_path / "a.zip")
    data = whole.read_bytes()
    whole.write_bytes(data[: int(kept if kept >= 1 else kept * len(data))])
    assert refusal(whole) == f"{whole} is not a .zip file, or a damaged one: File is not a zip file."


def test_no_damage_to_an_archive_goes_unnoticed_or_raises_anything_else(tmp_path: Path) -> None:
    content = noise(300)
    whole = archive(tmp_path / "a.zip", {"users.csv": content})
    data = whole.read_bytes()
    for position in range(len(data)):
        whole.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            assert read_everything(whole) in ({"users.csv": content}, {}), f"byte {position}"
        except BundleUnusable:
            continue


def test_damage_is_found_while_a_file_is_being_read(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.zip", {"users.csv": noise(100_000)}, zipfile.ZIP_STORED)
    data = bytearray(whole.read_bytes())
    data[90_000] ^= 0xFF
    whole.write_bytes(data)
    assert refusal(whole) == "users.csv in the archive is damaged: Bad CRC-32 for file 'users.csv'."


@pytest.mark.parametrize(
    "name", ["../users.csv", "a/../../users.csv", "/etc/users.csv", "..\\users.csv", "C:\\users.csv"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of the archive" in refusal(archive(tmp_path / "a.zip", {name: b"x"}))
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip"}


def test_files_in_an_enclosing_directory_are_refused(tmp_path: Path) -> None:
    assert refusal(zipped(sample(), tmp_path / "a.zip", prefix="roster/")) == (
        "the archive holds 'roster/orgs.csv' in a folder; OneRoster wants all files at its root."
    )
    written(sample(), tmp_path / "folder" / "roster")
    assert refusal(tmp_path / "folder") == (
        f"{tmp_path / 'folder'} holds no .csv file itself; its folder roster does: name that."
    )


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("users.csv", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            opened.writestr("users.csv", "2")
    assert refusal(tmp_path / "a.zip") == f"{tmp_path / 'a.zip'} holds two files of the same name."


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"users.csv": b"x"})
    patched(path, LOCAL_HEADER, 6, b"\x01\x00")
    patched(path, DIRECTORY_ENTRY, 8, b"\x01\x00")
    assert refusal(path) == "'users.csv' in the archive is encrypted; it must not be."


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_deflate_is_inflated(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path / "a.zip", {"users.csv": b"x" * 100}, method)
    assert refusal(path) == "'users.csv' in the archive is neither stored nor deflated."


def test_a_zip_bomb_is_refused_before_anything_is_inflated(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"users.csv": bytes(10 * RATIO_EXEMPT_BYTES)})
    assert refusal(path) == "'users.csv' in the archive inflates 1,027 times; at most 200 times is read."


def test_an_archive_that_lies_about_its_sizes_is_damaged(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"users.csv": bytes(50 * RATIO_EXEMPT_BYTES)})
    patched(path, LOCAL_HEADER, 22, struct.pack("<I", 100))
    patched(path, DIRECTORY_ENTRY, 24, struct.pack("<I", 100))
    assert refusal(path) == "users.csv in the archive is damaged: Bad CRC-32 for file 'users.csv'."


def test_files_that_are_too_large_together_are_refused(tmp_path: Path) -> None:
    for name in ("users.csv", "enrollments.csv"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(BYTES_MAX // 2 + 1)  # a hole: it takes no room
    assert refusal(tmp_path) == (f"{tmp_path} holds 4,294,967,298 bytes of files; at most 4,294,967,296 are read.")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {f"{i}.csv": b"" for i in range(ENTRIES_MAX + 1)})
    assert refusal(path) == f"{path} has 1,001 entries; at most 1,000 are read."
    folder = tmp_path / "folder"
    folder.mkdir()
    for i in range(ENTRIES_MAX + 1):
        (folder / f"{i}.csv").touch()
    assert refusal(folder) == f"{folder} holds more than 1,000 files."


def test_a_huge_directory_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for i in range(40):
            entry = zipfile.ZipInfo(f"{i}.csv")
            entry.comment = b"x" * 60_000
            opened.writestr(entry, b"")
    assert "its directory claims" in refusal(path)


def test_a_stream_gives_the_same_bytes_however_it_is_read(tmp_path: Path) -> None:
    content = noise(3_000_000)
    path = archive(tmp_path / "a.zip", {"users.csv": content})
    with open_bundle(path) as bundle, bundle.open("users.csv") as stream:
        assert b"".join(iter(lambda: stream.read(70_001), b"")) == content
    with open_bundle(path) as bundle, bundle.open("users.csv") as stream:
        assert b"".join(stream) == content
