import gc
import tracemalloc

import pytest
import strawberry
from graphql import ASTValidationRule, OperationType
from graphql.language import Token
from graphql.utilities import get_introspection_query
from graphql.validation import ValidationContext

from gql_api.schema.documents import DocumentCache
from gql_api.schema.validation_rules import VALIDATION_RULES


@strawberry.type
class Query:
    @strawberry.field
    def node(self, number: int = 1, numbers: list[int] | None = None) -> "Query | None":  # noqa: ARG002 - validated only
        return None

    @strawberry.field
    def name(self) -> str:
        return ""


SCHEMA = strawberry.Schema(Query)

EXPENSIVE_TO_VALIDATE = {
    "fields": "{" + "name " * 1000 + "}",
    "selection sets": "{" + "node { name } " * 400 + "}",
    "nested selection sets": "{" + "node { node { name } } " * 280 + "}",
    "arguments": "query ($n: Int) {" + "node(number: $n) { name } " * 180 + "}",
    "nested fragments": "{ ...f0 }"
    + "".join(f"fragment f{n} on Query {{ node {{ node {{ ...f{n + 1} }} }} }}" for n in range(120))
    + "fragment f120 on Query { name }",
}

LARGE = {
    "aliases": "{" + " ".join(f"a{n}: name" for n in range(600)) + "}",
    "operations": " ".join(f"query Q{n} {{ name }}" for n in range(350)),
    "lists": "{" + " ".join(f"a{n}: node(numbers: [{'1 ' * 90}]) {{ name }}" for n in range(18)) + "}",
    "fragments spread twice each": "{ ...f0 }"
    + "".join(f"fragment f{n} on Query {{ x: node {{ ...f{n + 1} }} y: node {{ ...f{n + 1} }} }}" for n in range(80))
    + "fragment f80 on Query { name }",
    "introspection": get_introspection_query(),
}

INVALID = {
    "unknown fields": "{" + " ".join(f"z{n}" for n in range(1900)) + "}",
    "unknown fields with long names": "{" + " ".join(f"{'z' * 1800}{n}" for n in range(50)) + "}",
    "unused variables": "query (" + " ".join(f"$v{n}: Int" for n in range(450)) + ") { name }",
    "spreads that make cycles": "{ ...f0 }"
    + "".join(f"fragment f{n} on Query {{ {' '.join(f'...f{m}' for m in range(20))} }}" for n in range(20)),
    "syntax": "{" + " " * 90_000,
}


def codes(cache: DocumentCache, text: str) -> list[str]:
    return [error["extensions"]["code"] for error in cache.get(text).errors]


