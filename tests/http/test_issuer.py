import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from joserfc.jwk import RSAKey

from gql_api.errors import IssuerUnusable
from gql_api.http.issuer import IssuerKeys, jwks_uri
from tests.http.issuer import CONFIGURATION, JWKS, Issuer, issuing
from tests.identity.tokens import EC, RSA, public_set

ONE_FETCH = [CONFIGURATION, JWKS]
OTHER = RSAKey.generate_key(2048, {"kid": "other"})
NEW = RSAKey.generate_key(2048, {"kid": "new"})


@asynccontextmanager
async def keys_of(issuer: Issuer, **options: Any) -> AsyncIterator[IssuerKeys]:
    keys = IssuerKeys(issuer.url, **options)
    yield keys
    await keys.close()


async def found(keys: IssuerKeys, key_id: str | None) -> list[str | None]:
    return [key.key_id for key in await keys.find(key_id)]


async def test_keys_are_fetched_when_they_are_first_asked_for_and_kept() -> None:
    with issuing(RSA, EC) as issuer:
        async with keys_of(issuer) as keys:
            assert issuer.asked == []
            assert [await found(keys, name) for name in ("rsa", "ec", None)] == [["rsa"], ["ec"], ["rsa", "ec"]]
        assert issuer.asked == ONE_FETCH


async def test_who_asks_at_once_waits_for_one_fetch() -> None:
    with issuing(RSA) as issuer:
        issuer.delay_seconds = 0.1
        async with keys_of(issuer) as keys:
            assert await asyncio.gather(*(found(keys, "rsa") for _ in range(50))) == [["rsa"]] * 50
        assert issuer.asked == ONE_FETCH


async def test_who_leaves_while_keys_are_fetched_leaves_the_others_waiting() -> None:
    with issuing(RSA) as issuer:
        issuer.delay_seconds = 0.1
        async with keys_of(issuer) as keys:
            first, second = asyncio.create_task(found(keys, "rsa")), asyncio.create_task(found(keys, "rsa"))
            await asyncio.sleep(0.05)
            first.cancel()
            assert await second == ["rsa"]
        assert issuer.asked == ONE_FETCH


async def test_a_key_that_is_new_is_fetched_and_one_that_was_withdrawn_is_gone() -> None:
    with issuing(RSA) as issuer:
        async with keys_of(issuer, retry_seconds=0) as keys:
            assert await found(keys, "rsa") == ["rsa"]
            issuer.keys = (NEW,)
            assert [await found(keys, name) for name in ("new", "rsa")] == [["new"], []]


async def test_keys_that_nobody_has_cause_one_fetch_in_a_while() -> None:
    with issuing(RSA) as issuer:
        async with keys_of(issuer, retry_seconds=0.5) as keys:
            await found(keys, "rsa")
            assert [await found(keys, f"invented-{number}") for number in range(100)] == [[]] * 100
            assert issuer.asked == ONE_FETCH
            await asyncio.sleep(0.6)
            assert await asyncio.gather(*(found(keys, f"invented-{number}") for number in range(100))) == [[]] * 100
            assert issuer.asked == ONE_FETCH * 2
            assert await found(keys, "rsa") == ["rsa"]


async def test_old_keys_are_fetched_again_beside_the_request() -> None:
    with issuing(RSA) as issuer:
        async with keys_of(issuer, fresh_seconds=0, retry_seconds=0.2) as keys:
            await found(keys, "rsa")
            issuer.keys, issuer.delay_seconds = (NEW,), 0.1
            assert await found(keys, "rsa") == ["rsa"]
            await asyncio.sleep(0.21)
            assert await found(keys, "rsa") == ["rsa"]
            await asyncio.sleep(0.5)
            assert issuer.asked == ONE_FETCH * 2
            assert [await found(keys, name) for name in ("new", "rsa")] == [["new"], []]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (CONFIGURATION, 500, b""),
        (CONFIGURATION, 302, b""),
        (CONFIGURATION, 200, b"<html>"),
        (CONFIGURATION, 200, b"[]"),
        (JWKS, 404, b""),
        (JWKS, 200, b"null"),
        (JWKS, 200, b'{"keys": []}'),
        (JWKS, 200, b'{"keys": [{"kty": "oct", "k": "AAAA"}]}'),
        (JWKS, 200, orjson.dumps(public_set(OTHER)) + b" " * 300_000),
        (JWKS, 200, b"[" * 100_000),
    ],
)
async def test_old_keys_are_good_while_the_issuer_gives_no_new_ones(
    path: str, status: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with issuing(RSA) as issuer:
        async with keys_of(issuer, retry_seconds=0) as keys:
            await found(keys, "rsa")
            issuer.answers[path], issuer.keys = (status, body), (OTHER,)
            with caplog.at_level(logging.WARNING):
                assert [await found(keys, name) for name in ("other", "rsa")] == [[], ["rsa"]]
            [warning] = caplog.messages
            assert warning.startswith(f"Keys of {issuer.url} cannot be had, so those known before are used: ")
            issuer.answers.clear()
            issuer.keys = (NEW,)
            assert await found(keys, "new") == ["new"]


async def test_an_issuer_that_is_slow_is_not_waited_for_for_long() -> None:
    with issuing(RSA) as issuer:
        issuer.delay_seconds = 0.5
        async with keys_of(issuer, fetch_seconds_max=0.2) as keys:
            async with asyncio.timeout(0.4):
                with pytest.raises(IssuerUnusable):
                    await keys.find("rsa")


async def test_without_any_keys_nobody_can_be_identified_until_the_issuer_is_back() -> None:
    with issuing(RSA) as issuer:
        issuer.answers[JWKS] = (503, b"")
        async with keys_of(issuer, retry_seconds=0.2) as keys:
            for _ in range(5):
                with pytest.raises(IssuerUnusable) as caught:
                    await keys.find("rsa")
            assert caught.value.message == f"There are no keys of the issuer {issuer.url} to verify tokens with."
            assert issuer.asked == ONE_FETCH
            issuer.answers.clear()
            await asyncio.sleep(0.3)
            assert await found(keys, "rsa") == ["rsa"]


HTTPS, HTTP = "https://id.example.org", "http://127.0.0.1:8080"


@pytest.mark.parametrize(("issuer", "place"), [(HTTPS, "https://keys.example.org/1"), (HTTP, HTTP + "/keys")])
def test_the_configuration_says_where_the_keys_are(issuer: str, place: str) -> None:
    assert jwks_uri({"issuer": issuer, "jwks_uri": place}, issuer) == place


@pytest.mark.parametrize("issuer", [HTTPS + "/", HTTPS + "/school", "https://evil.example.org", None, [HTTPS]])
def test_the_configuration_is_the_issuers_own(issuer: Any) -> None:
    with pytest.raises(ValueError, match="of another issuer"):
        jwks_uri({"issuer": issuer, "jwks_uri": "https://keys.example.org/1"}, HTTPS)


@pytest.mark.parametrize("place", ["http://id.example.org/keys", "file:///etc/keys", "/keys", "", None, 1])
def test_keys_do_not_come_in_the_clear_from_an_issuer_that_does_not(place: Any) -> None:
    with pytest.raises(ValueError, match="not an https URL"):
        jwks_uri({"issuer": HTTPS, "jwks_uri": place}, HTTPS)
