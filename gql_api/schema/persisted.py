"""Documents that clients name instead of sending: trusted ones, and those the server has learned from clients.

Implements Apollo's automatic persisted queries, and `documentId` as drafted for GraphQL over HTTP (Appendix: Persisted
Documents). Ids that are SHA-256 hashes may have the prefix `sha256:` everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from gql_api.errors import RequestRefused
from gql_api.schema.documents import Document, DocumentCache
from gql_api.schema.lru_cache import LruCache
from gql_api.schema.operation import OperationRequest

HASH_PREFIX: Final = "sha256:"

_ENTRY_BYTES = 512


class PersistedQueryNotFound(RequestRefused):
    """No document has this id; by this very message, clients know to send the hash with the text."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class PersistedQueryNotSupported(RequestRefused):
    """Documents are not learned here; by this very message, clients know to send texts alone."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class DocumentNotTrusted(RequestRefused):
    """Only trusted documents are executed here, and this is none of them."""

    code = "FORBIDDEN"

    def __init__(self) -> None:
        super().__init__(
            "Only trusted documents are executed here: name one by its id, in documentId or persistedQuery."
        )


class PersistedDocuments:
    """Finds the document of a request.

    Args:
        documents: parses and validates the texts.
        trusted: the texts of trusted documents by id; they are never forgotten.
        trusted_only: whether nothing but the trusted documents is executed, even if it is sent as text.
        learned_entries_max: how many documents are learned from clients; 0 switches automatic persisted queries off.
        learned_bytes_max: how many bytes the learned texts may take together.
    """

    def __init__(
        self,
        documents: DocumentCache,
        *,
        trusted: Mapping[str, str] | None = None,
        trusted_only: bool = False,
        learned_entries_max: int = 1000,
        learned_bytes_max: int = 16 * 1024 * 1024,
    ) -> None:
        self._documents = documents
        self._trusted = {key.removeprefix(HASH_PREFIX): text for key, text in (trusted or {}).items()}
        self._trusted_only = trusted_only
        self._learns = learned_entries_max > 0 and not trusted_only
        self._learned: LruCache[str, str] = LruCache(entries_max=learned_entries_max, bytes_max=learned_bytes_max)

    def find(self, request: OperationRequest) -> Document:
        """The document that the request holds or names.

        Raises:
            PersistedQueryNotFound: it names a document that is not known.
            PersistedQueryNotSupported: it names an automatic persisted query, which are switched off.
            DocumentNotTrusted: only trusted documents are executed, and it names none.
            RequestRefused: it names none at all, or its extension `persistedQuery` is malformed or of another text.
        """
        query_hash = _persisted_query_hash(request.extensions) if request.extensions else None
        document_id = query_hash if request.document_id is None else request.document_id.removeprefix(HASH_PREFIX)
        if document_id is not None and document_id in self._trusted:
            return self._documents.get(self._trusted[document_id])
        if self._trusted_only:
            raise DocumentNotTrusted if request.query is not None or document_id is None else PersistedQueryNotFound
        if request.query is not None:
            return self._sent(request.query, query_hash)
        if document_id is None:
            raise RequestRefused("The request names no document.")
        return self._known(document_id, is_automatic=query_hash is not None)

    def _sent(self, query: str, query_hash: str | None) -> Document:
        """The document whose text was sent; learned if its hash was sent with it and it is valid."""
        if query_hash is not None and query_hash != sha256(query.encode()).hexdigest():
            raise RequestRefused("provided sha does not match query")
        document = self._documents.get(query)
        if query_hash is not None and self._learns and document.tree is not None:
            self._learned.put(query_hash, query, size_bytes=_ENTRY_BYTES + sys.getsizeof(query))
        return document

    def _known(self, document_id: str, *, is_automatic: bool) -> Document:
        text = self._learned.get(document_id)
        if text is not None:
            return self._documents.get(text)
        if is_automatic and not self._learns:
            raise PersistedQueryNotSupported
        raise PersistedQueryNotFound


def _persisted_query_hash(extensions: Mapping[str, Any]) -> str | None:
    """The hash in the extension `persistedQuery`, if there is one.

    Raises:
        RequestRefused: it is malformed, or of another version than 1.
    """
    persisted_query = extensions.get("persistedQuery")
    if persisted_query is None:
        return None
    if not isinstance(persisted_query, dict) or not isinstance(persisted_query.get("sha256Hash"), str):
        raise RequestRefused("The extension 'persistedQuery' must be an object with 'version' and 'sha256Hash'.")
    if persisted_query.get("version") != 1:
        raise RequestRefused("Unsupported persisted query version; supported is 1.")
    query_hash: str = persisted_query["sha256Hash"]
    return query_hash.removeprefix(HASH_PREFIX)
