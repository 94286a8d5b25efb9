"""The state: a file per stream, in a folder at any fsspec URL (a path, s3://, gs://, abfs://).

Per stream and not per shard, because a stream may be in another shard next time: an older bookmark of it, kept with the
shard that it came from, would know less than its table.
"""

from __future__ import annotations

import json
import typing as t

import fsspec.core

Json: t.TypeAlias = dict[str, t.Any]


class MovedError(RuntimeError):
    """Another run has stored a stream's state meanwhile."""


class Store:
    """The states of one environment's streams."""

    def __init__(self, url: str) -> None:
        self._files, self._folder = fsspec.core.url_to_fs(url)

    def _path(self, stream: str) -> str:
        return f"{self._folder}/{stream}.json"

    def streams(self) -> list[str]:
        """Return the streams that have a state."""
        self._files.invalidate_cache()
        if not self._files.exists(self._folder):
            return []
        names = (path.rpartition("/")[2] for path in self._files.ls(self._folder, detail=False))
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def read(self, stream: str) -> Json:
        """Return what is stored of a stream: {"bookmark": its bookmark, "pages": of the last delta}, or {}."""
        self._files.invalidate_cache()
        try:
            return t.cast("Json", json.loads(self._files.cat_file(self._path(stream))))
        except FileNotFoundError:
            return {}

    def write(self, stream: str, before: Json, after: Json) -> None:
        """Replace what is stored of a stream; {} removes it.

        Raises:
            MovedError: What is stored is not what the run started from, so both runs have written to one table. This is
                a net below Dagster's limits, and no lock: there is a moment between looking and writing.
        """
        if self.read(stream) != before:
            msg = f"{stream}: another run has stored a state since this one began, which is kept; run one at a time"
            raise MovedError(msg)
        path = self._path(stream)
        if not after:
            if before:
                self._files.rm_file(path)
            return
        self._files.makedirs(self._folder, exist_ok=True)
        # A file that is half written must not take the place of a whole one. Object stores replace objects as a whole,
        # and moving a file within its folder is one step.
        new = f"{path}.new"
        self._files.pipe_file(new, json.dumps(after).encode())
        self._files.mv(new, path)
