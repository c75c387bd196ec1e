"""What the resolvers of one operation share."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import strawberry

from gql_api.events import Broker
from gql_api.pagination import PageLimits
from gql_api.schema.loaders import Loaders, OperationReader
from gql_api.schema.selection import SelectionCache
from gql_api.services.actor import Actor
from gql_api.services.unit_of_work import UnitsOfWork


class Context(NamedTuple):
    """The context of one operation.

    Attributes:
        reader: runs statements that only read.
        loaders: rows by id, batched.
        units_of_work: opens transactions; every mutation field runs in one of its own.
        page_limits: how large pages are.
        selections: what fields select, kept across operations.
        broker: hands out events.
        actor: on whose behalf, for the audit; None where nobody is identified.
    """

    reader: OperationReader
    loaders: Loaders
    units_of_work: UnitsOfWork
    page_limits: PageLimits
    selections: SelectionCache
    broker: Broker
    actor: Actor | None = None

    @property
    def statements(self) -> int:
        """How many statements the operation has run so far, those of its units of work included."""
        return self.reader.statements


Info: TypeAlias = strawberry.Info[Context, Any]
