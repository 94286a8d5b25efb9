"""The tap: its settings, and the streams that a stack has."""

from __future__ import annotations

import contextlib
import copy
import fnmatch
import functools
import os
import re
import sys
import time
import typing as t
from functools import cached_property

from singer_sdk import Tap
from singer_sdk.exceptions import MapperNotInitialized
from typing_extensions import override

from tap_contentstack.api.client import Client
from tap_contentstack.api.content_types import branch_of, find_content_type, global_fields_of, list_content_types
from tap_contentstack.api.throttle import Throttle
from tap_contentstack.config.inputs import environment_config, read_catalog, read_json
from tap_contentstack.config.settings import CONFIG_JSONSCHEMA, Settings, read_settings, tidied
from tap_contentstack.errors import SettingsError
from tap_contentstack.records.codec import Codec
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.names import ENTRIES, stream_name
from tap_contentstack.sdk import classproperty
from tap_contentstack.singer.pen import Pen
from tap_contentstack.singer.run import Run
from tap_contentstack.singer.streams import COMBINED_STREAM, FeedStream, GoneStream, ListStream
from tap_contentstack.singer.swept import SweptStream
from tap_contentstack.sync.progress import Progress

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput

    from tap_contentstack.api.content_types import ContentType


UID = re.compile(r"[A-Za-z0-9_-]+").fullmatch
"""What a content type's uid looks like; another one in a state is damage, not a content type that is gone."""
STATE_INTERVAL = 1.0
"""Seconds between two STATE messages, at least."""


