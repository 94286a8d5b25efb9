"""The SDK's `Tap`: settings, discovery of the streams, and the start of a run."""

from __future__ import annotations

import contextlib
import copy
import difflib
import os
import sys
import typing as t
from collections import Counter
from functools import cached_property

from click.exceptions import Exit
from singer_sdk import Tap
from singer_sdk.exceptions import MapperNotInitialized, SingerSDKError
from typing_extensions import override

import tap_contentstack.singer.about  # noqa: F401 - the text of --about
from tap_contentstack.api.client import Client
from tap_contentstack.api.stack import NO_CONTENT_TYPE, Stack
from tap_contentstack.api.throttle import Throttle
from tap_contentstack.api.time_limit import TimeLimit
from tap_contentstack.config.checks import sends_credentials_in_clear
from tap_contentstack.config.inputs import environment_config, read_catalog, read_json, read_state
from tap_contentstack.config.settings import CONFIG_JSONSCHEMA, Settings, checked_settings, tidied
from tap_contentstack.errors import SettingsError
from tap_contentstack.schema.names import MAX_BYTES
from tap_contentstack.sdk import SelfWritingStream, classproperty, without_replaced
from tap_contentstack.singer.discovery import Discovery
from tap_contentstack.singer.loads import LoadsStream
from tap_contentstack.singer.maps import check_names, missing_streams
from tap_contentstack.singer.parts import RunParts
from tap_contentstack.singer.run import Run
from tap_contentstack.singer.versioned import VersionedStream
from tap_contentstack.singer.writer import Writer
from tap_contentstack.sync.progress import Progress
from tap_contentstack.sync.state import INTERVAL, State
from tap_contentstack.sync.summary import Ending, Summary
from tap_contentstack.values.clock import Clock
from tap_contentstack.values.texts import log_on_one_line, one_line, shown

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput


