"""Who asks (`principal.py`), and what they may see and do (`rights.py`); pure: no transport, no database."""

from gql_api.identity.principal import ANONYMOUS, UNIDENTIFIED, Principal, Role
from gql_api.identity.rights import (
    RIGHTS,
    Rights,
    RightsTable,
    StudentsSeen,
    require_changes,
    require_events,
    with_open_catalogue,
)

__all__ = [
    "ANONYMOUS",
    "RIGHTS",
    "UNIDENTIFIED",
    "Principal",
    "Rights",
    "RightsTable",
    "Role",
    "StudentsSeen",
    "require_changes",
    "require_events",
    "with_open_catalogue",
]
