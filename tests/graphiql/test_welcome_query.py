from __future__ import annotations

from pathlib import Path

from graphql import build_schema, parse, validate

ROOT = Path(__file__).parents[2]


def test_the_query_that_the_page_opens_with_is_valid() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    query = parse((ROOT / "graphiql" / "welcome.graphql").read_text(encoding="utf-8"))

    assert validate(schema, query) == []
