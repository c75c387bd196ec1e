import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_api.http.strict_json import INTEGER_MAX, INTEGER_MIN, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(INTEGER_MIN, INTEGER_MAX) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
).filter(lambda value: "Infinity" not in json.dumps(value))


@given(VALUES, st.sampled_from([None, 2, "\t"]), st.sampled_from([(",", ":"), (" , ", "\n:\r"), (", ", ": ")]))
def test_what_json_can_say_is_read_as_it_was_meant(
    value: object, indent: int | str | None, separators: tuple[str, str]
) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)
        assert loads(text.encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a" :1,"a":2}',
        '{"a"\n:1,"a":2}',
        '{"a"\t:1,"a":2}',
        '{"a"\r:1,"a":2}',
        '{"a"\r\n :1,"a":2}',
        '{"a"\n:1,"a"\t:2, "b\\":":3}',
        '{"a": 1, "\\u0061": 2}',
        '[{"x": {"": 1, "": 2}}]',
        '{"a": "\\":", "a": 1}',
        '{"a": ": : :", "b": {}, "b": "\\u003a"}',
    ],
)
def test_a_key_that_is_there_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^an object has the same key twice$"):
        loads(text.encode())


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 1}]', '{"a": {"a": {"a": 1}}}', '{"a": "\\"a\\": 1", "b": "\\\\"}'])
def test_the_same_key_in_different_objects_is_accepted(text: str) -> None:
    assert loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize("integer", [str(2**64), str(-(2**63) - 1), "-" + "1" * 20, "1" + "0" * 300])
def test_an_integer_that_would_lose_digits_is_refused(integer: str) -> None:
    with pytest.raises(ValueError, match=r"^an integer is not from -9223372036854775808 to 18446744073709551615$"):
        loads(f'{{"n": {integer}}}'.encode())


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1" + "0" * 100_000, "1e400", "-1e400"])
def test_a_number_beyond_floating_point_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match=r"^number is infinity when parsed as double"):
        loads(f"[{number}]".encode())


@pytest.mark.parametrize(
    "number",
    ["18446744073709551615", "-9223372036854775808", "1e300", "100000000000000000000.5", "1E+20", "0.1" + "0" * 40],
)
def test_a_number_that_is_kept_is_accepted(number: str) -> None:
    assert loads(f"[{number}]".encode()) == [json.loads(number)]


def test_digits_in_a_string_are_no_number() -> None:
    assert loads(b'{"n": 1e30, "s": "[123456789012345678901234567890]"}') == {
        "n": 1e30,
        "s": "[123456789012345678901234567890]",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1}}',
        b"NaN",
        b"-Infinity",
        b"'a'",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\x00"',
        b'\xef\xbb\xbf"BOM"',
        '"UTF-16"'.encode("utf-16"),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+: line 1 column \d+|unexpected end|empty"):
        loads(body)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_deeper_than_100_levels_is_refused(opening: str, closing: str) -> None:
    assert loads((opening * 100 + "1" + closing * 100).encode()) is not None
    for depth in (101, 1000):
        with pytest.raises(ValueError, match=r"^it is nested deeper than 100 levels$"):
            loads((opening * depth + "1" + closing * depth).encode())


@pytest.mark.parametrize("form", ["[{}]", '{{"a": [[], {{}}, {}]}}', '[{{"b": [{}]}}]'])
def test_more_than_5000_values_are_refused(form: str) -> None:
    enclosing = form.count("[") + form.count("{{") - 1
    loads(form.format(",".join(["1"] * (5000 - enclosing))).encode())
    with pytest.raises(ValueError, match=r"^it holds more than 5000 values$"):
        loads(form.format(",".join(["1"] * 5001)).encode())
