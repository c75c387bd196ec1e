"""What the program says of itself, and how it refuses what it does not understand."""

import re
import subprocess
import sys

import pytest

from gql_api import __version__
from gql_api.cli import main
from tests.server import ROOT, environment, gql_api
from tests.server import command as run

COMMANDS = sorted(main.commands)


def test_help_lists_every_command_with_what_it_does() -> None:
    shown = gql_api("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", shown.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_there_for_who_got_a_setting_wrong(command: str) -> None:
    shown = run(command, "--help", port="wrong", nonsense=1)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("Usage: ")


def test_the_version_is_the_packages() -> None:
    shown = gql_api("--version")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"gql-api, version {__version__}\n", "")
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


@pytest.mark.parametrize(
    "arguments",
    [
        ["drop"],
        ["serve", "--nonsense"],
        ["serve", "--port", "x"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "257"],
        ["serve", "extra"],
        ["migrate", "extra"],
    ],
    ids=" ".join,
)
def test_what_is_not_understood_is_a_usage_error(arguments: list[str]) -> None:
    refused = run(*arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")
    usage, _, error = refused.stderr.partition("\n\n")
    assert usage.startswith("Usage: ")
    assert re.fullmatch(r"Error: .+\n", error)


def test_without_a_command_help_is_shown() -> None:
    assert run().output == run("--help").output


def test_the_package_is_no_program_that_runs_when_imported() -> None:
    imported = subprocess.run(
        [sys.executable, "-c", "import gql_api.__main__, gql_api.app, gql_api.cli"],
        env=environment(port="wrong"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (imported.returncode, imported.stdout, imported.stderr) == (0, "", "")
