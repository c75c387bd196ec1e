"""The npm packages of this folder, installed when a test first needs them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent
_INSTALL_TIMEOUT_SECONDS = 100
_RUN_TIMEOUT_SECONDS = 60
_REGISTRY_IS_AWAY = (
    "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT"
)  # fmt: skip


@pytest.fixture(scope="session")
def run_node() -> Callable[..., str]:
    """Runs a script of this folder with Node and returns what it printed; skips where there is no Node or registry."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are not on the path: the GraphQL clients cannot be run")
    _install(npm)

    def run(script: str, *arguments: str) -> str:
        command = [node, str(CLIENTS / script), *arguments]
        finished = subprocess.run(  # noqa: S603 - our own scripts
            command, cwd=CLIENTS, capture_output=True, text=True, timeout=_RUN_TIMEOUT_SECONDS, check=False
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


def _install(npm: str) -> None:
    lock, installed = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    finished = subprocess.run(  # noqa: S603 - npm, as found on the path
        [npm, "ci", "--fetch-retries=1", "--fetch-timeout=20000"],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_SECONDS,
        check=False,
    )
    if finished.returncode != 0 and any(sign in finished.stderr for sign in _REGISTRY_IS_AWAY):
        pytest.skip("the npm registry cannot be reached: the GraphQL clients cannot be installed")
    assert finished.returncode == 0, finished.stderr