class TapContentstack(Tap):
    """Loads what a Contentstack stack has published: entries, assets and content types."""

    name = "tap-contentstack"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = copy.deepcopy(CONFIG_JSONSCHEMA)
    message_writer_class = Pen
    dynamic_catalog = True

    settings: Settings
    run: Run | None = None
    process_started: t.ClassVar[float | None] = None
    """Seconds since 1970; where the process is there for one run, and another one can only begin after its end."""
    _state_written = 0.0
    _locales_before: frozenset[str] = frozenset()

    # Settings and what hangs on them

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self._config = tidied(self._config)
        self.append_builtin_config(self.config_jsonschema)
        for name, setting in self.config_jsonschema["properties"].items():
            if "default" in setting:
                self._config.setdefault(name, setting["default"])
        self.settings = read_settings(self._config, self.config_jsonschema)
        if unknown := sorted(self._config.keys() - self.config_jsonschema["properties"].keys()):
            self.logger.warning("These settings are unknown, and ignored: %s", ", ".join(unknown))
        return []

    @cached_property
    def client(self) -> Client:
        """The connection to the API."""
        return Client(self.settings, Throttle(self.settings.max_requests_per_second), self.logger)

    @cached_property
    def progress(self) -> Progress:
        """What the run has done so far."""
        return Progress(self.logger, self.started)

    @property
    def pen(self) -> Pen:
        """The one writer of messages."""
        return t.cast("Pen", self.message_writer)

    @property
    def started(self) -> float:
        """When the run began, in seconds since 1970."""
        return self.process_started or self.initialized_at / 1000

    # Streams

    @cached_property
    def content_types(self) -> list[ContentType]:
        """The stack's content types."""
        return list_content_types(self.client, self.logger)

    @functools.cache  # noqa: B019 - a tap lives as long as its process
    def codec_of(self, content_type_uid: str) -> Codec | None:
        """Return what reads the entries of a content type, if there is such a type."""
        found = next((each for each in self.content_types if each["uid"] == content_type_uid), None)
        return Codec(schemas.entry_schema(found), columns=schemas.entry_columns(found)) if found else None

    @cached_property
    def branch(self) -> str | None:
        """The branch in use: as the API resolves it where it tells, else as it is set."""
        return branch_of(self.content_types) or self.settings.branch

    def covers(self, content_type_uid: str) -> bool:
        """Return whether the `content_types` setting lets a content type in."""
        patterns = self.settings.content_types
        return not patterns or any(fnmatch.fnmatchcase(content_type_uid, pattern) for pattern in patterns)

    @override
    def discover_streams(self) -> list[SweptStream]:
        """Return the streams that the stack has now."""
        types = self.content_types
        streams: list[SweptStream] = [
            FeedStream(self, "assets", schemas.asset_schema(), events=self.settings.asset_events),
            ListStream(self, "content_types", schemas.definition_schema(), lambda: types),
            ListStream(self, "global_fields", schemas.definition_schema(), lambda: global_fields_of(types)),
        ]
        if self.settings.combined:
            streams.append(
                FeedStream(self, COMBINED_STREAM, schemas.combined_schema(), events=self.settings.entry_events)
            )
        else:
            streams += (self._entry_stream(each) for each in types if self.covers(each["uid"]))
        return streams

    def _entry_stream(self, content_type: ContentType) -> FeedStream:
        return FeedStream(
            self,
            stream_name(content_type["uid"]),
            schemas.entry_schema(content_type),
            events=self.settings.entry_events,
            content_type=content_type,
            columns=schemas.entry_columns(content_type),
        )

    # State

    @override
    def load_state(self, state: dict[str, t.Any]) -> None:
        """Hand each stream its bookmark; bookmarks of content types that are gone get a stream to empty their table."""
        bookmarks = state.get("bookmarks", {})
        if not isinstance(bookmarks, dict) or (state and "bookmarks" not in state):
            self.logger.warning("The state has no bookmarks that this tap understands; all streams start over")
            bookmarks = {}
        for name, bookmark in bookmarks.items():
            self.state.setdefault("bookmarks", {})[name] = copy.deepcopy(bookmark)
        self._add_vanished(bookmarks)
        for stream in self.streams.values():
            if isinstance(stream, SweptStream):
                bookmark = bookmarks.get(stream.name)
                stream.adopt(bookmark if isinstance(bookmark, dict) or bookmark is None else {})
                with contextlib.suppress(MapperNotInitialized):  # discovery needs none
                    self.mapper.register_raw_stream_schema(stream.name, stream.selected_schema, stream.primary_keys)
        self._locales_before = frozenset(self.locales_now())

    def _add_vanished(self, bookmarks: dict[str, t.Any]) -> None:
        """Add streams for bookmarks whose content type the list of content types does not have."""
        listed = {each["uid"] for each in self.content_types} if bookmarks else set()
        for name, bookmark in bookmarks.items():
            uid = bookmark.get("content_type_uid") if isinstance(bookmark, dict) else None
            if not isinstance(uid, str) or not UID(uid):  # none, or damaged: the stream's name may still tell
                uid = name.removeprefix(ENTRIES) if name.startswith(ENTRIES) else ""
            if not UID(uid) or uid in listed or name in self.streams:
                continue
            found = find_content_type(self.client, uid)
            if found is None:
                types = bookmark.get("types") if isinstance(bookmark, dict) else None
                self.streams[name] = GoneStream(self, name, types if isinstance(types, dict) else {})
            elif self.covers(uid) and not self.settings.combined and stream_name(uid) == name:
                self.content_types.append(found)
                self.streams[name] = self._entry_stream(found)
                if self.input_catalog is not None:
                    self.streams[name].apply_catalog(self.input_catalog)

    def locales_now(self) -> set[str]:
        """Return the locales that the bookmarks tell of."""
        streams = (stream for stream in self.streams.values() if isinstance(stream, SweptStream))
        return {locale for stream in streams for locale in stream.bookmark.locales}

    def known_locales(self) -> set[str]:
        """Return the locales that any stream may hold rows of: what one bookmark has lost, another may know.

        Those from before the run are among them, though the stream that knew them may have started over meanwhile.
        """
        return set(self.settings.locales) or {*self._locales_before, *self.locales_now()}

    def state_is_due(self) -> bool:
        """Return whether it is time for a STATE, and take it that one is written now."""
        now = time.monotonic()
        if now - self._state_written < STATE_INTERVAL:
            return False
        self._state_written = now
        return True

    def check_patterns(self) -> None:
        """Check that each pattern of the `content_types` setting is good for something.

        Raises:
            SettingsError: One matches neither a content type nor a bookmark.
        """
        known = {each["uid"] for each in self.content_types}
        bookmarks: dict[str, t.Any] = {**self.state.get("bookmarks", {})}
        for bookmark in bookmarks.values():
            if isinstance(bookmark, dict) and isinstance(uid := bookmark.get("content_type_uid"), str):
                known.add(uid)
        if self.settings.combined and COMBINED_STREAM in bookmarks:
            return
        for pattern in self.settings.content_types:
            if not fnmatch.filter(known, pattern):
                names = ", ".join(sorted(known)) or "none"
                msg = f"setting 'content_types': '{pattern}' matches no content type of the stack (there are: {names})"
                raise SettingsError(msg)

    # Running

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        files = [path for path in value if path != "ENV"]
        given = super().cb_config(ctx, param, tuple(path for path in value if path not in files))
        for path in files:  # each is read once, for it may be a pipe
            given.config |= read_json(path, "config") or {}
        return given

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805
        cls.append_builtin_config(cls.config_jsonschema)
        return environment_config(cls.config_jsonschema, cls._env_var_prefix)

    @classmethod
    @override
    def invoke(cls, **arguments: t.Any) -> None:
        """Run the tap from the command line, all streams at once."""
        if arguments.get("about"):
            super().invoke(**arguments)
        cls.print_version(print_fn=cls.logger.info)
        config = arguments["config"]
        tap = cls(
            config=config.config,
            state=read_json(arguments["state"], "state"),
            catalog=read_catalog(arguments["catalog"]),
            parse_env_config=config.parse_env,
        )
        tap.run = Run(tap)
        if code := tap.run.execute():
            sys.exit(code)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End the run: nothing is written from within a signal handler, which may have come in the middle of a line."""
        self.logger.warning("Stopping, as asked by signal %d", signum)
        if self.run is None:
            sys.stdout.flush()
            os._exit(128 + signum)
        self.run.stop(128 + signum)
