"""The house, as data: what each part of it may import. Whoever breaks the table is named by the test that fails.

`docs/architecture.md` shows the same table to readers; both are held to each other here.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.server import ROOT

PACKAGE: Final = "gql_api"


class Storey(NamedTuple):
    """What a module or package of ours may import: of ours, and of others'."""

    ours: frozenset[str]
    others: frozenset[str]


def storey(ours: str = "", others: str = "") -> Storey:
    return Storey(frozenset(ours.split()), frozenset(others.split()))


# Ground floor first; a storey names only storeys that stand before it.
HOUSE: Final = {
    "errors": storey(),
    "settings": storey("errors"),
    "pagination": storey("errors", "orjson sqlalchemy"),
    "identity": storey("errors", "joserfc orjson"),
    "admission": storey("errors", "limits"),
    "execution": storey("", "graphql strawberry"),
    "models": storey("", "sqlalchemy"),
    "database": storey("errors pagination identity models", "alembic asyncpg orjson sqlalchemy"),
    "services": storey("errors identity models database", "orjson sqlalchemy"),
    "rosters": storey("errors models database services", "asyncpg rich sqlalchemy"),
    "events": storey("errors database services", "asyncpg"),
    "schema": storey(
        "errors pagination identity admission execution database services events",
        "graphql orjson sqlalchemy strawberry",
    ),
    "http": storey(
        "errors pagination identity admission database services schema",
        "httpx orjson prometheus_client starlette uvicorn",
    ),
    "app": storey(
        "errors settings pagination identity admission execution database services events schema http",
        "graphql starlette",
    ),
    "cli": storey("errors settings identity database services rosters schema http app", "click sqlalchemy"),
    "__main__": storey("cli"),
}


# What is wrong but still there, with what will mend it; nothing can be here that is not wrong.
TOLERATED: Final[dict[str, str]] = {}


class Import(NamedTuple):
    """A module that is imported, and where: by which one, on which line, inside of which function, only for types?"""

    importer: str
    imported: str
    names: frozenset[str]
    line: int
    function: str | None
    for_types: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def _modules() -> dict[str, Path]:
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    return {_name(file): file for file in files}


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES: Final = _modules()


