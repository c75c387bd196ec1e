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
            {"GQL_API_PAGE_SIZE_MAX": "19"},
            "GQL_API_PAGE_SIZE_DEFAULT is 20; it must be at most GQL_API_PAGE_SIZE_MAX, which is 19.",
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
    # Without a manifest trusted documents alone would be no documents at all.
    others = {} if row.name == "trusted_documents" else {"GQL_API_TRUSTED_DOCUMENTS": "documents.json"}
    settings, defaults = Settings.from_environment({variable: text, **others}), Settings.from_environment(others)
    assert getattr(settings, row.name) == value
    assert type(getattr(settings, row.name)) is type(row.default)
    assert [name for name in Settings.__slots__ if getattr(settings, name) != getattr(defaults, name)] == [row.name]


def good_value(variable: str) -> tuple[str, Any]:
    """A text that is not the default, and what it means."""
    row = ROWS[variable]
    kind = TYPES[row.name]
    if kind is bool:
        return ("off", False) if row.default else ("Yes", True)
    if words := get_args(kind):
        other = next(word for word in words if word != row.default)
        return other.upper(), other
    if kind is str:
        return "https://app.example.org", "https://app.example.org"
    default: Any = row.default
    return f" {default + 1} ", default + 1


@pytest.mark.parametrize("url", ["mysql://ann:hunter2@host/db", "postgresql+asyncpg://ann:hunter2@host:port/db"])
def test_a_password_in_a_bad_url_is_not_repeated(url: str) -> None:
    refused = command("migrate", database_url=url)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The database URL ")
    assert "hunter2" not in refused.output


def test_settings_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # it is what must not be possible


def test_the_readme_lists_every_setting_as_it_is() -> None:
    assert documented_table() == settings_table(), "write it anew: python -m tests.settings_table"
