"""A function, made for one schema, that looks at nothing in an item but its times and what can hold links.

It is compiled from source, as dataclasses are: for a page of a hundred items each attribute and each call counts.
"""

from __future__ import annotations

import typing as t

from tap_contentstack.jsontext import decode
from tap_contentstack.links import (
    ASSETS,
    FREE_MARKS,
    HTML_MARKS,
    LINKLESS,
    RICH_TEXT_MARKS,
    Link,
    free_links,
    html_links,
    rich_text_links,
)
from tap_contentstack.paths import Text, path_text
from tap_contentstack.shapes import ASSET_UID, HTML, RICH_TEXT
from tap_contentstack.structs import attribute_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_contentstack.paths import Path
    from tap_contentstack.shapes import Shape

    Walk: t.TypeAlias = Callable[[t.Any, list[Link], list[str]], None]

_FIRST_BYTES = {"object": ord("{"), "array": ord("[")}
_INDEX = "[\0]"
"""Stands for an index in a path."""


class UnfitError(Exception):
    """A value needs the exact way."""


_NAMES: Mapping[str, t.Any] = {
    "Link": Link,
    "Text": Text,
    "UnfitError": UnfitError,
    "decode": decode,
    "html": html_links,
    "rich_text": rich_text_links,
    "free": free_links,
}
"""What the source may name."""


def compile_walk(shape: Shape) -> Walk:
    """Return what takes an item, decoded into the struct of its shape, and adds its links and its times to two lists.

    It raises `UnfitError` if what stayed text is not of the type that it should be.

    Raises:
        SyntaxError: The schema is nested too deeply to be written down.
    """
    body = list(_fields(shape, "item", None, ())) or ["pass"]
    source = "\n".join(["def walk(item, links, times):", *(f" {line}" for line in body)])
    names = dict(_NAMES)
    exec(compile(source, "<walk>", "exec"), names)  # noqa: S102 - made of the schema's structure; its texts are quoted
    return t.cast("Walk", names["walk"])


def _value(shape: Shape, name: str, path: Path, indices: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines that look at a value that is not null."""
    if shape.kind == "date-time":
        yield f"times.append({name})"
    elif shape.fields is not None and not shape.is_reference:
        yield from _fields(shape, name, path, indices)
    elif shape.items is not None:
        yield from _elements(shape.items, name, path, indices)
    elif not LINKLESS.intersection(_steps(path)):
        yield from _links(shape, name, _path_source(path, indices))


def _links(shape: Shape, name: str, path: str) -> Iterator[str]:
    if shape.kind == "string" and shape.media_type == ASSET_UID:
        yield f"if {name}: links.append(Link({path}, {name}, {ASSETS!r}))"
    elif shape.kind == "string" and shape.media_type == HTML:
        yield f"if {_any_mark(HTML_MARKS, name)}: html({name}, (None, Text({path})), links)"
    elif shape.is_reference:
        uid, content_type = (f"{name}.{attribute_of(shape, key)}" for key in ("uid", "_content_type_uid"))
        yield f"if {uid}: links.append(Link({path}, {uid}, {content_type}))"
    elif shape.is_free:
        find, marks = ("rich_text", RICH_TEXT_MARKS) if shape.media_type == RICH_TEXT else ("free", FREE_MARKS)
        yield f"{name} = bytes({name})"
        if shape.kind in _FIRST_BYTES:
            yield f"if {name}[0] != {_FIRST_BYTES[shape.kind]} and {name} != b'null': raise UnfitError"
        yield f"if {_any_mark(marks, name)}: {find}(decode({name}), (None, Text({path})), links)"


def _fields(shape: Shape, name: str, path: Path | None, indices: tuple[str, ...]) -> Iterator[str]:
    for key, inner in (shape.fields or {}).items():
        value = f"{name}_{attribute_of(shape, key)}"
        if lines := list(_value(inner, value, (path, key), indices)):
            yield f"{value} = {name}.{attribute_of(shape, key)}"
            yield f"if {value} is not None:"
            yield from (f" {line}" for line in lines)


def _elements(shape: Shape, name: str, path: Path, indices: tuple[str, ...]) -> Iterator[str]:
    index, each = f"i{len(indices)}", f"{name}_e"
    if lines := list(_value(shape, each, (path, Text(_INDEX)), (*indices, index))):
        yield f"for {index}, {each} in enumerate({name}):"
        yield f" if {each} is not None:"
        yield from (f"  {line}" for line in lines)


def _steps(path: Path | None) -> Iterator[str | int]:
    while path is not None:
        path, step = path
        yield step


def _path_source(path: Path, indices: tuple[str, ...]) -> str:
    """Return the source of a path: a text, with the indices put in if it leads through lists."""
    text = path_text(path)
    if not indices:
        return repr(text)
    template = text.replace("%", "%%").replace(_INDEX, "[%d]")
    return f"{template!r} % ({', '.join(indices)},)"


def _any_mark(marks: tuple[str, ...] | tuple[bytes, ...], name: str) -> str:
    """Return the source of a search for any of several marks."""
    return " or ".join(f"{mark!r} in {name}" for mark in marks)
