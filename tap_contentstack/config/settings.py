"""The tap's settings, the one source of `--about`, validation, meltano.yml and the documentation."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from singer_sdk import typing as th
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_contentstack.config.regions import delivery_url
from tap_contentstack.errors import SettingsError
from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS
from tap_contentstack.sdk import is_usable

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

SLOWEST = 0.01
"""The lowest cap, in requests a second: waits beyond that are taken for a mistake."""
SECRETS = ("api_key", "access_token")

CONFIG_JSONSCHEMA: dict[str, t.Any] = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType,
        required=True,
        secret=True,
        title="API key",
        description="The stack's API key.",
    ),
    th.Property(
        "access_token",
        th.StringType,
        required=True,
        secret=True,
        title="Delivery token",
        description="A delivery token of the stack, for the environment below.",
    ),
    th.Property(
        "environment",
        th.StringType,
        required=True,
        title="Environment",
        description="The publishing environment whose published content is loaded.",
    ),
    th.Property(
        "region",
        th.StringType,
        default="na",
        title="Region",
        description=(
            "The stack's region: na, eu, au, azure-na, azure-eu, gcp-na or gcp-eu, or an alias of one "
            "(us, aws-na, aws-eu, aws-au)."
        ),
    ),
    th.Property(
        "base_url",
        th.StringType,
        title="Base URL",
        description="Scheme and host to use instead of the region's (a proxy, a sandbox); the paths (/v3/…) are added.",
    ),
    th.Property("branch", th.StringType, title="Branch", description="A branch of the stack, or an alias of one."),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="An initial pass loads only what was published since then (the API's start_from).",
    ),
    th.Property(
        "locales",
        th.ArrayType(th.StringType),
        title="Locales",
        description="Load only items published to these locales; all if unset. Exactly one is filtered by the API.",
    ),
    th.Property(
        "content_types",
        th.ArrayType(th.StringType),
        title="Content types",
        description="Uids or globs of the content types that have a stream; all if unset.",
    ),
    th.Property(
        "event_types",
        th.ArrayType(th.StringType(allowed_values=[*ENTRY_EVENTS, *ASSET_EVENTS])),
        title="Event types",
        description=(
            "The events to ask the feed for; all if unset. Must contain the published event; a list without the "
            "unpublished or deleted ones leaves rows behind that are no longer published."
        ),
    ),
    th.Property(
        "entry_streams",
        th.StringType,
        allowed_values=["per_content_type", "combined"],
        default="per_content_type",
        title="Entry streams",
        description="One typed stream per content type, or one stream `entries` for all.",
    ),
    th.Property(
        "on_scope_change",
        th.StringType,
        allowed_values=["restart", "fail"],
        default="restart",
        title="On scope change",
        description=(
            "What to do when the state was made for another stack, environment, branch, locales, event types, start "
            "date or content type: load the stream anew, or stop before anything is removed."
        ),
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=64),
        default=8,
        title="Max concurrency",
        description="How many streams are fetched at once (1 to 64).",
    ),
    th.Property(
        "max_requests_per_second",
        th.NumberType(exclusive_minimum=0),
        title="Max requests per second",
        description="A cap for the whole run; none if unset. The API's own limit is shared by the organization.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType(exclusive_minimum=0, maximum=3600),
        default=60,
        title="Request timeout",
        description="Seconds to wait for a connection and for each part of an answer.",
    ),
    th.Property(
        "max_retries",
        th.IntegerType(minimum=0),
        default=8,
        title="Max retries",
        description="Attempts after the first, for each request.",
    ),
    th.Property(
        "max_run_seconds",
        th.NumberType(exclusive_minimum=0),
        title="Max run seconds",
        description=(
            "A time box: after so many seconds no new page is asked for. If some stream is unfinished then, the exit "
            "code is 75, and the next run continues."
        ),
    ),
    th.Property(
        "reload_after_days",
        th.NumberType(exclusive_minimum=0),
        title="Reload after days",
        description="A stream whose last full load is older is reloaded: heals what changed without any event.",
    ),
    th.Property(
        "count_published",
        th.BooleanType,
        default=False,
        title="Count published",
        description="Ask the API how many items are published, per type and locale, for the stream `loads`.",
    ),
    th.Property(
        "summary_path",
        th.StringType,
        title="Summary path",
        description="A file that gets a summary of the run at its end, as JSON.",
    ),
    th.Property(
        "allow_empty",
        th.BooleanType,
        default=False,
        title="Allow empty",
        description=(
            "Confirms, for one run, that a stack without content types, or a scope in which nothing is published, is "
            "meant; without it the run stops before anything is removed."
        ),
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="The User-Agent header; tap-contentstack and its version if unset.",
    ),
).to_dict()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The validated configuration."""

    api_key: str = field(repr=False)
    access_token: str = field(repr=False)
    environment: str
    url: str
    branch: str | None
    start_date: str | None
    locales: tuple[str, ...]
    content_types: tuple[str, ...]
    entry_events: tuple[str, ...]
    asset_events: tuple[str, ...]
    combined: bool
    fail_on_scope_change: bool
    max_concurrency: int
    max_requests_per_second: float | None
    request_timeout: float
    max_retries: int
    max_run_seconds: float | None
    reload_after_days: float | None
    count_published: bool
    allow_empty: bool
    user_agent: str | None
    region: str

    @property
    def feed_locale(self) -> str | None:
        """The locale that the API filters by: only ever a single one."""
        return self.locales[0] if len(self.locales) == 1 else None


