from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args, get_type_hints

import pytest

from gql_api.errors import SettingInvalid
from gql_api.settings import PREFIX, Settings
from tests.server import command
from tests.settings_table import documented_table, settings_table

ROWS = {PREFIX + row.name.upper(): row for row in fields(Settings)}
TYPES = get_type_hints(Settings)


def bad_values(variable: str) -> dict[str, str]:
    """Values that the variable must not have, each with what is said about it."""
    row = ROWS[variable]
    kind, limits = TYPES[row.name], row.metadata
    empty = dict.fromkeys(("", " "), "is empty; give it a value, or unset it for the default.")
    if kind is str:
        return empty
    if kind is bool:
        allowed = "it must be one of 1, true, yes, on, 0, false, no, off."
        return empty | {text: f"is {text!r}; {allowed}" for text in ("maybe", "2", "-1", "None")}
    if words := get_args(kind):
        return empty | {text: f"is {text!r}; it must be one of {', '.join(words)}." for text in ("nonsense", "none")}
    number = "a whole number" if kind is int else "a number"
    no_numbers = ["x", "1,000", "0x10", "1e"] + (["1.5", "1e3", "nan"] if kind is int else [])
    upper = "" if limits["at_most"] is None else f" and at most {limits['at_most']}"
    out_of_range = [str(limits["at_least"] - 1), "-1000000"]
    out_of_range += [] if limits["at_most"] is None else [str(limits["at_most"] + 1), "9" * 30]
    out_of_range += ["nan", "-inf"] if kind is float else []
    return (
        empty
        | {text: f"is {text!r}; it must be {number}." for text in no_numbers}
        | {text: f"is {text}; it must be at least {limits['at_least']}{upper}." for text in out_of_range}
    )


BAD_VALUES = [
    pytest.param(variable, text, said, id=f"{variable}={text}")
    for variable in ROWS
    for text, said in bad_values(variable).items()
]


