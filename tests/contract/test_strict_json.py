import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retailops.contract.strict_json import MAX_DIGITS, JsonError, dump, parse

FAULTS = {
    "nothing": (b"", "EMPTY_BODY"),
    "only white space": (b" \r\n\t", "EMPTY_BODY"),
    "100 000 open arrays": (b"[" * 100_000, "JSON_TOO_DEEP"),
    "100 000 nested arrays": (b"[" * 100_000 + b"]" * 100_000, "JSON_TOO_DEEP"),
    "33 levels": (b"[" * 33 + b"]" * 33, "JSON_TOO_DEEP"),
    "33 levels of objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "JSON_TOO_DEEP"),
    "33 levels behind an escaped quote": (b'["\\"",' + b"[" * 32 + b"]" * 33, "JSON_TOO_DEEP"),
    "NaN": (b'{"a":NaN}', "JSON_BAD_NUMBER"),
    "Infinity": (b"[Infinity]", "JSON_BAD_NUMBER"),
    "-Infinity": (b"[-Infinity]", "JSON_BAD_NUMBER"),
    "1e999": (b"1e999", "JSON_BAD_NUMBER"),
    "1e400": (b"[1E+400]", "JSON_BAD_NUMBER"),
    "tiny": (b"1e-400", "JSON_BAD_NUMBER"),
    "zero with a huge exponent": (b"0e999", "JSON_BAD_NUMBER"),
    "exponent beyond any decimal": (b"1e99999999999999999999999", "JSON_BAD_NUMBER"),
    "integer of 5 000 digits": (b"9" * 5_000, "JSON_BAD_NUMBER"),
    "integer of 21 digits": (b"-" + b"9" * 21, "JSON_BAD_NUMBER"),
    "21 significant digits": (b"1.00000000000000000001", "JSON_BAD_NUMBER"),
    "duplicate key": (b'{"a":1,"b":2,"a":3}', "JSON_DUPLICATE_KEY"),
    "duplicate key, differently escaped": (b'{"a":1,"\\u0061":3}', "JSON_DUPLICATE_KEY"),
    "NUL escape": (b'"\\u0000"', "BAD_ENCODING"),
    "NUL character": (b'"\x00"', "BAD_ENCODING"),
    "high surrogate": (b'"\\ud800"', "BAD_ENCODING"),
    "low surrogate": (b'"\\uDFFF"', "BAD_ENCODING"),
    "surrogates the wrong way round": (b'"\\udc00\\ud800"', "BAD_ENCODING"),
    "surrogate in a key": (b'{"\\ud800":1}', "BAD_ENCODING"),
    "surrogate in UTF-8": (b'"\xed\xa0\x80"', "BAD_ENCODING"),
    "byte order mark": (b"\xef\xbb\xbf{}", "BAD_ENCODING"),
    "UTF-16 with mark": ("{}".encode("utf-16"), "BAD_ENCODING"),
    "UTF-16 without mark": ("{}".encode("utf-16-be"), "BAD_ENCODING"),
    "Latin-1": ('{"city":"Köln"}'.encode("latin-1"), "BAD_ENCODING"),
    "truncated": (b'{"orders":[{"a":"b', "MALFORMED_JSON"),
    "trailing comma": (b'{"a":1,}', "MALFORMED_JSON"),
    "comment": (b"{} // done", "MALFORMED_JSON"),
    "two values": (b"{}{}", "MALFORMED_JSON"),
    "HTML": (b"<html></html>", "MALFORMED_JSON"),
    "single quotes": (b"{'a':1}", "MALFORMED_JSON"),
    "leading zero": (b"[01]", "MALFORMED_JSON"),
    "plus sign": (b"[+1]", "MALFORMED_JSON"),
    "no digit after the point": (b"[1.]", "MALFORMED_JSON"),
    "hexadecimal": (b"[0x10]", "MALFORMED_JSON"),
    "other digits": ("[١٢]".encode(), "MALFORMED_JSON"),
    "line break in a string": (b'"a\nb"', "MALFORMED_JSON"),
    "bad escape": (b'"\\x41"', "MALFORMED_JSON"),
    "brackets crossed": (b"[{]}", "MALFORMED_JSON"),
    "closing brackets only": (b"]" * 100, "MALFORMED_JSON"),
    "Python constant": (b"[None]", "MALFORMED_JSON"),
}