def read_settings(config: Mapping[str, t.Any], schema: Mapping[str, t.Any] = CONFIG_JSONSCHEMA) -> Settings:
    """Check a configuration and return it as settings.

    Args:
        config: The SDK's configuration, defaults filled in.
        schema: What to check it against: the tap's own settings, and perhaps the SDK's.

    Raises:
        SettingsError: Something is missing or wrong; one sentence for each, none with a secret's value.
    """
    config = tidied(config)
    errors = sorted(DEFAULT_JSONSCHEMA_VALIDATOR(schema).iter_errors(config), key=lambda e: str(e.path))
    problems = [_sentence(error) for error in errors] or list(_contradictions(config))
    if problems:
        raise SettingsError("; ".join(problems))
    region = config.get("region") or "na"
    return Settings(
        api_key=config["api_key"],
        access_token=config["access_token"],
        environment=config["environment"],
        url=(config.get("base_url") or delivery_url(region)).rstrip("/").removesuffix("/v3"),
        branch=config.get("branch"),
        start_date=_utc(config["start_date"]) if config.get("start_date") else None,
        locales=tuple(sorted(set(config.get("locales") or ()))),
        content_types=tuple(sorted(set(config.get("content_types") or ()))),
        entry_events=_events(config, ENTRY_EVENTS),
        asset_events=_events(config, ASSET_EVENTS),
        combined=config.get("entry_streams") == "combined",
        fail_on_scope_change=config.get("on_scope_change") == "fail",
        max_concurrency=config.get("max_concurrency", 8),
        max_requests_per_second=config.get("max_requests_per_second"),
        request_timeout=float(config.get("request_timeout", 60)),
        max_retries=config.get("max_retries", 8),
        max_run_seconds=config.get("max_run_seconds"),
        reload_after_days=config.get("reload_after_days"),
        count_published=bool(config.get("count_published", False)),
        allow_empty=bool(config.get("allow_empty", False)),
        user_agent=config.get("user_agent"),
        region=region,
    )


