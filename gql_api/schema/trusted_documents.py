"""The manifest of trusted documents: what a client's build wrote for the server to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from gql_api.errors import ManifestUnusable
from gql_api.schema.documents import DocumentCache

APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
MANIFEST_BYTES_MAX: Final = 64 * 1024 * 1024


class InvalidDocument(NamedTuple):
    """A trusted document that cannot be executed, and the first reason."""

    document_id: str
    reason: str


def read_manifest(path: Path) -> dict[str, str]:
    """The texts of the trusted documents by id.

    Two formats are read: Apollo's (`{"format": "apollo-persisted-query-manifest", "version": 1, "operations":
    [{"id", "body", …}]}`), and the map from id to text that Relay's compiler and GraphQL Code Generator write.

    Raises:
        ManifestUnusable: the file cannot be read, is larger than MANIFEST_BYTES_MAX, or is of neither format.
    """
    try:
        if path.stat().st_size > MANIFEST_BYTES_MAX:
            raise ManifestUnusable(f"The manifest {path} is larger than {MANIFEST_BYTES_MAX} bytes.")
        content = path.read_bytes()
    except OSError as error:
        raise ManifestUnusable(f"The manifest {path} cannot be read: {error.strerror}.") from error
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ManifestUnusable(f"The manifest {path} is not JSON: {error}.") from None
    if not isinstance(manifest, dict):
        raise ManifestUnusable(f"The manifest {path} is neither a map from id to text nor of Apollo's format.")
    if isinstance(manifest.get("operations"), list):
        return _checked(_apollo_documents(manifest, path), path)
    return _checked(manifest, path)


def invalid_documents(trusted: Mapping[str, str], documents: DocumentCache) -> Iterator[InvalidDocument]:
    """Those of the trusted documents that do not parse or validate, or are too large, in their order."""
    for document_id, text in trusted.items():
        document = documents.get(text)
        errors = [*document.errors, *(error for each in document.operations.values() for error in each.refusals)]
        if errors:
            yield InvalidDocument(document_id, errors[0]["message"])


def require_valid(trusted: Mapping[str, str], documents: DocumentCache, path: Path) -> None:
    """Refuse a manifest with a document that cannot be executed; a client would run into it sooner or later.

    Raises:
        ManifestUnusable: there are such documents; the message names the first, and how many there are.
    """
    invalid = list(invalid_documents(trusted, documents))
    if invalid:
        count = f" Invalid in all: {len(invalid)}." if len(invalid) > 1 else ""
        raise ManifestUnusable(
            f"The document {invalid[0].document_id!r} of the manifest {path} is invalid: {invalid[0].reason}{count}"
        )


def _apollo_documents(manifest: dict[str, Any], path: Path) -> dict[Any, Any]:
    if manifest.get("format") != APOLLO_FORMAT or manifest.get("version") != 1:
        raise ManifestUnusable(f"The manifest {path} is not of the format {APOLLO_FORMAT}, version 1.")
    documents: dict[Any, Any] = {}
    for operation in manifest["operations"]:
        if not isinstance(operation, dict):
            raise ManifestUnusable(f"The manifest {path} has an operation that is not an object.")
        document_id = operation.get("id")
        if document_id in documents:
            raise ManifestUnusable(f"The manifest {path} holds the id {document_id!r} twice.")
        documents[document_id] = operation.get("body")
    return documents


def _checked(documents: dict[Any, Any], path: Path) -> dict[str, str]:
    for document_id, text in documents.items():
        if not isinstance(document_id, str) or not document_id or not isinstance(text, str) or not text:
            raise ManifestUnusable(f"The manifest {path} holds no text for the id {document_id!r}.")
    return documents
