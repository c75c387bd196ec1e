"""GraphQL documents, parsed and validated once per text."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import NamedTuple

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

from gql_api.schema.error_format import FormattedError, format_request_error
from gql_api.schema.lru_cache import LruCache
from gql_api.schema.validation_rules import FIELD_COMPARISONS_MAX, VALIDATION_RULES

# A syntax tree with its locations takes 340 to 700 bytes a token (tests/schema/test_documents.py holds it to this).
_TREE_BYTES_PER_TOKEN = 800
_ENTRY_BYTES = 4096
_ERROR_BYTES = 4096

_TOO_EXPENSIVE = (
    "The document is too expensive to validate: its fragments nest too deeply, or more than "
    f"{FIELD_COMPARISONS_MAX} pairs of its fields share a response name."
)


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema under a Strawberry schema, which offers no public way to it."""
    return schema._schema  # noqa: SLF001


class Document(NamedTuple):
    """A text that was parsed and validated: either a tree to be executed, or the errors that say why not."""

    tree: DocumentNode | None
    errors: tuple[FormattedError, ...]
    operation_types: Mapping[str | None, OperationType]

    def operation_type(self, operation_name: str | None) -> OperationType | None:
        """The type of the operation that is asked for, or None where that is unclear (spec §6.1, GetOperation)."""
        types = self.operation_types
        if operation_name is None and len(types) == 1:
            return next(iter(types.values()))
        return types.get(operation_name)


class DocumentCache:
    """Documents by their text: a text is parsed and validated on its first use, whether it proves valid or not.

    Args:
        schema: the schema that documents are validated against.
        entries_max: how many documents are kept.
        bytes_max: how much memory they may take together, by estimate.
        tokens_max: the lexical tokens a document may have; more is a parse error.
        characters_max: the length of a text, in code points; more is a parse error.
        errors_max: how many validation errors are reported before validation ends.
        rules: the validation rules; classes that are made once, since a rule made anew is another rule.
        hide_suggestions: leaves "Did you mean …" out of the messages.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        entries_max: int = 1000,
        bytes_max: int = 64 * 1024 * 1024,
        tokens_max: int = 2000,
        characters_max: int = 100_000,
        errors_max: int = 50,
        rules: Collection[type[ASTValidationRule]] = VALIDATION_RULES,
        hide_suggestions: bool = False,
    ) -> None:
        self._schema = core_schema(schema)
        self._tokens_max = tokens_max
        self._characters_max = characters_max
        self._errors_max = errors_max
        self._rules = tuple(rules)
        self._hide_suggestions = hide_suggestions
        self._documents: LruCache[str, Document] = LruCache(entries_max=entries_max, bytes_max=bytes_max)

    def get(self, text: str) -> Document:
        """The document of this text; the same object for as long as the cache keeps it."""
        document = self._documents.get(text)
        if document is None:
            document = self._read(text)
            self._documents.put(text, document, size_bytes=_size_bytes(text, document))
        return document

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def size_bytes(self) -> int:
        """The memory that the kept documents take, by estimate."""
        return self._documents.size_bytes

    def _read(self, text: str) -> Document:
        # The length is compared here, before graphql-core looks at the text, because its own message would quote it.
        if len(text) > self._characters_max:
            message = f"The document has {len(text)} characters; at most {self._characters_max} are accepted."
            return _invalid(GraphQLError(message), code="GRAPHQL_PARSE_FAILED")
        try:
            tree = parse(text, max_lexical_tokens=self._tokens_max, max_comments=self._tokens_max)
        except GraphQLSyntaxError as error:
            return _invalid(error, code="GRAPHQL_PARSE_FAILED")
        errors = validate(
            self._schema, tree, self._rules, max_errors=self._errors_max, hide_suggestions=self._hide_suggestions
        )
        if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= self._errors_max:
            return _invalid(GraphQLError(_TOO_EXPENSIVE), code="TOO_EXPENSIVE")
        if errors:
            return _invalid(*errors, code="GRAPHQL_VALIDATION_FAILED")
        return Document(tree, (), _operation_types(tree))


def _invalid(*errors: GraphQLError, code: str) -> Document:
    """A document of errors alone: formatted, so that neither the tree nor a traceback is kept with them."""
    return Document(None, tuple(format_request_error(error, code=code) for error in errors), {})


def _operation_types(tree: DocumentNode) -> dict[str | None, OperationType]:
    return {
        definition.name.value if definition.name else None: definition.operation
        for definition in tree.definitions
        if isinstance(definition, OperationDefinitionNode)
    }


def _size_bytes(text: str, document: Document) -> int:
    text_bytes = sys.getsizeof(text)
    if document.tree is not None:
        # Names and strings in the tree repeat the text at most once.
        return _ENTRY_BYTES + 2 * text_bytes + _TREE_BYTES_PER_TOKEN * document.tree.token_count
    return _ENTRY_BYTES + text_bytes + sum(_ERROR_BYTES + sys.getsizeof(error["message"]) for error in document.errors)
