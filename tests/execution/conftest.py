"""Fetches the tests that graphql-core ships in its source distribution."""

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

LOCK_FILE = Path(__file__).parents[2] / "requirements" / "dev.txt"
DESCRIBE = "pytest-describe==3.2.0 --hash=sha256:ea4ef9968145d017847b0e705d058b1ea35ea35c59b5adf4a34378c418ac455a"
"""The plugin that graphql-core's tests are written for."""
DOWNLOAD_TIMEOUT_SECONDS = 60


class GraphQLCoreTests(NamedTuple):
    """Where graphql-core's tests are, and the plugin that runs them."""

    version: str
    root: Path
    describe: Path


@pytest.fixture(scope="session")
def graphql_core_tests(pytestconfig: pytest.Config) -> GraphQLCoreTests:
    version = importlib.metadata.version("graphql-core")
    folder = pytestconfig.cache.mkdir(f"graphql-core-{version}")
    root = folder / f"graphql_core-{version}"
    if not root.exists():
        download(folder, version)
    (describe,) = folder.glob("pytest_describe-*.whl")
    return GraphQLCoreTests(version, root, describe)


def download(folder: Path, version: str) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{locked('graphql-core', version)}\n{DESCRIBE}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--no-binary", "graphql-core", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(  # noqa: S603  our own arguments
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the package index does not answer: graphql-core's own tests were not run")
    if "DO NOT MATCH THE HASHES" in done.stderr:
        pytest.fail(done.stderr)
    if done.returncode != 0:
        pytest.skip(f"the package index is out of reach: graphql-core's own tests were not run\n{done.stderr}")
    with tarfile.open(folder / f"graphql_core-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")


def locked(name: str, version: str) -> str:
    """Return a requirement of the lock file with its hashes."""
    lines = LOCK_FILE.read_text(encoding="utf-8").splitlines()
    start = lines.index(f"{name}=={version} \\")
    stop = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    return "\n".join(lines[start : stop + 1])