@pytest.mark.parametrize(("variable", "text", "said"), BAD_VALUES)
def test_a_bad_value_is_named_with_what_is_allowed(variable: str, text: str, said: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        Settings.from_environment({variable: text})
    assert caught.value.message == f"{variable} {said}"


@pytest.mark.parametrize("name", ["serve", "migrate", "verify", "seed"])
def test_a_bad_value_ends_a_command_with_one_line(name: str) -> None:
    refused = command(name, pool_size="x", page_size_max="x")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: GQL_API_POOL_SIZE is 'x'; it must be a whole number.\n"


@pytest.mark.parametrize("variable", ["GQL_API_", "GQL_API_PORTS", "GQL_API_port", "GQL_API_DATABASE"])
def test_a_variable_that_is_no_setting_is_an_error(variable: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        Settings.from_environment({variable: "1", "PATH": "/bin"})
    assert caught.value.message == f"{variable} is not a setting; the settings are {', '.join(ROWS)}."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"GQL_API_PAGE_SIZE_DEFAULT": "30", "GQL_API_PAGE_SIZE_MAX": "20"},
            "GQL_API_PAGE_SIZE_DEFAULT is 30; it must be at most GQL_API_PAGE_SIZE_MAX, which is 20.",
        ),
        (
            {"GQL_API_COST_PER_MINUTE": "24999"},
            "GQL_API_COST_PER_MINUTE is 24999; it must be 0, or at least GQL_API_COST_MAX, which is 25000.",
        ),
        (
            {"GQL_API_TRUSTED_PROXIES": "10.0.0.1 proxy.example.org"},
            "GQL_API_TRUSTED_PROXIES holds 'proxy.example.org'; "
            "it must be * or addresses and networks like 10.0.0.0/8, separated by spaces.",
        ),
        (
            {"GQL_API_PAGE_SIZE_MAX": "19"},
            "GQL_API_PAGE_SIZE_DEFAULT is 20; it must be at most GQL_API_PAGE_SIZE_MAX, which is 19.",
        ),
        (
            {"GQL_API_JWT_SECRET": "s" * 32, "GQL_API_OIDC_ISSUER": "https://id.example.org"},
            "GQL_API_JWT_SECRET and GQL_API_OIDC_ISSUER are both there; tokens are verified in one way.",
        ),
        (
            {"GQL_API_IDENTITY": "on"},
            "GQL_API_IDENTITY is on; then one of GQL_API_JWT_SECRET, GQL_API_JWT_PUBLIC_KEY_FILE, GQL_API_OIDC_ISSUER "
            "must be there.",
        ),
        (
            {"GQL_API_OIDC_ISSUER": "https://id.example.org"},
            "GQL_API_OIDC_ISSUER is there; then GQL_API_JWT_AUDIENCE must say which tokens are for this server.",
        ),
        (
            {
                "GQL_API_OIDC_ISSUER": "https://id.example.org",
                "GQL_API_JWT_AUDIENCE": "school",
                "GQL_API_JWT_ISSUER": "x",
            },
            "GQL_API_JWT_ISSUER and GQL_API_OIDC_ISSUER are both there; the latter says it all.",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_an_error(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        Settings.from_environment(given)
    assert caught.value.message == said


def test_no_variable_is_needed() -> None:
    assert Settings.from_environment({"HOME": "/"}) == Settings()


@pytest.mark.parametrize("variable", ROWS)
def test_a_good_value_is_read_and_changes_nothing_else(variable: str) -> None:
    row = ROWS[variable]
    text, value = good_value(variable)
    others = {name: text for name, text in NEEDED_BY.get(row.name, {}).items() if name != variable}
    settings, defaults = Settings.from_environment({variable: text, **others}), Settings.from_environment(others)
    assert getattr(settings, row.name) == value
    assert type(getattr(settings, row.name)) is type(row.default)
    assert [name for name in Settings.__slots__ if getattr(settings, name) != getattr(defaults, name)] == [row.name]


NEEDED_BY = {
    "trusted_documents_mode": {"GQL_API_TRUSTED_DOCUMENTS": "documents.json"},
    "identity": {"GQL_API_JWT_SECRET": "s" * 32},
    "oidc_issuer": {"GQL_API_JWT_AUDIENCE": "school"},
}
"""What has to be there, too, for some."""


def good_value(variable: str) -> tuple[str, Any]:
    """A text that is not the default, and what it means."""
    row = ROWS[variable]
    kind = TYPES[row.name]
    if kind is bool:
        return ("off", False) if row.default else ("Yes", True)
    if words := get_args(kind):
        other = next(word for word in words if word != row.default)
        return other.upper(), other
    if row.name == "trusted_proxies":
        return "10.0.0.0/8 ::1", "10.0.0.0/8 ::1"
    if kind is str:
        text = f"https://{row.name.replace('_', '-')}.school.example.org"
        return text, text
    default: Any = row.default
    return f" {default + 1} ", default + 1


@pytest.mark.parametrize("url", ["mysql://ann:hunter2@host/db", "postgresql+asyncpg://ann:hunter2@host:port/db"])
def test_a_password_in_a_bad_url_is_not_repeated(url: str) -> None:
    refused = command("migrate", database_url=url)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The database URL ")
    assert "hunter2" not in refused.output


@pytest.mark.parametrize("secret", ["short", "s" * 31, "é" * 15])
def test_a_secret_that_is_too_short_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        Settings.from_environment({"GQL_API_JWT_SECRET": secret})
    assert caught.value.message == "GQL_API_JWT_SECRET is too short; it must have at least 32 bytes."


def test_a_secret_is_not_shown_with_the_settings() -> None:
    secret = "hunter2" * 5
    assert "hunter2" not in repr(Settings.from_environment({"GQL_API_JWT_SECRET": secret}))


@pytest.mark.parametrize(
    "issuer", ["id.example.org", "http://id.example.org", "https://", "https://a b", "https://i?x"]
)
def test_an_issuer_is_an_https_url(issuer: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        Settings.from_environment({"GQL_API_OIDC_ISSUER": issuer, "GQL_API_JWT_AUDIENCE": "school"})
    assert caught.value.message == (
        f"GQL_API_OIDC_ISSUER is {issuer!r}; it must be an https URL like https://id.example.org."
    )


@pytest.mark.parametrize(
    "issuer", ["http://localhost:8080/realms/school", "http://127.0.0.1:1", "https://id.example.org/a/"]
)
def test_an_issuer_on_this_machine_may_do_without_tls(issuer: str) -> None:
    assert Settings.from_environment({"GQL_API_OIDC_ISSUER": issuer, "GQL_API_JWT_AUDIENCE": "x"}).identifies


@pytest.mark.parametrize(("identity", "identifies"), [("auto", True), ("on", True), ("off", False)])
def test_identity_is_on_as_soon_as_tokens_can_be_verified(identity: str, identifies: bool) -> None:  # noqa: FBT001 - a case
    given = {"GQL_API_IDENTITY": identity, "GQL_API_JWT_SECRET": "s" * 32}
    assert Settings.from_environment(given).identifies is identifies


def test_settings_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # it is what must not be possible


def test_the_readme_lists_every_setting_as_it_is() -> None:
    assert documented_table() == settings_table(), "write it anew: python -m tests.settings_table"
