"""Decodes the API's JSON tolerantly, for all endpoints, so that one malformed text does not fail a response."""

from __future__ import annotations

import re
import typing as t

import msgspec

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DEEPEST = 100
"""Levels of JSON that lists of definitions may have: Contentstack's own limits allow some ten."""

NUL = b"\\u0000"
_SURROGATE_IN_UTF8 = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"""\\(?: u[dD][89abAB]..\\u[dD][c-fC-F]..  # a pair of surrogates is one character
             | (?P<half>u[dD][89a-fA-F]..)
             | .)""",
    re.VERBOSE,
)
_decode = msgspec.json.Decoder().decode


class Response(t.NamedTuple):
    """A response, whatever it says.

    Attributes:
        status: Its HTTP status.
        headers: Its headers, whose names may be asked for in any case.
        body: Its whole body, decompressed.
    """

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The media type that it says it is of."""
        return self.headers.get("Content-Type", "unknown").partition(";")[0]


def valid_utf8(body: bytes) -> bytes:
    """Return a body without its byte order mark, and with lone surrogates that were encoded as bytes as escapes.

    Raises:
        UnicodeDecodeError: It is not UTF-8 otherwise.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        body = _SURROGATE_IN_UTF8.sub(lambda half: b"\\u%04x" % ord(half[0].decode(errors="surrogatepass")), body)
        body.decode()
    return body


def without_lone_surrogates(body: bytes) -> bytes:
    """Return a body with U+0000, which is removed later, for each escaped lone surrogate, which no decoder accepts."""
    return _ESCAPE.sub(lambda escape: NUL if escape["half"] else escape[0], body)


def decode_json(body: bytes) -> dict[str, t.Any]:
    """Return a JSON object.

    Raises:
        ValueError: It is something else; the text says in few words what.
    """
    try:
        body = valid_utf8(body)
        result = _decode(without_lone_surrogates(body) if _SURROGATE_ESCAPE.search(body) else body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        msg = "not JSON"
        raise ValueError(msg) from None
    except RecursionError:
        msg = "JSON nested too deeply"
        raise ValueError(msg) from None
    if not isinstance(result, dict):
        msg = "not a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - the body's fault, not the caller's
    return result


def decode_list(body: bytes, key: str) -> dict[str, t.Any]:
    """Return a JSON object that has a list of objects with a uid under a key.

    Raises:
        ValueError: It is something else.
    """
    response = decode_json(body)
    elements = response.get(key)
    if not isinstance(elements, list) or not all(map(has_uid, elements)):
        msg = f"no list of {key}"
        raise ValueError(msg)
    return response


def has_uid(value: object) -> bool:
    """Return whether a JSON value is an object with a uid."""
    return isinstance(value, dict) and isinstance(value.get("uid"), str)


def count_or_none(value: object) -> int | None:
    """Return what the API gives as a number of items, or None if it is none."""
    return value if type(value) is int and value >= 0 else None


def is_too_deep(value: object) -> bool:
    """Return whether a JSON value is nested more deeply than definitions can be."""
    level: list[t.Any] = [value]
    for _ in range(DEEPEST):
        level = [each for parent in level for each in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> t.Iterable[t.Any]:
    children: t.Iterable[t.Any] = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return [child for child in children if isinstance(child, dict | list)]
