"""Reads the JSON files of an exported stack, chunked ones by their index."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT_TYPES = "content_types"


class ExportError(ValueError):
    """The folder cannot be loaded; the text says why."""


class ExportFiles:
    """The folder of one export.

    Newer versions of the vendor's tool write items in chunks beside an index, `{"1": "<uuid>-entries.json"}`, and leave
    the chunks of earlier exports behind. Where a folder has an index, only the files that it names count.

    Attributes:
        left_out: How many files were left out, by the reason.
    """

    def __init__(self, folder: Path) -> None:
        """Find the export in a folder, or in its only subfolder that is one.

        Raises:
            ExportError: There is none, or several.
        """
        self.root = _root(folder)
        self.left_out: Counter[str] = Counter()

    def read(self, *patterns: str) -> Iterator[tuple[Path, Any]]:
        """Yield the files that match, each with its content.

        Raises:
            ExportError: One cannot be read, or an index names a file that is missing.
        """
        by_folder: dict[Path, dict[str, Path]] = defaultdict(dict)
        for path in sorted({path for pattern in patterns for path in self.root.glob(pattern)}):
            by_folder[path.parent][path.name] = path
        for files in by_folder.values():
            contents = {name: _content(path) for name, path in files.items()}
            for name in self._wanted(files, contents):
                yield files[name], contents[name]

    def _wanted(self, files: dict[str, Path], contents: dict[str, Any]) -> list[str]:
        """Return the names of the files that count."""
        indexes = {name: content for name, content in contents.items() if _is_index(name, content)}
        if not indexes:
            return list(files)
        named = [str(each) for content in indexes.values() for each in content.values()]
        for name in named:
            if name not in files:
                index = files[next(iter(indexes))]
                message = f"{index} names the file {name}, which is missing"
                raise ExportError(message)
        stale = len(files.keys() - named - indexes.keys())
        self.left_out.update({"files of earlier exports, which no index names": stale} if stale else {})
        return named

    def count(self, pattern: str) -> int:
        """Count the files that match."""
        return sum(1 for _ in self.root.glob(pattern))


def values_of(content: Any) -> list[Any]:
    """Return what a file lists, be it a list or a map."""
    if isinstance(content, dict):
        return list(content.values())
    return content if isinstance(content, list) else []


def _root(folder: Path) -> Path:
    """Return the folder that has the content types: the export may be of one branch among several."""
    if not folder.is_dir():
        message = f"{folder} is not a folder"
        raise ExportError(message)
    found = [each for each in (folder, *sorted(folder.iterdir())) if (each / CONTENT_TYPES).is_dir()]
    if not found or (found[0] != folder and len(found) > 1):
        message = f"{folder} is not an exported stack (it has no {CONTENT_TYPES} folder)."
        choice = f" Choose one of its subfolders: {', '.join(each.name for each in found)}" if found else ""
        raise ExportError(message + choice)
    return found[0]


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        message = f"{path} is not JSON: {error}"
        raise ExportError(message) from None


def _is_index(name: str, content: Any) -> bool:
    """Whether a file is the index of others; one that is empty tells by its name."""
    return (
        isinstance(content, dict)
        and (bool(content) or name == "index.json")
        and all(key.isdecimal() and isinstance(each, str) and each.endswith(".json") for key, each in content.items())
    )