@pytest.mark.parametrize("body, code", FAULTS.values(), ids=FAULTS)
def test_fault_is_refused_with_its_code(body: bytes, code: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body, value",
    [
        (b"[" * 32 + b"]" * 32, None),
        (b'{"a":"' + b"[{" * 50 + b'\\"' + b"]" * 90 + b'"}', {"a": "[{" * 50 + '"' + "]" * 90}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\ud83d\\ude00 \\\\ud800"', "\U0001f600 \\ud800"),
        (b"-" + b"9" * 20, -int("9" * 20)),
        (b"1.0000000000000000001", Decimal("1.0000000000000000001")),
        (b" 0.10\n", Decimal("0.10")),
        (b"1e3", Decimal("1e3")),
        ('{"":"Köln"}'.encode(), {"": "Köln"}),
    ],
)
def test_unusual_but_right_bodies_are_read(body: bytes, value: object) -> None:
    read = parse(body)
    if value is not None:
        assert read == value
        assert type(read) is type(value)


def test_malformed_json_names_place_and_remedy() -> None:
    with pytest.raises(JsonError) as caught:
        parse(b'{\n  "po": "D1"\n  "items": []\n}')
    error = caught.value
    assert (error.code, error.line, error.column) == ("MALFORMED_JSON", 3, 3)
    assert error.message == "Expecting ',' delimiter: is a comma missing before this place?"
    assert str(error).endswith("(line 3, column 3)")


def test_place_of_a_repeated_key_is_given_only_when_certain() -> None:
    with pytest.raises(JsonError) as certain:
        parse(b'{"a":1,\n "a":2}')
    assert (certain.value.line, certain.value.column) == (2, 2)
    with pytest.raises(JsonError) as uncertain:
        parse(b'[{"a":1,"a":2},{"a":3}]')
    assert (uncertain.value.line, uncertain.value.column) == (None, None)


def test_size_is_checked_before_anything_else() -> None:
    assert parse(b"[1,2]", max_bytes=5) == [1, 2]
    with pytest.raises(JsonError) as caught:
        parse(b"\xff" * 6, max_bytes=5)
    assert caught.value.code == "BODY_TOO_LARGE"
    assert caught.value.message == "the body has 6 bytes; at most 5 are accepted"


def test_depth_limit_can_be_set() -> None:
    assert parse(b"[[1],[2]]", max_depth=2) == [[1], [2]]
    with pytest.raises(JsonError, match="deeper than 1 level"):
        parse(b"[[1],[2]]", max_depth=1)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**MAX_DIGITS) + 1, 10**MAX_DIGITS - 1) | texts
documents = st.recursive(
    scalars
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=25,
)


@settings(deadline=None)
@given(documents)
def test_what_is_dumped_is_read_back(value: object) -> None:
    written = dump(value)
    assert parse(written) == value
    assert json.loads(written, parse_float=Decimal) == value


@settings(deadline=None)
@given(
    st.binary(max_size=60) | st.text('{}[]",:0123456789.eE+-\\u truefalsnNI\n', max_size=40).map(str.encode)
)
def test_nothing_but_json_error_is_ever_raised(body: bytes) -> None:
    try:
        value = parse(body)
    except JsonError:
        return
    assert value == json.loads(body, parse_float=Decimal)


@settings(deadline=None)
@given(st.integers(0, 40), st.text('[]{}"\\', max_size=10))
def test_depth_is_exact_whatever_strings_hold(depth: int, text: str) -> None:
    body = b"[" * depth + dump(text) + b"]" * depth
    if depth > 32:
        with pytest.raises(JsonError) as caught:
            parse(body)
        assert caught.value.code == "JSON_TOO_DEEP"
    else:
        parse(body)


def test_dump_is_compact_exact_and_utc() -> None:
    value = {
        "money": Decimal("10.50"),
        "long": Decimal("12345678901234567890.123456789"),
        "exponent": Decimal("1E+3"),
        "when": datetime(2026, 1, 31, 10, 30, tzinfo=timezone(timedelta(hours=1))),
        "day": datetime(2026, 1, 31, tzinfo=UTC).date(),
        "name": 'Köln "süd"',
        "none": None,
    }
    assert dump(value).decode() == (
        '{"money":10.50,"long":12345678901234567890.123456789,"exponent":1000,"when":"2026-01-31T09:30:00Z",'
        '"day":"2026-01-31","name":"Köln \\"süd\\"","none":null}'
    )


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("-Infinity"), math.nan, math.inf, datetime(2026, 1, 1), "\ud800"],  # noqa: DTZ001
)
def test_dump_refuses_what_json_cannot_say(value: object) -> None:
    with pytest.raises(ValueError, match=r"finite|compliant|offset|surrogates"):
        dump([value])


def test_dump_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        dump(b"x")
