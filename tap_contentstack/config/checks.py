"""Checks a configuration: what its JSON schema demands, and what a JSON schema cannot express."""

from __future__ import annotations

import math
import re
import typing as t
from urllib.parse import urlsplit

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
)
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_contentstack.config.regions import delivery_url
from tap_contentstack.events import ASSET_EVENTS, ASSET_PUBLISHED, ENTRY_EVENTS, ENTRY_PUBLISHED
from tap_contentstack.sdk import is_usable
from tap_contentstack.values.texts import shown
from tap_contentstack.values.times import utc_text

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

MIN_REQUESTS_PER_SECOND = 0.01
"""A lower cap means more than 100 seconds between two requests, which is taken for a mistake."""
MAP_OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
"""What a stream map can have beside columns; any other name of this form is a slip."""
SECRETS = ("api_key", "access_token")


def problems(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> list[str]:
    """Return a sentence for each mistake in a configuration; no sentence contains the value of a secret."""
    errors = sorted(DEFAULT_JSONSCHEMA_VALIDATOR(schema).iter_errors(config), key=lambda e: str(e.path))
    return [_schema_problem(error) for error in errors] or [each for check in _CHECKS for each in check(config)]


def sends_credentials_in_clear(url: str) -> bool:
    """Return whether requests to a URL can be read in transit: without TLS, and to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}


def _schema_problem(error: ValidationError) -> str:
    """Say which rule a setting breaks; jsonschema's own message would quote the value, secrets included."""
    if error.validator == "required":
        missing = error.message.split("'")[1]
        if error.path:
            return f"setting '{error.path[0]}' lacks '{missing}'"
        name = missing.upper()
        return f"setting '{missing}' is missing: set it in the config, or as TAP_CONTENTSTACK_{name} with --config=ENV"
    setting = str(error.path[0]) if error.path else "config"
    # Only numbers are quoted: a credential may have been pasted into the wrong setting.
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
    return f"setting '{setting}' {rule.format(_joined(error.validator_value))}{value}"


def _joined(demand: object) -> str:
    return ", ".join(str(each) for each in demand if each != "null") if isinstance(demand, list) else str(demand)


def _text_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in config.items():
        texts = value if isinstance(value, list) else [value]
        if not all(_is_utf8(each) for each in texts if isinstance(each, str)):
            yield f"setting '{name}' is not text in UTF-8: check the encoding of the config, or of the environment"
    for locale in config.get("locales") or ():
        if not _is_locale(locale):
            yield "setting 'locales' must be a list of codes such as en-us"


def _number_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in config.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"setting '{name}' must be a finite number"
    if config.get("max_requests_per_second", 1) < MIN_REQUESTS_PER_SECOND:
        yield f"setting 'max_requests_per_second' must be at least {MIN_REQUESTS_PER_SECOND}"


def _host_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if (base_url := config.get("base_url")) and not _is_base_url(base_url):
        yield "setting 'base_url' must be a scheme and a host such as https://cdn.example.org"
    try:
        delivery_url(config["region"])
    except ValueError as error:
        yield str(error)


def _start_date_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if start_date := config.get("start_date"):
        try:
            utc_text(start_date)
        except (ValueError, OverflowError):
            yield "setting 'start_date' must be a date and time such as 2024-01-31T00:00:00Z"


def _event_type_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    wanted = set(config.get("event_types") or ())
    for events, published in ((ENTRY_EVENTS, ENTRY_PUBLISHED), (ASSET_EVENTS, ASSET_PUBLISHED)):
        if wanted & set(events) and published not in wanted:
            yield f"setting 'event_types' must contain {published}: without it no rows would be loaded"


def _sdk_setting_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    if config.get("flattening_enabled") and "flattening_max_depth" not in config:
        yield "setting 'flattening_enabled' needs flattening_max_depth: how many levels become columns"
    if (batch_config := config.get("batch_config")) and not is_usable(batch_config):
        yield "setting 'batch_config' must have an encoding, and a storage whose root is a folder or the URL of one"
    elif batch_config and batch_config["encoding"]["format"] != "jsonl":
        yield "setting 'batch_config' must have the encoding format jsonl: no other format can hold arbitrary JSON"
    elif batch_config and not _is_whole_number(batch_config.get("batch_size", 1)):
        yield "setting 'batch_config' must have a batch_size of at least 1"


def _stream_map_problems(config: Mapping[str, t.Any]) -> t.Iterator[str]:
    for stream, definition in (config.get("stream_maps") or {}).items():
        members = definition if isinstance(definition, dict) else {stream: definition}
        for name, value in members.items():
            where = f"setting 'stream_maps': '{shown(name)}'" + (f" of {shown(stream)}" if name != stream else "")
            if value == "":
                yield f"{where} is empty: give it an expression, or null to leave it out"
            elif name == MAPPER_ELSE_OPTION and value not in (None, NULL_STRING):
                yield f"{where} can only be null, which leaves out what is not named"
            elif definition is members and _is_option(name) and name not in MAP_OPTIONS:
                yield f"{where} is not a valid option; valid are {', '.join(MAP_OPTIONS)}"
            elif name in (MAPPER_ALIAS_OPTION, MAPPER_SOURCE_OPTION) and not isinstance(value, str):
                yield f"{where} must be the name of a stream"


_is_option = re.compile("__.+__").fullmatch


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


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
    except ValueError:  # half an IPv6 address, a port that is not a number
        return False
    return parts.scheme in {"http", "https"} and bool(host) and not parts.query


_CHECKS = (
    _text_problems,
    _number_problems,
    _host_problems,
    _start_date_problems,
    _event_type_problems,
    _sdk_setting_problems,
    _stream_map_problems,
)
"""Each yields the problems that a JSON schema cannot express; they may rely on the types that the schema demands."""
