"""Which versions were measured."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

from gql_api import __version__

PACKAGES: Final = (
    "strawberry-graphql",
    "graphql-core",
    "SQLAlchemy",
    "asyncpg",
    "starlette",
    "uvicorn",
    "uvloop",
    "orjson",
)


def versions() -> str:
    """The interpreter and the packages that take part, in words."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"gql-api {__version__} on {platform.python_implementation()} {platform.python_version()}, {packages}"
