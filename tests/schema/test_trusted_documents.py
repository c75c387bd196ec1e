import json
from pathlib import Path
from typing import Any

import pytest

from gql_api.errors import ManifestUnusable
from gql_api.schema.documents import DocumentCache
from gql_api.schema.trusted_documents import read_manifest, require_valid
from tests.schema.api import SCHEMA


def written(directory: Path, content: Any) -> Path:
    path = directory / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_manifest_of_apollo_is_read(tmp_path: Path) -> None:
    manifest = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            {"id": "7a", "name": "A", "type": "query", "body": "query A { greeting }"},
            {"id": "7b", "name": "B", "type": "mutation", "body": "mutation B { count }"},
        ],
    }
    assert read_manifest(written(tmp_path, manifest)) == {"7a": "query A { greeting }", "7b": "mutation B { count }"}


def test_the_map_of_relay_and_of_graphql_code_generator_is_read(tmp_path: Path) -> None:
    manifest = {"0f3c": "query A { greeting }", "operations": "query B { greeting }"}
    assert read_manifest(written(tmp_path, manifest)) == manifest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON: unexpected end of data"),
        ([], "is neither a map from id to text nor of Apollo's format."),
        ({"7a": 1}, "holds no text for the id '7a'."),
        ({"7a": ""}, "holds no text for the id '7a'."),
        ({"": "{ greeting }"}, "holds no text for the id ''."),
        ({"operations": []}, "is not of the format apollo-persisted-query-manifest, version 1."),
        ({"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}, "version 1."),
        ({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [7]}, "is not an object."),
        (
            {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "7a"}]},
            "holds no text for the id '7a'.",
        ),
        (
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [{"id": "7a", "body": "{ a }"}, {"id": "7a", "body": "{ b }"}],
            },
            "holds the id '7a' twice.",
        ),
    ],
)
def test_a_manifest_of_no_known_format_is_refused(tmp_path: Path, content: Any, reason: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ManifestUnusable) as refused:
        read_manifest(path)
    assert refused.value.message.startswith(f"The manifest {path} ")
    assert reason in refused.value.message


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestUnusable, match=r"cannot be read: No such file or directory\.$"):
        read_manifest(tmp_path / "none.json")


def test_a_document_that_can_never_be_executed_for_its_size_is_refused_at_the_start() -> None:
    large = "{ students(first: 500) { nodes { courses(first: 500) { nodes { title } } } } }"
    trusted = {"7a": "{ students { nodes { id } } }", "7b": large}
    documents = DocumentCache(SCHEMA)
    with pytest.raises(ManifestUnusable) as caught:
        require_valid(trusted, documents, Path("manifest.json"))
    assert caught.value.message == (
        "The document '7b' of the manifest manifest.json is invalid: "
        "The cost of the operation is 251002; the most that is allowed is 25000."
    )
    del trusted["7b"]
    require_valid(trusted, documents, Path("manifest.json"))
