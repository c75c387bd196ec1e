from typing import Any

import pytest

from gql_api.errors import InvalidInput
from gql_api.services.input_rules import (
    UNCHANGED,
    Rule,
    checked,
    email_address,
    is_key,
    required_text,
    sourced_id,
    whole_number,
)

NOT_ALLOWED = "; control characters and lone surrogates are not allowed."
NOT_ONE_ADDRESS = "field must be one address, like ada@example.org, without blanks."


@pytest.mark.parametrize(
    ("rule", "value", "stored"),
    [
        (required_text, "Ada Lovelace", "Ada Lovelace"),
        (required_text, " \u00a0Ada\t ", "Ada"),
        (required_text, "x" * 255, "x" * 255),
        (required_text, "  " + "x" * 255 + "  ", "x" * 255),
        (required_text, "\U0001f469\u200d\U0001f52c" * 85, "\U0001f469\u200d\U0001f52c" * 85),
        (required_text, "Robert'); DROP TABLE students;--", "Robert'); DROP TABLE students;--"),
        (email_address, None, None),
        (email_address, "Ada@example.org", "Ada@example.org"),
        (email_address, "o'neil+tag@xn--bcher-kva.example", "o'neil+tag@xn--bcher-kva.example"),
        (email_address, "a" * 242 + "@example.org", "a" * 242 + "@example.org"),
        (sourced_id, None, None),
        (sourced_id, "0-9.A_z/@", "0-9.A_z/@"),
        (sourced_id, "x" * 255, "x" * 255),
        (whole_number, None, None),
        (whole_number, 0, 0),
        (whole_number, 2**31 - 1, 2**31 - 1),
    ],
)
def test_a_value_within_its_rule_is_stored(rule: Rule, value: object, stored: object) -> None:
    assert rule("field", value) == stored


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (required_text, None, "field cannot be null."),
        (required_text, "", "field is empty; it must have at least one character that is not blank."),
        (required_text, " \t\u2003", "field is empty; it must have at least one character that is not blank."),
        (required_text, "x" * 256, "field has 256 characters; it may have at most 255."),
        (required_text, "A\0a", "field holds U+0000 at position 2" + NOT_ALLOWED),
        (required_text, "A\na", "field holds U+000A at position 2" + NOT_ALLOWED),
        (required_text, "\x7fa", "field holds U+007F at position 1" + NOT_ALLOWED),
        (required_text, "Ad\x9f", "field holds U+009F at position 3" + NOT_ALLOWED),
        (required_text, "A\ud83d", "field holds U+D83D at position 2" + NOT_ALLOWED),
        (email_address, "", NOT_ONE_ADDRESS),
        (email_address, "ada", NOT_ONE_ADDRESS),
        (email_address, "@example.org", NOT_ONE_ADDRESS),
        (email_address, "ada@", NOT_ONE_ADDRESS),
        (email_address, "ada@example@org", NOT_ONE_ADDRESS),
        (email_address, " ada@example.org", NOT_ONE_ADDRESS),
        (email_address, "ada@exa\u00a0mple.org", NOT_ONE_ADDRESS),
        (email_address, "a@b\0", "field holds U+0000 at position 4" + NOT_ALLOWED),
        (email_address, "a@\udc00", "field holds U+DC00 at position 3" + NOT_ALLOWED),
        (email_address, "a" * 243 + "@example.org", "field has 255 characters; it may have at most 254."),
        (whole_number, -1, "field is -1; it must be at least 0 and at most 2147483647."),
        (whole_number, 2**31, "field is 2147483648; it must be at least 0 and at most 2147483647."),
        (whole_number, -(2**63), f"field is {-(2**63)}; it must be at least 0 and at most 2147483647."),
    ],
)  # fmt: skip
def test_a_value_that_breaks_its_rule_is_refused_with_what_is_allowed(rule: Rule, value: object, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rule("field", value)
    assert (caught.value.field, caught.value.message) == ("field", message)


@pytest.mark.parametrize("value", ["", "x" * 256, "a b", "a\0", "ä", "a\n", "٣", "\ud800", "a;b"])
def test_a_sourced_id_has_the_characters_of_oneroster_guids(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sourced_id("sourcedId", value)
    assert caught.value.message == (
        "sourcedId must have 1 to 255 characters, each of them of letters A-Z and a-z, digits, and . - _ / @."
    )


@pytest.mark.parametrize(
    ("number", "possible"), [(1, True), (2**63 - 1, True), (0, False), (-1, False), (2**63, False), (-(2**63), False)]
)
def test_a_key_is_a_positive_number_of_63_bits(number: int, possible: bool) -> None:  # noqa: FBT001 - a parameter set
    assert is_key(number) is possible


def test_fields_left_out_are_not_stored_and_null_is() -> None:
    rules: Any = {"name": ("name", required_text), "sourced_id": ("sourcedId", sourced_id)}
    assert checked(rules, {"name": UNCHANGED, "sourced_id": None}) == {"sourced_id": None}


def test_an_error_names_the_field_as_the_api_spells_it() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked({"sourced_id": ("sourcedId", sourced_id)}, {"sourced_id": "?"})
    assert caught.value.field == "sourcedId"
