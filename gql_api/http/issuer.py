"""The keys of an OpenID Connect issuer, fetched from it and kept while it is away.

The issuer's own document names where they are (OpenID Connect Discovery 1.0 §4). They are fetched when the first token
comes, again every five minutes while tokens come, and when a token names a key that is not among them, but then no
sooner than ten seconds after the last time: whoever invents names of keys causes no more than that.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from gql_api.errors import IssuerUnusable
from gql_api.identity.keys import PUBLIC_KEY_ALGORITHMS, issued_keys, matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gql_api.identity.keys import VerificationKey

logger = logging.getLogger(__name__)

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"

_DOCUMENT_BYTES_MAX: Final = 256 * 1024


class IssuerKeys:
    """A source of keys (`identity/keys.py`). It belongs to one event loop; nothing is fetched when it is made.

    Args:
        issuer: the issuer's identifier, an https URL; http is for issuers on the loopback interface.
        fresh_seconds: how old keys may be before they are fetched again, beside the request that noticed.
        retry_seconds: how long after a fetch, successful or not, an unknown key causes none.
        fetch_seconds_max: how long a fetch may take, both documents together; nobody waits longer.
    """

    algorithms = PUBLIC_KEY_ALGORITHMS

    def __init__(
        self,
        issuer: str,
        *,
        fresh_seconds: float = 300.0,
        retry_seconds: float = 10.0,
        fetch_seconds_max: float = 10.0,
    ) -> None:
        self._issuer = issuer
        self._fresh_seconds = fresh_seconds
        self._retry_seconds = retry_seconds
        self._fetch_seconds_max = fetch_seconds_max
        self._client = httpx.AsyncClient(timeout=fetch_seconds_max, headers={"Accept": "application/json"})
        self._keys: Sequence[VerificationKey] = ()
        self._fetched_at = self._tried_at = -inf
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None) -> Sequence[VerificationKey]:
        """The keys that this id may mean, fetched if it is unknown; old keys are good while no new ones can be had.

        Raises:
            IssuerUnusable: there never were any.
        """
        found = matching(self._keys, key_id)
        if found:
            if monotonic() - self._fetched_at > self._fresh_seconds:
                self._begin_fetch()
            return found
        self._begin_fetch()
        if self._fetching is not None:
            # Who asked may leave; others wait for the same keys.
            await asyncio.shield(self._fetching)
        if not self._keys:
            raise IssuerUnusable(f"There are no keys of the issuer {self._issuer} to verify tokens with.")
        return matching(self._keys, key_id)

    async def close(self) -> None:
        """Give up what is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._client.aclose()

    def _begin_fetch(self) -> None:
        """Fetch in a task of its own, unless that is being done, or was a moment ago."""
        if self._fetching is None and monotonic() - self._tried_at > self._retry_seconds:
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._fetch_seconds_max):
                keys = await self._read_keys()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            consequence = "those known before are used" if self._keys else "no token can be verified"
            logger.warning("Keys of %s cannot be had, so %s: %r", self._issuer, consequence, error)
        else:
            self._keys = keys
            self._fetched_at = monotonic()
        finally:
            self._tried_at = monotonic()
            self._fetching = None

    async def _read_keys(self) -> Sequence[VerificationKey]:
        configuration = await self._read_json(self._issuer.rstrip("/") + DISCOVERY_PATH)
        keys = issued_keys(await self._read_json(jwks_uri(configuration, self._issuer)))
        if not keys:
            raise ValueError("none of its keys can be used")
        return keys

    async def _read_json(self, url: str) -> Any:
        async with self._client.stream("GET", url) as response:
            response.raise_for_status()
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _DOCUMENT_BYTES_MAX:
                    raise ValueError(f"{url} is longer than {_DOCUMENT_BYTES_MAX} bytes")
        return orjson.loads(content)


def jwks_uri(configuration: object, issuer: str) -> str:
    """Where this issuer's keys are, as its configuration says.

    Raises:
        ValueError: it is not this issuer's, or the keys would come in the clear, so that they could be anybody's.
    """
    if not isinstance(configuration, dict) or configuration.get("issuer") != issuer:
        raise ValueError("its configuration is of another issuer")
    place = configuration.get("jwks_uri")
    if not isinstance(place, str) or not (place.startswith("https://") or issuer.startswith("http://")):
        raise ValueError("its jwks_uri is not an https URL")
    return place
