"""Who asks (`principal.py`), and what they may see and do (`rights.py`); pure: no transport, no database."""

from gql_api.identity.principal import ANONYMOUS, UNIDENTIFIED, Principal, Role
from gql_api.identity.rights import RIGHTS, Rights, StudentsSeen

__all__ = ["ANONYMOUS", "RIGHTS", "UNIDENTIFIED", "Principal", "Rights", "Role", "StudentsSeen"]