def test_a_text_is_parsed_and_validated_once() -> None:
    validated = []

    class Counting(ASTValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            validated.append(context.document)

    cache = DocumentCache(SCHEMA, rules=[*VALIDATION_RULES, Counting])
    for _ in range(3):
        first, second = cache.get("{ name }"), cache.get("{ names }")
        assert cache.get("{ name }") is first
        assert cache.get("{ names }") is second
    assert len(validated) == 2


def test_the_operations_of_a_document_are_told_apart() -> None:
    cache = DocumentCache(SCHEMA)
    several = cache.get("query A { name } query B { name } fragment F on Query { name }")
    assert several.errors != ()
    several = cache.get("query A { name } query B { name }")
    assert [several.operation_type(name) for name in ("A", "B", "C", None)] == [
        OperationType.QUERY,
        OperationType.QUERY,
        None,
        None,
    ]
    single = cache.get("query A { name }")
    assert [single.operation_type(name) for name in ("A", "B", None)] == [
        OperationType.QUERY,
        None,
        OperationType.QUERY,
    ]


def test_documents_leave_that_were_used_least_recently() -> None:
    cache = DocumentCache(SCHEMA, entries_max=2)
    first, second = cache.get("{ a: name }"), cache.get("{ b: name }")
    cache.get("{ a: name }")
    cache.get("{ c: name }")
    assert cache.get("{ a: name }") is first
    assert cache.get("{ b: name }") is not second
    assert len(cache) == 2


def test_documents_leave_that_do_not_fit_in_memory_together() -> None:
    cache = DocumentCache(SCHEMA, bytes_max=100_000)
    for number in range(100):
        cache.get(f"{{ a{number}: name }}")
        assert 0 < cache.size_bytes <= 100_000
    assert 10 < len(cache) < 100
    held = len(cache)
    cache.get("{" + "a: name " * 100 + "}")
    assert len(cache) == held


@pytest.mark.parametrize("text", [*LARGE.values(), *INVALID.values()], ids=[*LARGE, *INVALID])
def test_a_document_takes_no_more_memory_than_is_accounted_for(text: str) -> None:
    cache = DocumentCache(SCHEMA)
    DocumentCache(SCHEMA).get(text)
    gc.collect()
    tracemalloc.start()
    try:
        cache.get((text + " ").strip())
        gc.collect()
        used_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used_bytes <= cache.size_bytes


def tokens() -> int:
    """How many there are in memory."""
    return sum(isinstance(found, Token) for found in gc.get_objects())


def test_a_document_that_leaves_is_freed_without_the_garbage_collector() -> None:
    cache = DocumentCache(SCHEMA, entries_max=1)
    cache.get(LARGE["aliases"])
    gc.collect()
    gc.disable()
    try:
        before = tokens()
        cache.get("{ name }")
        assert tokens() < before - 600
    finally:
        gc.enable()


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_document_is_valid(text: str) -> None:
    assert codes(DocumentCache(SCHEMA), text) == []


@pytest.mark.parametrize("text", EXPENSIVE_TO_VALIDATE.values(), ids=EXPENSIVE_TO_VALIDATE)
def test_a_document_that_would_be_expensive_to_validate_is_refused(text: str) -> None:
    assert codes(DocumentCache(SCHEMA), text) == ["TOO_EXPENSIVE"]


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_the_errors_of_a_document_are_bounded_in_number_and_in_length(text: str) -> None:
    errors = DocumentCache(SCHEMA).get(text).errors
    assert 1 <= len(errors) <= 51
    assert max(len(error["message"]) for error in errors) <= 1000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ node" * 300 + "}" * 300, "Syntax Error: Document is nested too deeply. Parsing aborted."),
        ("", "Syntax Error: Unexpected <EOF>."),
    ],
)
def test_a_text_that_cannot_be_parsed_is_no_document(text: str, message: str) -> None:
    (error,) = DocumentCache(SCHEMA).get(text).errors
    assert (error["message"], error["extensions"]) == (message, {"code": "GRAPHQL_PARSE_FAILED"})


@pytest.mark.parametrize(
    ("text", "counted", "requested", "maximum"),
    [
        ("{ name " + "name " * 2000 + "}", "tokens", "2001 tokens or more", 2000),
        ("{ name }" + "#\n" * 2001, "comments", "2001 comments or more", 2000),
        ("{ name }" + " " * 100_000, "characters", "100008 characters", 100_000),
    ],
)
def test_a_text_beyond_the_limits_is_no_document(text: str, counted: str, requested: str, maximum: int) -> None:
    (error,) = DocumentCache(SCHEMA).get(text).errors
    assert error == {
        "message": f"The document has {requested}; the most that is allowed is {maximum}.",
        "extensions": {
            "code": "TOO_EXPENSIVE",
            "counted": counted,
            "requested": int(requested.split(maxsplit=1)[0]),
            "maximum": maximum,
        },
    }


@pytest.mark.parametrize(("hide_suggestions", "ending"), [(False, " Did you mean 'name'?"), (True, "")])
def test_suggestions_can_be_hidden(*, hide_suggestions: bool, ending: str) -> None:
    (error,) = DocumentCache(SCHEMA, hide_suggestions=hide_suggestions).get("{ nam }").errors
    assert error["message"] == f"Cannot query field 'nam' on type 'Query'.{ending}"
