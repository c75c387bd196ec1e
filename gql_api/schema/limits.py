"""How large an operation may be, and how much it may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gql_api.schema.error_format import FormattedError, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is counted of a document and of the operation that it is asked for, each with the most that is allowed.

    Fragments count wherever they are spread. The defaults leave room for the largest page with a page of ordinary size
    below each of its rows, for the introspection that GraphiQL and code generators do, and for what people write.

    Attributes:
        cost_max: the cost, as `schema.cost` counts it: objects of the response, most of all.
        depth_max: how many fields stand in one another; introspection apart.
        aliases_max: fields that are given another name.
        fields_max: fields that are selected.
        root_fields_max: fields that are selected of the root: each is a statement of its own, or a transaction.
        directives_max: directives.
        introspection_depth_max: how many fields stand in one another in `__schema` and `__type`, these included.
        tokens_max: lexical tokens of a document, where its parsing ends; comments as many again.
        characters_max: characters (code points) of a document, counted before anything else is done with it.
        errors_max: errors that are listed in a response.
    """

    cost_max: int = 25_000
    depth_max: int = 15
    aliases_max: int = 50
    fields_max: int = 500
    root_fields_max: int = 50
    directives_max: int = 50
    introspection_depth_max: int = 20
    tokens_max: int = 2000
    characters_max: int = 100_000
    errors_max: int = 50


_COUNTED: Final = {
    "cost": "The cost of the operation is {}",
    "depth": "The operation is {} levels deep",
    "introspection_depth": "The operation's introspection is {} levels deep",
    "fields": "The operation selects {} fields",
    "root_fields": "The operation selects {} root fields",
    "aliases": "The operation has {} aliases",
    "directives": "The operation has {} directives",
    "tokens": "The document has {} tokens or more",
    "comments": "The document has {} comments or more",
    "characters": "The document has {} characters",
}


def too_expensive(name: str, counted: int, allowed: int) -> FormattedError:
    """The error of a document or an operation that is beyond a limit: what was counted, and what is allowed.

    Args:
        name: of what; the limit's name in `Limits`, without `_max`.
        counted: how much there is of it, or was read before reading ended.
        allowed: how much there may be.
    """
    return refusal(
        f"{_COUNTED[name].format(counted)}; the most that is allowed is {allowed}.",
        code="TOO_EXPENSIVE",
        counted=name.replace("_", " "),
        requested=counted,
        maximum=allowed,
    )
