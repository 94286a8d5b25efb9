"""Which streams a stack has: the fixed ones, one for each content type in scope, and those whose type is gone."""

from __future__ import annotations

import typing as t

from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.names import COMBINED_STREAM, stream_name
from tap_contentstack.singer.lists import GoneStream, ListStream
from tap_contentstack.singer.streams import FeedStream
from tap_contentstack.sync.state import content_type_of

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from singer_sdk import Tap

    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.sdk import SelfWritingStream
    from tap_contentstack.singer.parts import RunParts
    from tap_contentstack.singer.versioned import VersionedStream


class Discovery:
    """Finds the streams of a stack."""

    def __init__(self, tap: Tap, parts: RunParts) -> None:
        """Prepare.

        Args:
            tap: The SDK's tap, for the SDK's own use in the streams.
            parts: What all streams share.
        """
        self._tap = tap
        self._parts = parts

    def streams(self) -> list[SelfWritingStream]:
        """Return the streams that the stack has now."""
        tap, parts, settings, stack = self._tap, self._parts, self._parts.settings, self._parts.stack
        types, lists = stack.content_types, stack.lists
        streams: list[SelfWritingStream] = [
            FeedStream(tap, parts, "assets", schemas.asset_schema(), events=settings.asset_events),
            ListStream(tap, parts, "content_types", schemas.definition_schema(), lambda: types),
            ListStream(tap, parts, "global_fields", schemas.definition_schema(), lists.global_fields),
            ListStream(tap, parts, "taxonomies", schemas.taxonomy_schema(), lists.taxonomies),
            ListStream(tap, parts, "taxonomy_terms", schemas.term_schema(), lists.taxonomy_terms),
            parts.loads,
        ]
        if settings.combined:
            schema = schemas.combined_schema()
            return [*streams, FeedStream(tap, parts, COMBINED_STREAM, schema, events=settings.entry_events)]
        return [*streams, *(self._entry_stream(each) for each in types if stack.covers(each["uid"]))]

    def unlisted(self, bookmarks: Mapping[str, t.Any], known: Collection[str]) -> list[VersionedStream]:
        """Return streams for bookmarks whose content type the list of content types lacks.

        A list may lag behind. A type is gone if the API does not find it by its uid, and a list requested after that
        lacks it, too; then its table is to be emptied.

        Args:
            bookmarks: The state's bookmarks, by stream.
            known: The streams that there are already.
        """
        stack, settings = self._parts.stack, self._parts.settings
        uids = {name: content_type_of(name, bookmark) for name, bookmark in bookmarks.items()}
        unlisted = {name: uid for name, uid in uids.items() if uid and name not in known and not stack.has(uid)}
        found = {uid: stack.find(uid) for uid in unlisted.values()}
        if lost := [uid for uid, content_type in found.items() if content_type is None]:
            found |= {each["uid"]: each for each in stack.relisted(lost)}
        streams: list[VersionedStream] = []
        for name, uid in unlisted.items():
            content_type = found[uid]
            if content_type is None:
                types = bookmarks[name].get("types") if isinstance(bookmarks[name], dict) else None
                streams.append(GoneStream(self._tap, self._parts, name, types if isinstance(types, dict) else {}))
            elif stack.covers(uid) and not settings.combined and stream_name(uid) == name:
                stack.content_types.append(content_type)
                streams.append(self._entry_stream(content_type))
                if self._tap.input_catalog is not None:
                    streams[-1].apply_catalog(self._tap.input_catalog)
        return streams

    def _entry_stream(self, content_type: ContentType) -> FeedStream:
        return FeedStream(
            self._tap,
            self._parts,
            stream_name(content_type["uid"]),
            schemas.entry_schema(content_type),
            events=self._parts.settings.entry_events,
            content_type=content_type,
            columns=schemas.entry_columns(content_type),
        )
