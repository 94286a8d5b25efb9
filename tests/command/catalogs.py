"""Catalogs that tests edit: an entry of one stream, and what is selected in it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.tap_process import Json


AUTOMATIC = {"uid", "_publish_locale", "_sync_type", "_sdc_deleted_at", "_load_version"}


def entry_of(catalog: Json, stream: str) -> Json:
    return next(each for each in catalog["streams"] if each["tap_stream_id"] == stream)


def select(catalog: Json, stream: str, *path: str, selected: bool) -> None:
    """Select or deselect a stream, or a column at any depth."""
    breadcrumb = [step for name in path for step in ("properties", name)]
    entry = entry_of(catalog, stream)
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"] == breadcrumb:
            metadata["metadata"]["selected"] = selected
            return
    entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"inclusion": "available", "selected": selected}})
