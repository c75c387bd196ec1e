"""Migrating to any revision, in this process and in others."""

import asyncio
import subprocess
import sys
from pathlib import Path

from alembic import command

from gql_api.database.migrate import alembic_config

ROOT = Path(__file__).resolve().parents[2]

_MIGRATE_WHEN_TOLD = """
import asyncio, sys
from gql_api.database.migrate import upgrade_to_head
print("ready", flush=True)
sys.stdin.readline()
print(",".join(asyncio.run(upgrade_to_head(sys.argv[1]))), flush=True)
"""


async def upgrade(url: str, revision: str, *, directory: Path | None = None) -> None:
    """Upgrade to a revision, with the program's own migrations or those of a directory."""
    await asyncio.to_thread(command.upgrade, alembic_config(url, directory=directory), revision)


async def downgrade(url: str, revision: str) -> None:
    """Downgrade to a revision."""
    await asyncio.to_thread(command.downgrade, alembic_config(url), revision)


def migrate_in_processes_at_once(url: str, *, processes: int) -> list[str]:
    """Start processes that all migrate at the same moment; what each of them ran, as `0001,0002`."""
    started = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _MIGRATE_WHEN_TOLD, url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate(timeout=60) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [(process.returncode, errors) for process, (_, errors) in zip(started, outcomes, strict=True)] == [
        (0, "")
    ] * processes
    return sorted(output.strip() for output, _ in outcomes)


def alembic(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    """Run alembic's own command line at the root of the repository."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={"GQL_API_DATABASE_URL": url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
