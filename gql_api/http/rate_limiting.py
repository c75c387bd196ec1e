"""Rate limits over HTTP: to whom a request is charged, and the fields that tell what is left.

The fields are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers (version 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from gql_api.admission import RateLimit
from gql_api.admission.rate_limit import WINDOW_SECONDS
from gql_api.identity import UNIDENTIFIED, Principal

_NETWORK_BITS: Final = 64


def rate_key(principal: Principal, client: Sequence[Any] | None) -> str | None:
    """Under which name a caller spends: the token's subject, or of who shows none the address; None: no limit holds.

    Args:
        principal: who asks.
        client: the peer's address and port, as ASGI gives them; behind a proxy that is trusted, those of its client.
    """
    if principal is UNIDENTIFIED:
        return None
    if principal.subject is not None:
        return f"subject {principal.subject}"
    return f"address {_network(client[0]) if client else None}"


def quota_fields(rate_limit: RateLimit, key: str) -> tuple[tuple[bytes, bytes], ...]:
    """The header fields that tell the policy, named `cost`, what is left of it, and when some of it comes back."""
    return _policy(rate_limit.cost_per_minute), (b"ratelimit", b'"cost";r=%d;t=%d' % rate_limit.quota(key))


@lru_cache(maxsize=16)
def _policy(cost_per_minute: int) -> tuple[bytes, bytes]:
    # The unit of the quota is not named: the registry knows none but requests and bytes.
    return b"ratelimit-policy", b'"cost";q=%d;w=%d' % (cost_per_minute, WINDOW_SECONDS)


@lru_cache(maxsize=1024)
def _network(host: str) -> str:
    """The address, of IPv6 its network: whoever has one address there has all of them."""
    try:
        address = ip_address(host)
    except ValueError:  # what a proxy calls its client need not be an address
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"
