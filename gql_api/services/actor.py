"""On whose behalf a unit of work acts, as the audit is to know them."""

from __future__ import annotations

from typing import Final, NamedTuple

from gql_api.identity import UNIDENTIFIED, Principal

OPERATOR: Final = "operator"
"""The role of whoever runs a command: such a person has the database itself, and no token."""


class Actor(NamedTuple):
    """Who acts.

    Attributes:
        subject: the token's subject, or the operating system's name of whoever runs a command; None if that has none.
        role: what they are to the school, or OPERATOR.
        request_id: the id under which the request is logged; None of a command.
    """

    subject: str | None
    role: str
    request_id: str | None = None


def actor_of(principal: Principal, request_id: str) -> Actor | None:
    """Whoever sent a request, as the audit is to know them; None where identity is switched off."""
    return None if principal is UNIDENTIFIED else Actor(principal.subject, principal.role, request_id)
