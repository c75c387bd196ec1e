"""Everything that can be configured: one row per environment variable, read once, frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any, Final, Literal, Self, get_args, get_type_hints

from gql_api.errors import SettingInvalid

PREFIX = "GQL_API_"

_ORIGIN: Final = re.compile(r"https?://[^/?#@\s,*]+")

# http is for an issuer on this machine alone: keys that came in the clear could be anybody's.
_ISSUER: Final = re.compile(r"(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^?#\s]*)?")

SECRET_BYTES_MIN: Final = 32
"""As many as HMAC-SHA-256 gives (RFC 7518 §3.2)."""

_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _row(
    default: Any, meaning: str, *, at_least: float | None = None, at_most: float | None = None, is_secret: bool = False
) -> Any:
    limits = {"at_least": at_least, "at_most": at_most}
    return field(default=default, repr=not is_secret, metadata={"meaning": meaning, **limits})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process; the variable of `page_size_max` is `GQL_API_PAGE_SIZE_MAX`."""

    database_url: str = _row(
        "sqlite+aiosqlite:///gql_api.sqlite3",
        "`sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://USER@HOST/DB`",
    )
    host: str = _row("127.0.0.1", "the address to listen on")
    port: int = _row(8000, "the port to listen on", at_least=0, at_most=65535)
    workers: int = _row(1, "how many processes serve", at_least=1, at_most=256)
    pool_size: int = _row(10, "connections a worker keeps, for reads and for writes each", at_least=1, at_most=1000)
    sqlite_reader_threads: int = _row(4, "threads that read an SQLite file", at_least=1, at_most=64)
    sqlite_inline_seconds: float = _row(
        0.01,
        "how long a statement on an SQLite file may hold up all else before it goes to one of those threads; "
        "0: all go there at once, as suits a slow disk",
        at_least=0,
        at_most=10,
    )
    busy_timeout_seconds: float = _row(5.0, "how long a writer waits for SQLite's lock", at_least=0, at_most=600)
    operations_max: int = _row(64, "operations that a worker executes at once", at_least=1, at_most=100_000)
    operations_waiting_max: int = _row(
        256, "operations that wait for that; further ones are answered with 503", at_least=0, at_most=1_000_000
    )
    operation_timeout_seconds: float = _row(
        10.0,
        "how long an operation may take, waiting included, before it is answered with 504",
        at_least=0.1,
        at_most=3600,
    )
    keep_alive_seconds: int = _row(
        5,
        "how long a connection is kept for the next request; behind a balancer: longer than it keeps them",
        at_least=1,
        at_most=3600,
    )
    page_size_default: int = _row(20, "rows of a page without `first` and `last`", at_least=1, at_most=10_000)
    page_size_max: int = _row(500, "the largest `first` or `last`", at_least=1, at_most=10_000)
    cost_max: int = _row(
        25_000, "the cost of an operation: the objects that its response can have, most of all", at_least=1
    )
    cost_per_minute: int = _row(
        1_000_000,
        "the cost that a caller may ask for in a minute, of each worker, where identity is on; "
        "by the token's subject, or of who shows none the address; 0: any",
        at_least=0,
    )
    trusted_proxies: str = _row(
        "",
        "addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` tells the client's address, "
        "separated by spaces; `*`: all",
    )
    depth_max: int = _row(15, "levels of fields in one another; introspection apart", at_least=1, at_most=100)
    aliases_max: int = _row(50, "aliases of an operation", at_least=0)
    fields_max: int = _row(500, "fields that an operation selects", at_least=1)
    root_fields_max: int = _row(50, "root fields that an operation selects", at_least=1)
    directives_max: int = _row(50, "directives of an operation", at_least=0)
    introspection_depth_max: int = _row(
        20, "levels of fields in `__schema` and `__type`; tools need 15", at_least=1, at_most=100
    )
    query_tokens_max: int = _row(2000, "lexical tokens of a document", at_least=100, at_most=100_000)
    query_characters_max: int = _row(100_000, "characters of a document", at_least=1000)
    errors_max: int = _row(50, "errors that a response lists; it says how many more there were", at_least=1)
    request_body_bytes_max: int = _row(1_048_576, "bytes of an HTTP request's body", at_least=1024)
    websocket_origins: str = _row(
        "",
        "further origins whose pages may open WebSockets, separated by spaces (`https://app.example.org`); `*`: all. "
        "Pages of the server's own host always may",
    )
    websocket_connections_max: int = _row(5000, "open WebSockets of a worker", at_least=1, at_most=1_000_000)
    websocket_operations_max: int = _row(100, "operations under way on one WebSocket", at_least=1, at_most=100_000)
    websocket_init_timeout_seconds: float = _row(
        10.0, "how long a WebSocket may take to send `connection_init`", at_least=0.1, at_most=600
    )
    subscriber_queue_max: int = _row(
        1000, "events that may wait for a subscriber before it is given up as too slow", at_least=1, at_most=1_000_000
    )
    event_retention_seconds: float = _row(
        604_800.0, "how long events are kept for subscribers that resume, at least", at_least=1
    )
    cors_origins: str = _row(
        "",
        "origins whose pages may call by HTTP, separated by spaces (`https://app.example.org`); `*`: all. "
        "Pages of the server's own origin always may",
    )
    csrf_prevention: bool = _row(True, "whether a GET has to show that no foreign page can have caused it")  # noqa: FBT003 - a default
    trusted_documents: str = _row("", "a manifest of trusted documents, Apollo's or a map from id to text")
    trusted_documents_mode: Literal["off", "prefer", "only"] = _row(
        "prefer",
        "`off`: the manifest is not read; `prefer`: other documents are executed, too; `only`: nothing else is",
    )
    learned_queries_max: int = _row(
        1000, "automatic persisted queries a worker keeps; 0: none are learned", at_least=0, at_most=1_000_000
    )
    graphiql: bool = _row(True, "whether browsers that open /graphql get GraphiQL")  # noqa: FBT003 - a default
    introspection: bool = _row(True, "whether the schema can be asked for itself, and messages suggest names from it")  # noqa: FBT003 - a default

    identity: Literal["auto", "on", "off"] = _row(
        "auto",
        "`on`: who asks is told by a token, and one of the next three settings says how to verify it; `off`: everybody "
        "may do everything; `auto`: on where one of them is there, otherwise off, and then for this machine alone",
    )
    jwt_secret: str = _row("", "the secret that tokens are signed with (HS256), at least 32 bytes", is_secret=True)
    jwt_public_key_file: str = _row("", "a file with the public key that verifies tokens: PEM, a JWK or a set of them")
    oidc_issuer: str = _row("", "the OpenID Connect issuer whose keys verify tokens (`https://id.example.org`)")
    jwt_issuer: str = _row("", "the `iss` that tokens must have; the OpenID Connect issuer's own is always asked for")
    jwt_audience: str = _row("", "the `aud` that tokens must have; without it, they must have none")
    role_claim: str = _row("role", "the claim with the role: student, staff or registrar, or an array of such")
    anonymous_sees_courses: bool = _row(False, "whether who shows no token sees the catalogue of courses")  # noqa: FBT003 - a default

    @property
    def identifies(self) -> bool:
        """Whether who asks has to be told by a token."""
        return self.identity != "off" and bool(self.jwt_secret or self.jwt_public_key_file or self.oidc_issuer)

    def __post_init__(self) -> None:
        self._check_identity()
        self._check_rate_limit()
        if self.page_size_default > self.page_size_max:
            raise SettingInvalid(
                f"{PREFIX}PAGE_SIZE_DEFAULT is {self.page_size_default}; "
                f"it must be at most {PREFIX}PAGE_SIZE_MAX, which is {self.page_size_max}."
            )
        if self.trusted_documents_mode == "only" and not self.trusted_documents:
            raise SettingInvalid(
                f"{PREFIX}TRUSTED_DOCUMENTS_MODE is only; then {PREFIX}TRUSTED_DOCUMENTS must name a manifest."
            )
        for origin in self.cors_origins.split():
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise SettingInvalid(
                    f"{PREFIX}CORS_ORIGINS holds {origin!r}; "
                    "it must be * or origins like https://app.example.org, without a path, separated by spaces."
                )

    def _check_identity(self) -> None:
        names = [f"{PREFIX}{name}" for name in ("JWT_SECRET", "JWT_PUBLIC_KEY_FILE", "OIDC_ISSUER")]
        given = [
            name
            for name, value in zip(names, (self.jwt_secret, self.jwt_public_key_file, self.oidc_issuer), strict=True)
            if value
        ]
        if len(given) > 1:
            raise SettingInvalid(f"{given[0]} and {given[1]} are both there; tokens are verified in one way.")
        if self.identity == "on" and not given:
            raise SettingInvalid(f"{PREFIX}IDENTITY is on; then one of {', '.join(names)} must be there.")
        if self.jwt_secret and len(self.jwt_secret.encode(errors="surrogateescape")) < SECRET_BYTES_MIN:
            raise SettingInvalid(f"{PREFIX}JWT_SECRET is too short; it must have at least {SECRET_BYTES_MIN} bytes.")
        if not self.oidc_issuer:
            return
        if not _ISSUER.fullmatch(self.oidc_issuer):
            raise SettingInvalid(
                f"{PREFIX}OIDC_ISSUER is {self.oidc_issuer!r}; it must be an https URL like https://id.example.org."
            )
        if not self.jwt_audience:
            raise SettingInvalid(
                f"{PREFIX}OIDC_ISSUER is there; then {PREFIX}JWT_AUDIENCE must say which tokens are for this server."
            )
        if self.jwt_issuer:
            raise SettingInvalid(f"{PREFIX}JWT_ISSUER and {PREFIX}OIDC_ISSUER are both there; the latter says it all.")

    def _check_rate_limit(self) -> None:
        if 0 < self.cost_per_minute < self.cost_max:
            raise SettingInvalid(
                f"{PREFIX}COST_PER_MINUTE is {self.cost_per_minute}; "
                f"it must be 0, or at least {PREFIX}COST_MAX, which is {self.cost_max}."
            )
        for proxy in self.trusted_proxies.split():
            try:
                _ = proxy == "*" or ip_network(proxy)
            except ValueError:
                raise SettingInvalid(
                    f"{PREFIX}TRUSTED_PROXIES holds {proxy!r}; "
                    "it must be * or addresses and networks like 10.0.0.0/8, separated by spaces."
                ) from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read all `GQL_API_*` variables.

        Raises:
            SettingInvalid: a value is empty, not of its type, out of its range or at odds with another, or a variable
                with our prefix is not one of ours (most often a slip of the pen that would otherwise go unnoticed).
        """
        rows = {PREFIX + row.name.upper(): row for row in fields(cls)}
        unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in rows)
        if unknown:
            raise SettingInvalid(f"{unknown[0]} is not a setting; the settings are {', '.join(rows)}.")
        types = get_type_hints(cls)
        return cls(
            **{
                row.name: _parsed(variable, environment[variable], types[row.name], row.metadata)
                for variable, row in rows.items()
                if variable in environment
            }
        )


def _parsed(variable: str, text: str, kind: Any, limits: Mapping[str, Any]) -> Any:
    if not text.strip():
        raise SettingInvalid(f"{variable} is empty; give it a value, or unset it for the default.")
    if kind is bool:
        if text.lower() not in _SWITCH:
            raise SettingInvalid(f"{variable} is {text!r}; it must be one of {', '.join(_SWITCH)}.")
        return _SWITCH[text.lower()]
    if kind is str:
        return text
    if words := get_args(kind):
        if text.lower() not in words:
            raise SettingInvalid(f"{variable} is {text!r}; it must be one of {', '.join(words)}.")
        return text.lower()
    try:
        value = kind(text)
    except ValueError:
        number = "a whole number" if kind is int else "a number"
        raise SettingInvalid(f"{variable} is {text!r}; it must be {number}.") from None
    at_least, at_most = limits["at_least"], limits["at_most"]
    if not (at_least is None or value >= at_least) or not (at_most is None or value <= at_most):
        upper = "" if at_most is None else f" and at most {at_most}"
        raise SettingInvalid(f"{variable} is {text}; it must be at least {at_least}{upper}.")
    return value
