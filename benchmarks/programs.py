"""The command lines of the tap and of its peers."""

from __future__ import annotations

import importlib.util
import json
import sys
import typing as t
from dataclasses import dataclass

from benchmarks.measure import run

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

CREDENTIALS = {"api_key": "bltbenchmark", "access_token": "csbenchmark", "environment": "bench"}
FIRST_TYPE = "type_00"
PEER_PACKAGES = {"bare_loop": "orjson", "official_sdk": "contentstack"}


@dataclass
class Programs:
    """Makes command lines; what they name on disk lies in a folder that the caller removes."""

    folder: Path
    _files: int = 0

    def tap(
        self,
        url: str,
        *,
        state: Mapping[str, t.Any] | None = None,
        catalog: Mapping[str, t.Any] | None = None,
        **settings: t.Any,
    ) -> list[str]:
        """Return the command of the tap."""
        command = [sys.executable, "-m", "tap_contentstack"]
        command += ["--config", self._file({"base_url": url, **CREDENTIALS, **settings})]
        if state is not None:
            command += ["--state", self._file(state)]
        if catalog is not None:
            command += ["--catalog", self._file(catalog)]
        return command

    def plain_tap(self, url: str) -> list[str]:
        """Return the command of the plain tap."""
        config = self._file({"base_url": url, **CREDENTIALS})
        return [sys.executable, "-m", "benchmarks.peers.plain_tap", "--config", config]

    def peer(self, name: str, url: str) -> list[str]:
        """Return the command of a peer that is no tap."""
        return [sys.executable, "-m", f"benchmarks.peers.{name}", url, FIRST_TYPE]

    def catalog(self, url: str, *, without: Collection[tuple[str, ...]]) -> dict[str, t.Any]:
        """Return the tap's catalog for the first content type alone, with some properties deselected."""
        catalog: dict[str, t.Any] = json.loads(run([*self.tap(url), "--discover"], keep=True).output)
        for stream in catalog["streams"]:
            wanted = stream["tap_stream_id"].endswith(FIRST_TYPE)
            for entry in stream["metadata"]:
                breadcrumb = tuple(entry["breadcrumb"])
                if not breadcrumb:
                    entry["metadata"]["selected"] = wanted
                elif breadcrumb[1::2] in without:
                    entry["metadata"]["selected"] = False
        return catalog

    def _file(self, content: Mapping[str, t.Any]) -> str:
        self._files += 1
        path = self.folder / f"{self._files}.json"
        path.write_text(json.dumps(content))
        return str(path)


def missing_package(peer: str) -> str | None:
    """Return the package that a peer needs and this environment lacks."""
    package = PEER_PACKAGES.get(peer)
    return package if package and importlib.util.find_spec(package) is None else None
