"""Hatchling's build hook: every sdist and wheel carries GraphiQL, where Node and the npm registry can be had.

Hatchling loads this file by its path (see `[tool.hatch.build.hooks.custom]`). The bundle is an artifact: it is taken
along from the package folder although git ignores it. An sdist carries it too, so a wheel made from one needs no Node.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Loaded by path, this file does not find its neighbour by itself.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import bundle

# Elsewhere pip would compile Node from its sources, for hours.
MACHINES_WITH_NODE_WHEELS = {"x86_64", "amd64", "arm64", "aarch64"}


class GraphiQLBuildHook(BuildHookInterface[Any]):
    """Bundles GraphiQL before a build, and asks pip for Node only where there is none."""

    def dependencies(self) -> list[str]:
        """What the build needs beyond Hatchling: Node, unless it is here or GraphiQL is bundled already."""
        if bundle.is_bundled() or bundle.find_node() or platform.machine().lower() not in MACHINES_WITH_NODE_WHEELS:
            return []
        return [bundle.NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- Hatchling's interface
        """Bundle, or say why not and build without: the page then says how to bundle it.

        An editable install reads the checkout, where `make graphiql` bundles.
        """
        if version == "editable":
            return
        try:
            bundle.bundle()
        except bundle.BundleError as error:
            self.app.display_warning(f"GraphiQL was not bundled: {error}")
