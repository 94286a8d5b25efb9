"""Compiles, for one schema, a function that collects an item's times and links and visits nothing else.

It is compiled from source, as dataclasses are: for a page of a hundred items each attribute and each call counts.
"""

from __future__ import annotations

import typing as t

from tap_contentstack.events import ASSETS
from tap_contentstack.records.links import (
    HTML_MARKS,
    LINK_MARKS,
    LINKLESS,
    Link,
    free_links,
    html_links,
    rich_text_links,
)
from tap_contentstack.records.structs import attribute_of
from tap_contentstack.schema.shapes import ASSET_UID, HTML
from tap_contentstack.values.jsontext import decode
from tap_contentstack.values.paths import Text, path_text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_contentstack.schema.shapes import Shape
    from tap_contentstack.values.paths import Path

    Known: t.TypeAlias = tuple[str | None, str | None, str | None, int | None]
    Walk: t.TypeAlias = Callable[[t.Any, list[Link], list[str]], Known]

SYSTEM_KEYS = ("uid", "locale", "publish_details", "_version")
"""Keys of an item that tell what it is."""
_FIRST_BYTES = {"object": ord("{"), "array": ord("[")}
_INDEX = "[\0]"
"""Stands for an index in a path."""
KEPT_PATHS = 1000
"""Texts of one path that are kept: lists are short, and a few indices make most of all paths."""


class UnfitError(Exception):
    """A value does not fit its column's type."""


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
    """Return a function that takes an item, decoded into its shape's struct, and adds its links and times to two lists.

    The function returns the item's uid, content locale, publish locale and version. It raises `UnfitError` if a value
    that was left as text is of another type than the schema's.

    Raises:
        SyntaxError: The schema is nested too deeply to be written down.
    """
    names = dict(_NAMES)
    body = [*_Writer(names).fields(shape, "item", None, ()), f"return {_known(shape)}"]
    source = "\n".join(["def walk(item, links, times):", *_indented(body)])
    exec(compile(source, "<walk>", "exec"), names)  # noqa: S102 - made of the schema's structure; its texts are quoted
    return t.cast("Walk", names["walk"])


def _known(shape: Shape) -> str:
    """Return the source of what is to be known of an item itself."""
    fields = shape.fields or {}
    values = {key: f"item.{attribute_of(shape, key)}" if key in fields else "None" for key in SYSTEM_KEYS}
    details = fields.get("publish_details")
    locale = "None"
    if details is not None and details.fields and "locale" in details.fields:
        locale = f"None if (v := {values['publish_details']}) is None else v.{attribute_of(details, 'locale')}"
    return ", ".join([values["uid"], values["locale"], locale, values["_version"]])


class _IndexedPaths(dict[t.Any, str]):
    """The texts of one path through lists, by index (a tuple of them where there are several)."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self._template = template

    def __missing__(self, indices: int | tuple[int, ...]) -> str:
        text = self._template % indices
        if len(self) < KEPT_PATHS:
            self[indices] = text
        return text


class _Writer:
    """Writes the lines of a walk; those of a value begin with an expression that gives it, or null."""

    def __init__(self, names: dict[str, t.Any]) -> None:
        """Take what the source may name, and add to it."""
        self._names = names

    def _value(self, shape: Shape, value: str, path: Path, indices: tuple[str, ...]) -> Iterator[str]:
        name = f"v{len(list(_steps(path)))}"
        if shape.kind == "date-time":
            yield f"if ({name} := {value}) is not None: times.append({name})"
        elif shape.fields is not None and not shape.is_reference:
            if lines := list(self.fields(shape, name, path, indices)):
                yield f"if ({name} := {value}) is not None:"
                yield from _indented(lines)
        elif shape.items is not None:
            index = f"i{len(indices)}"
            inside = list(self._value(shape.items, name, (path, Text(_INDEX)), (*indices, index)))
            if inside:
                yield f"for {index}, {name} in enumerate({value} or ()):"
                yield from _indented(inside)
        elif not LINKLESS.intersection(_steps(path)):
            yield from self._links(shape, name, value, self._path(path, indices))

    def _links(self, shape: Shape, name: str, value: str, path: str) -> Iterator[str]:
        if shape.kind == "string" and shape.media_type == ASSET_UID:
            yield f"if {name} := {value}: links.append(Link({path}, {name}, {ASSETS!r}))"
        elif shape.kind == "string" and shape.media_type == HTML:
            yield f"if ({name} := {value}) and ({_any_mark(HTML_MARKS, name)}):"
            yield f" html({name}, (None, Text({path})), links)"
        elif shape.is_reference:
            uid, content_type = (f"{name}.{attribute_of(shape, key)}" for key in ("uid", "_content_type_uid"))
            yield f"if ({name} := {value}) is not None and {uid}: links.append(Link({path}, {uid}, {content_type}))"
        elif shape.is_rich_text:
            yield f"if ({name} := {value}) is not None:"
            for key in ("attrs", "children"):
                yield f" {key} = bytes({name}.{key})"
                found = f"rich_text({{{key!r}: decode({key})}}, (None, Text({path})), links)"
                yield f" if {_any_mark(LINK_MARKS, key)}: {found}"
        elif shape.is_free:
            yield f"if ({name} := {value}) is not None:"
            yield f" {name} = bytes({name})"
            if shape.kind in _FIRST_BYTES:
                yield f" if {name}[0] != {_FIRST_BYTES[shape.kind]} and {name} != b'null': raise UnfitError"
            yield f" if {_any_mark(LINK_MARKS, name)}: free(decode({name}), (None, Text({path})), links)"

    def fields(self, shape: Shape, name: str, path: Path | None, indices: tuple[str, ...]) -> Iterator[str]:
        """Yield the lines that look at an object which is not null."""
        for key, inner in (shape.fields or {}).items():
            yield from self._value(inner, f"{name}.{attribute_of(shape, key)}", (path, key), indices)

    def _path(self, path: Path, indices: tuple[str, ...]) -> str:
        """Return the source of a path: a text, with the indices put in if it leads through lists."""
        text = path_text(path)
        if not indices:
            return repr(text)
        name = f"paths{len(self._names)}"
        self._names[name] = _IndexedPaths(text.replace("%", "%%").replace(_INDEX, "[%d]"))
        return f"{name}[{', '.join(indices)}]"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f" {line}" for line in lines)


def _steps(path: Path | None) -> Iterator[str | int]:
    while path is not None:
        path, step = path
        yield step


def _any_mark(marks: tuple[str, ...] | tuple[bytes, ...], name: str) -> str:
    """Return the source of a search for any of several marks: first for its first character, which is quick.

    `find`, as `in` takes a mark of bytes for a number first, and raises an exception within.
    """
    return " or ".join(f"{mark[0]!r} in {name} and {name}.find({mark!r}) >= 0" for mark in marks)