def tidied(config: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the configuration without blanks, and with numbers that came as text from the environment."""
    tidy = {name: _tidied(value, CONFIG_JSONSCHEMA["properties"].get(name, {})) for name, value in config.items()}
    return {name: value for name, value in tidy.items() if value not in (None, "", [])}


def _tidied(value: t.Any, setting: Mapping[str, t.Any]) -> t.Any:
    types = setting.get("type", ())
    if isinstance(value, str):
        value = value.strip()  # a pasted credential often brings a line end with it
    if isinstance(value, str) and {"number", "integer"} & set(types):
        with contextlib.suppress(ValueError):  # stays text, which validation then names
            value = float(value) if "number" in types else int(value)
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        value = int(value)  # the same to JSON schema
    if isinstance(value, str) and "array" in types and value.startswith("["):
        with contextlib.suppress(ValueError):  # a list in a text, as schedulers write it; else validation names it
            value = json.loads(value)
    if isinstance(value, list) and "array" in types:
        value = [stripped for each in value if (stripped := each.strip() if isinstance(each, str) else each) != ""]
    return value


def _sentence(error: ValidationError) -> str:
    """Say in words what a configuration breaks; jsonschema's own text would quote the value, secrets included."""
    if error.validator == "required":
        missing = error.message.split("'")[1]
        if error.path:
            return f"setting '{error.path[0]}' lacks '{missing}'"
        return f"setting '{missing}' is missing: set it in the config, or as TAP_CONTENTSTACK_{missing.upper()}"
    setting = str(error.path[0]) if error.path else "config"
    # Only numbers are repeated: a credential may have got into the wrong field, which jsonschema's text would quote.
    is_number = isinstance(error.instance, int | float) and not isinstance(error.instance, bool)
    value = f", not {error.instance}" if is_number and setting not in SECRETS else ""
    rule = {
        "type": "must be {}",
        "enum": "must be one of {}",
        "minimum": "must be at least {}",
        "maximum": "must be at most {}",
        "exclusiveMinimum": "must be more than {}",
        "format": "must be a date and time such as 2024-01-31T00:00:00Z",
    }.get(str(error.validator), "must be valid")
    return f"setting '{setting}' {rule.format(_listed(error.validator_value))}{value}"


def _listed(demand: object) -> str:
    return ", ".join(str(each) for each in demand if each != "null") if isinstance(demand, list) else str(demand)


def _contradictions(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield what a JSON schema cannot say."""
    for problems in (_in_texts, _in_numbers, _in_host, _in_start_date, _in_event_types, _in_sdk_settings):
        yield from problems(config)


def _in_texts(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in config.items():
        texts = value if isinstance(value, list) else [value]
        if not all(_is_utf8(each) for each in texts if isinstance(each, str)):
            yield f"setting '{name}' is not text in UTF-8: check the encoding of the config, or of the environment"
    for locale in config.get("locales") or ():
        if not _is_locale(locale):
            yield "setting 'locales' must be a list of codes such as en-us"


def _in_numbers(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in config.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"setting '{name}' must be a finite number"
    if config.get("max_requests_per_second", 1) < SLOWEST:
        yield f"setting 'max_requests_per_second' must be at least {SLOWEST}"


def _in_host(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if (base_url := config.get("base_url")) and not _is_base_url(base_url):
        yield "setting 'base_url' must be a scheme and a host such as https://cdn.example.org"
    try:
        delivery_url(config.get("region", "na"))
    except ValueError as error:
        yield str(error)


def _in_start_date(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if start_date := config.get("start_date"):
        try:
            _utc(start_date)
        except (ValueError, OverflowError):
            yield "setting 'start_date' must be a date and time such as 2024-01-31T00:00:00Z"


def _in_event_types(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    wanted = set(config.get("event_types") or ())
    for events in (ENTRY_EVENTS, ASSET_EVENTS):
        if wanted & set(events) and events[0] not in wanted:
            yield f"setting 'event_types' must contain {events[0]}: without it no rows would be loaded"


def _in_sdk_settings(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if config.get("flattening_enabled") and "flattening_max_depth" not in config:
        yield "setting 'flattening_enabled' needs flattening_max_depth: how many levels become columns"
    if (batch_config := config.get("batch_config")) and not is_usable(batch_config):
        yield "setting 'batch_config' must have an encoding, and a storage whose root is a folder or a URL of one"
    elif batch_config and batch_config["encoding"]["format"] != "jsonl":
        yield "setting 'batch_config' must have the encoding format jsonl: no other holds columns of any JSON"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_is_locale = re.compile(r"[A-Za-z0-9_-]+").fullmatch


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:  # half an IPv6 address, a port that is no number
        return False
    return parts.scheme in {"http", "https"} and bool(host) and not parts.query


def _events(config: Mapping[str, t.Any], possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return the events to ask for: the wanted ones of this kind of stream, or all where none of its kind is named."""
    wanted = set(config.get("event_types") or ())
    return tuple(event for event in possible if event in wanted) or possible


def _utc(text: str) -> str:
    """Return a date or date-time as the API takes it: UTC, with milliseconds and `Z`."""
    moment = dt.datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def is_in_clear(url: str) -> bool:
    """Return whether requests to a URL can be read on their way: without TLS, and to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}