class TapContentstack(Tap):
    """Loads what a Contentstack stack has published: entries, assets and content types."""

    name = "tap-contentstack"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = copy.deepcopy(CONFIG_JSONSCHEMA)
    message_writer_class = Writer
    dynamic_catalog = True

    settings: Settings
    run: Run | None = None
    clock: Clock = Clock()
    process_started: float | None = None
    """When the process started, in seconds since 1970; None if the process may do several runs."""
    state_interval: float = INTERVAL
    """Seconds between two STATEs during a run."""
    summary: Summary

    def __init__(self, **arguments: t.Any) -> None:
        """Read the configuration, the catalog and the state; the summary reports what is wrong with them."""
        self.logger.addFilter(log_on_one_line)
        self._started = self.process_started or self.clock.time()
        self.summary = Summary(None, "", self.logger)  # until the configuration names a file
        try:
            super().__init__(**arguments)
        except SingerSDKError as error:
            self._write_summary(Ending("failed", 1, one_line(error)))
            raise

    def _write_summary(self, ending: Ending) -> None:
        """Write the summary of a run that did not begin."""
        self.summary.write(ending, Progress(self.logger, self._started, self.clock), {}, Counter(), 0.0)

    # Settings, and what the streams share

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self._config = tidied(self._config)
        self.summary = Summary(self._text_of("summary_path"), self.plugin_version, self.logger)
        self.append_builtin_config(self.config_jsonschema)
        for name, setting in self.config_jsonschema["properties"].items():  # those of the SDK, too
            if "default" in setting:
                self._config.setdefault(name, setting["default"])
        self._config.setdefault("flattening_max_key_length", MAX_BYTES + 1)  # the SDK keeps names below it
        self.settings = checked_settings(self._config, self.config_jsonschema)
        if unknown := sorted(self._config.keys() - self.config_jsonschema["properties"].keys()):
            named = ", ".join(map(self._with_suggestion, unknown))
            self.logger.warning("Ignoring unknown settings: %s", named)
        if sends_credentials_in_clear(self.settings.url):
            self.logger.warning("base_url begins with http://, so the credentials cross the network unencrypted")
        return []

    def _with_suggestion(self, name: str) -> str:
        similar = difflib.get_close_matches(name, self.config_jsonschema["properties"], n=1)
        return f"{name} (did you mean {similar[0]}?)" if similar else shown(name)

    def _text_of(self, name: str) -> str | None:
        value = self._config.get(name)
        return value if isinstance(value, str) else None

    @property
    def writer(self) -> Writer:
        """The writer of all messages."""
        return t.cast("Writer", self.message_writer)

    @cached_property
    def client(self) -> Client:
        """The connection to the API."""
        time_limit = TimeLimit(self.settings.max_run_seconds, started=self._started, clock=self.clock)
        throttle = Throttle(self.settings.max_requests_per_second, clock=self.clock.monotonic, sleep=time_limit.sleep)
        return Client(self.settings, throttle, self.logger, time_limit)

    @cached_property
    def stack(self) -> Stack:
        """The stack that is loaded."""
        return Stack(self.client, self.settings, self.logger)

    @cached_property
    def parts(self) -> RunParts:
        """What all streams share."""
        values = t.cast("dict[str, t.Any]", self.state)
        state = State(
            values,
            self.state_writer.write_state,
            self.logger,
            started=self._started,
            clock=self.clock,
            interval=self.state_interval,
        )
        loads = LoadsStream(self, self.stack, self.clock)
        return RunParts(self.stack, state, Progress(self.logger, self._started, self.clock), loads, clock=self.clock)

    # Streams

    @cached_property
    def discovery(self) -> Discovery:
        """What finds the stack's streams."""
        return Discovery(self, self.parts)

    @override
    def discover_streams(self) -> list[SelfWritingStream]:
        """Return the streams that the stack has now."""
        return self.discovery.streams()

    @override
    def setup_mapper(self) -> None:
        """Read the stream maps; `load_state` registers the streams, whose schemas depend on their bookmarks.

        `Tap` would register those that are not selected as well: without their key, which a map of them needs.
        """
        super(Tap, self).setup_mapper()

    @override
    def load_state(self, state: dict[str, t.Any]) -> None:
        """Hand each stream its bookmark; bookmarks of content types that are gone get a stream to empty their table."""
        bookmarks = self.parts.state.load(state)
        loaded = [name for name, stream in self.streams.items() if stream.selected]
        if not self.stack.content_types and self.parts.state.knows_content(loaded):
            self.stack.require_allow_empty(NO_CONTENT_TYPE)  # a GoneStream for each would empty its table
        self.streams.update({each.name: each for each in self.discovery.unlisted(bookmarks, self.streams)})
        for stream in self.versioned_streams:
            bookmark = bookmarks.get(stream.name)
            stream.adopt(bookmark if isinstance(bookmark, dict) or bookmark is None else {})
        with contextlib.suppress(MapperNotInitialized), _flattened_names_are_unique():  # discovery needs no maps
            self._prepare_maps()
        self.parts.state.remember_initial_locales()

    def _prepare_maps(self) -> None:
        """Give the stream maps the schemas in use, which are neither the discovered ones nor the catalog's."""
        loads = self.parts.loads
        # The selected schema of a stream that is not selected lacks its key, so a map for it would be refused.
        for each in (*(stream for stream in self.versioned_streams if stream.selected), loads):
            self.mapper.register_raw_stream_schema(each.name, each.selected_schema, each.primary_keys)
            self.mapper.stream_maps[each.name] = without_replaced(self.mapper.stream_maps[each.name])
        for name in missing_streams(self.mapper.stream_maps_dict, [*self.streams, loads.name]):
            self.logger.warning("setting 'stream_maps': there is no stream '%s'", shown(name))
        maps = {stream.name: stream.guarded_maps for stream in self.selected_streams}
        check_names(maps | {loads.name: loads.guarded_maps})

    @property
    def versioned_streams(self) -> list[VersionedStream]:
        """The streams, as their own type."""
        return [stream for stream in self.streams.values() if isinstance(stream, VersionedStream)]

    @property
    def selected_streams(self) -> list[VersionedStream]:
        """The streams that a run loads."""
        return [stream for stream in self.versioned_streams if stream.selected]

    # Running

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        files = [path for path in value if path != "ENV"]
        given = super().cb_config(ctx, param, tuple(path for path in value if path not in files))
        for path in files:  # each is read only once, because it may be a pipe
            given.config |= read_json(path, "config") or {}
        return given

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        try:
            super().cb_test(ctx, param, value)
        except Exit:  # how click ends a command: the test has passed
            cls.logger.info("OK: the settings work")
            raise

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805
        cls.append_builtin_config(cls.config_jsonschema)
        return environment_config(cls.config_jsonschema, cls._env_var_prefix)

    def new_run(self) -> Run:
        """Return a run of all selected streams."""
        return Run(self.selected_streams, self.parts, self.writer, self.logger, self.summary)

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
            state=read_state(arguments["state"]),
            catalog=read_catalog(arguments["catalog"]),
            parse_env_config=config.parse_env,
        )
        tap.run = tap.new_run()
        if code := tap.run.execute():
            sys.exit(code)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End the run. The handler itself writes nothing: the signal may have interrupted the writing of a line."""
        self.logger.warning("Stopping on signal %d", signum)
        if self.run is None:
            sys.stdout.flush()
            self._write_summary(Ending("stopped", 128 + signum, f"stopped by signal {signum}"))
            os._exit(128 + signum)
        self.run.stop(128 + signum)


@contextlib.contextmanager
def _flattened_names_are_unique() -> t.Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "Duplicate column" not in str(error):
            raise
        msg = f"setting 'flattening_enabled': {one_line(error)}: lower flattening_max_depth, or deselect a column"
        raise SettingsError(msg) from None
