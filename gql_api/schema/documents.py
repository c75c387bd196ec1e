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
    OperationType,
    parse,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

from gql_api.pagination import PageLimits
from gql_api.schema.cost import CostModel, MeasuredOperation
from gql_api.schema.error_format import FormattedError, format_request_error
from gql_api.schema.limits import Limits, too_expensive
from gql_api.schema.lru_cache import LruCache
from gql_api.schema.validation_rules import FIELD_COMPARISONS_MAX, VALIDATION_RULES

# A syntax tree with its locations takes 340 to 700 bytes a token (tests/schema/test_documents.py holds it to this).
_TREE_BYTES_PER_TOKEN = 800
_ENTRY_BYTES = 4096
_ERROR_BYTES = 4096

_TOO_MANY = "Syntax Error: Document contains more than {} {}. Parsing aborted."
"""How graphql-core says that it gave up; there is no other sign of it."""

_TOO_EXPENSIVE = (
    "The document is too expensive to validate: its fragments nest too deeply, or more than "
    f"{FIELD_COMPARISONS_MAX} pairs of its fields share a response name."
)


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema under a Strawberry schema, which offers no public way to it."""
    return schema._schema  # noqa: SLF001


class Document(NamedTuple):
    """A text that was parsed and validated: either a tree and its operations, or the errors that say why not."""

    tree: DocumentNode | None
    errors: tuple[FormattedError, ...]
    operations: Mapping[str | None, MeasuredOperation]

    def operation(self, operation_name: str | None) -> MeasuredOperation | None:
        """The operation that is asked for, or None where that is unclear (spec §6.1, GetOperation)."""
        operations = self.operations
        if operation_name is None and len(operations) == 1:
            return next(iter(operations.values()))
        return operations.get(operation_name)

    def operation_type(self, operation_name: str | None) -> OperationType | None:
        """The type of the operation that is asked for, or None where that is unclear."""
        operation = self.operation(operation_name)
        return None if operation is None else operation.type


class DocumentCache:
    """Documents by their text: a text is parsed, validated and measured on its first use, be it valid or not.

    Args:
        schema: the schema that documents are validated against.
        entries_max: how many documents are kept.
        bytes_max: how much memory they may take together, by estimate.
        limits: how large documents and their operations may be.
        page_limits: how large pages are; operations are measured by that.
        rules: the validation rules; classes that are made once, since a rule made anew is another rule.
        hide_suggestions: leaves "Did you mean …" out of the messages.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        entries_max: int = 1000,
        bytes_max: int = 64 * 1024 * 1024,
        limits: Limits | None = None,
        page_limits: PageLimits | None = None,
        rules: Collection[type[ASTValidationRule]] = VALIDATION_RULES,
        hide_suggestions: bool = False,
    ) -> None:
        self._schema = core_schema(schema)
        self._limits = limits or Limits()
        self._cost_model = CostModel(self._schema, page_limits=page_limits or PageLimits(), limits=self._limits)
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
        limits = self._limits
        # The length is compared here, before graphql-core looks at the text, because its own message would quote it.
        if len(text) > limits.characters_max:
            return _refused(too_expensive("characters", len(text), limits.characters_max))
        try:
            tree = parse(text, max_lexical_tokens=limits.tokens_max, max_comments=limits.tokens_max)
        except GraphQLSyntaxError as error:
            for name in ("tokens", "comments"):
                if error.message == _TOO_MANY.format(limits.tokens_max, name):
                    return _refused(too_expensive(name, limits.tokens_max + 1, limits.tokens_max))
            return _invalid(error, code="GRAPHQL_PARSE_FAILED")
        _unchain_tokens(tree)
        errors = validate(
            self._schema, tree, self._rules, max_errors=limits.errors_max, hide_suggestions=self._hide_suggestions
        )
        if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= limits.errors_max:
            return _invalid(GraphQLError(_TOO_EXPENSIVE), code="TOO_EXPENSIVE")
        if errors:
            return _invalid(*errors, code="GRAPHQL_VALIDATION_FAILED")
        return Document(tree, (), self._cost_model.measure(tree))


def _unchain_tokens(tree: DocumentNode) -> None:
    """Let a tree be freed as soon as nobody holds it any more.

    Its tokens refer to each other both ways. Such circles are left to the garbage collector, which hardly ever looks at
    what has been kept for a while: trees that were dropped from the cache would pile up until then, a gigabyte of them.
    Nothing asks a token for its neighbours once parsing is done.
    """
    token = None if tree.loc is None else tree.loc.start_token
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following


def _refused(error: FormattedError) -> Document:
    return Document(None, (error,), {})


def _invalid(*errors: GraphQLError, code: str) -> Document:
    """A document of errors alone: formatted, so that neither the tree nor a traceback is kept with them."""
    return Document(None, tuple(format_request_error(error, code=code) for error in errors), {})


def _size_bytes(text: str, document: Document) -> int:
    text_bytes = sys.getsizeof(text)
    if document.tree is not None:
        # Names and strings in the tree repeat the text at most once.
        return _ENTRY_BYTES + 2 * text_bytes + _TREE_BYTES_PER_TOKEN * document.tree.token_count
    return _ENTRY_BYTES + text_bytes + sum(_ERROR_BYTES + sys.getsizeof(error["message"]) for error in document.errors)