def _imports(importer: str, file: Path) -> Iterator[Import]:
    """Every import, also those inside of functions and of `if TYPE_CHECKING`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    function_by_node: dict[ast.AST, str] = {}
    for_types: set[ast.AST] = set()
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            function_by_node |= dict.fromkeys(ast.walk(outer), outer.name)
        elif isinstance(outer, ast.If) and ast.unparse(outer.test).endswith("TYPE_CHECKING"):
            for_types |= set(ast.walk(outer))
    for node in ast.walk(tree):
        place = function_by_node.get(node), node in for_types
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, frozenset(), node.lineno, *place)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield Import(importer, module, frozenset(alias.name for alias in node.names), node.lineno, *place)


IMPORTS: Final = [found for importer, file in MODULES.items() for found in _imports(importer, file)]


def _storey_of(module: str) -> str | None:
    """The row of a module; None for the package itself, which is nothing but a name and a version."""
    return module.split(".")[1] if "." in module else None


def _is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] == PACKAGE


def _storeys_imported(found: Import) -> set[str | None]:
    if not _is_ours(found.imported):
        return set()
    if found.imported == PACKAGE:
        return {name if f"{PACKAGE}.{name}" in MODULES else None for name in found.names}
    return {_storey_of(found.imported)}


def _shown(imports: Iterator[Import]) -> list[str]:
    return sorted(str(found) for found in imports)


def test_every_module_stands_in_a_storey_and_every_storey_has_a_module() -> None:
    assert {_storey_of(module) for module in MODULES} - {None} == set(HOUSE)


def test_storeys_are_named_after_those_they_stand_on() -> None:
    seen: set[str] = set()
    for name, row in HOUSE.items():
        assert row.ours <= seen, f"{name} stands on {row.ours - seen}, which come later"
        seen.add(name)


def test_a_storey_imports_only_what_its_row_names() -> None:
    wrong = (
        found
        for found in IMPORTS
        if _is_ours(found.imported) and (own := _storey_of(found.importer))
        if not _storeys_imported(found) <= HOUSE[own].ours | {own, None}
    )
    assert _shown(wrong) == []


def test_a_storey_imports_only_those_libraries_that_its_row_names() -> None:
    wrong = (
        found
        for found in IMPORTS
        if not _is_ours(found.imported) and (top := found.imported.split(".")[0]) not in sys.stdlib_module_names
        if top not in HOUSE[_storey_of(found.importer) or "errors"].others
    )
    assert {found.importer: found.imported for found in wrong} == TOLERATED


def test_a_row_names_nothing_that_its_storey_does_not_import() -> None:
    for name, row in HOUSE.items():
        imports = [found for found in IMPORTS if _storey_of(found.importer) == name]
        used = {part for found in imports for part in _storeys_imported(found)}
        used |= {found.imported.split(".")[0] for found in imports}
        needless = (row.ours | row.others) - used
        assert not needless, f"{name} has no need of {', '.join(needless)}"


def test_no_import_stands_inside_a_function() -> None:
    assert _shown(found for found in IMPORTS if found.function) == []


def test_imports_name_modules_in_full() -> None:
    assert _shown(found for found in IMPORTS if found.imported.startswith(".") or "*" in found.names) == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in IMPORTS:
        # Types may name each other within a storey, as the two sides of a relation do; between storeys they may not,
        # because there every import counts.
        if _is_ours(found.imported) and not found.for_types:
            submodules = {f"{found.imported}.{name}" for name in found.names} & MODULES.keys()
            graph[found.importer] |= submodules or {found.imported}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def _importing(*modules: str) -> set[str]:
    """The storeys of whoever imports one of these modules."""
    return {
        _storey_of(found.importer) or ""
        for found in IMPORTS
        if any(found.imported == module or found.imported.startswith(f"{module}.") for module in modules)
    }


def test_only_the_schema_and_the_executor_know_strawberry() -> None:
    assert _importing("strawberry") == {"schema", "execution"}


def test_only_http_and_the_application_know_starlette() -> None:
    assert _importing("starlette") == {"http", "app"}


def test_only_the_storeys_that_write_and_read_name_a_table() -> None:
    assert _importing("gql_api.models") <= {"models", "database", "services", "rosters", "events"}
    outside = {"schema", "http", "pagination", "execution", "app", "cli"}
    assert outside.isdisjoint(_importing("gql_api.services.tables"))


def test_only_the_application_and_the_command_line_read_settings() -> None:
    assert _importing("gql_api.settings") == {"app", "cli"}
    environment = re.compile(r"\bos\.(environ|getenv)\b")
    reading = {_storey_of(module) for module, file in MODULES.items() if environment.search(file.read_text("utf-8"))}
    assert reading <= {"app", "cli"}
    named = {module for module, file in MODULES.items() if "GQL_API_" in file.read_text("utf-8")}
    assert {_storey_of(module) for module in named - TOLERATED.keys()} <= {"settings", "app", "cli"}


def test_only_http_knows_a_status() -> None:
    statuses = re.compile(r"\b(status_code|HTTPStatus|HTTP_\d{3})\b")
    assert {_storey_of(module) for module, file in MODULES.items() if statuses.search(file.read_text("utf-8"))} <= {
        "http"
    }


@pytest.mark.parametrize("package", ["admission", "execution", "identity", "pagination"])
def test_what_can_be_taken_away_alone_needs_nothing_of_ours_but_errors(package: str) -> None:
    assert HOUSE[package].ours <= {"errors"}


def _table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of docs/architecture.md, without the code marks."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    lines = dropwhile(lambda line: not line.startswith("|"), text.splitlines())
    _header, _rule, *rows = takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_the_document_shows_the_house_as_it_is() -> None:
    documented = {name.removesuffix("/").removesuffix(".py"): imports for name, _, imports in _table("The house")}
    assert list(documented) == [name for name in HOUSE if name != "__main__"]
    for name, imports in documented.items():
        if imports != "everything":
            named = set() if imports.startswith("nothing") else set(imports.split(", "))
            assert named == HOUSE[name].ours, f"docs/architecture.md, row {name}"


def test_every_dependency_is_there_for_a_reason_that_is_written_down() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies = [re.split(r"[^\w-]", line, maxsplit=1)[0] for line in project["dependencies"]]
    rows = _table("Dependencies")
    assert [name for name, _ in rows] == dependencies
    assert all(reason for _, reason in rows)
