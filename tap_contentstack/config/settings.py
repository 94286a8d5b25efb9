"""Declares the settings, from which `--about`, meltano.yml and the documentation are generated, and reads them."""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass, field

from singer_sdk import typing as th

from tap_contentstack.config.checks import problems
from tap_contentstack.config.regions import ALIASES, DELIVERY_HOSTS, delivery_url
from tap_contentstack.errors import SettingsError
from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS
from tap_contentstack.values.texts import shown
from tap_contentstack.values.times import utc_text

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = th.StringType
LIST_OF_TEXTS = th.ArrayType(th.StringType)
POSITIVE_NUMBER = th.NumberType(exclusive_minimum=0)


def _setting(
    name: str, kind: th.JSONTypeHelper[t.Any] | type[th.JSONTypeHelper[t.Any]], description: str, **options: t.Any
) -> th.Property[t.Any]:
    title = options.pop("title", name.replace("_", " ").capitalize())
    return th.Property(name, kind, title=title, description=description, **options)


CONFIG_JSONSCHEMA: dict[str, t.Any] = th.PropertiesList(
    _setting("api_key", TEXT, "The stack's API key.", title="API key", required=True, secret=True),
    _setting(
        "access_token",
        TEXT,
        "A delivery token of the stack, for the environment below.",
        title="Delivery token",
        required=True,
        secret=True,
    ),
    _setting("environment", TEXT, "The publishing environment whose published content is loaded.", required=True),
    _setting(
        "region",
        TEXT,
        f"The stack's region: {', '.join(DELIVERY_HOSTS)}, or an alias of one ({', '.join(ALIASES)}).",
        default="na",
    ),
    _setting(
        "base_url",
        TEXT,
        "Scheme and host to use instead of the region's (a proxy, a sandbox). The tap appends the paths (/v3/…).",
        title="Base URL",
    ),
    _setting("branch", TEXT, "A branch of the stack, or an alias of one; the API's default (main) if unset."),
    _setting(
        "start_date",
        th.DateTimeType,
        "Initial passes load only what was published since then (the API's start_from).",
    ),
    _setting(
        "locales",
        LIST_OF_TEXTS,
        "Load only items published to these locales; all if unset. The API filters by a single locale, the tap by "
        "several.",
    ),
    _setting("content_types", LIST_OF_TEXTS, "Uids or globs of the content types that get a stream; all if unset."),
    _setting(
        "event_types",
        th.ArrayType(th.StringType(allowed_values=[*ENTRY_EVENTS, *ASSET_EVENTS])),
        "The events to request; all if unset. If no entry event is listed, all entry events are requested; likewise "
        "for assets. Without the unpublished and deleted events, rows stay after their items are no longer published.",
    ),
    _setting(
        "entry_streams",
        TEXT,
        "One typed stream per content type, or one stream `entries` for all. The tables of the other choice stay: "
        "drop them after a switch.",
        allowed_values=["per_content_type", "combined"],
        default="per_content_type",
    ),
    _setting(
        "on_scope_change",
        TEXT,
        "What to do when the state was made for another stack, environment, branch, content type, set of locales or "
        "events, or start date: `restart` reloads the stream, `fail` stops before anything is removed.",
        allowed_values=["restart", "fail"],
        default="restart",
    ),
    _setting(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=64),
        "How many streams are fetched at once (1 to 64).",
        default=8,
    ),
    _setting(
        "max_requests_per_second",
        POSITIVE_NUMBER,
        "A cap for the whole run; none if unset. The API's own limit is shared by the whole organization.",
    ),
    _setting(
        "request_timeout",
        th.NumberType(exclusive_minimum=0, maximum=3600),
        "Seconds to wait for a connection and for each part of a response.",
        default=60,
    ),
    _setting("max_retries", th.IntegerType(minimum=0), "Retries per request, after the first attempt.", default=8),
    _setting(
        "max_run_seconds",
        POSITIVE_NUMBER,
        "The time limit of a run: after this many seconds no further page is requested. If a stream is unfinished "
        "then and none has failed, the exit code is 75; the next run continues.",
    ),
    _setting(
        "reload_after_days",
        POSITIVE_NUMBER,
        "Reload each stream in full at least this often, in days, to pick up changes that cause no event. Each stream "
        "has a limit of its own, between half of this and this, so that one run does not reload them all.",
    ),
    _setting(
        "count_published",
        th.BooleanType,
        "Ask the API how many items are published, per content type and locale, for the stream `loads`.",
        default=False,
    ),
    _setting("summary_path", TEXT, "A file to which the run writes a summary at its end, as JSON."),
    _setting(
        "allow_empty",
        th.BooleanType,
        "Set for one run to confirm that the stack really has no content types, or that nothing is published in scope. "
        "Without it, such a run stops before it removes anything.",
        default=False,
    ),
    _setting("user_agent", TEXT, "The User-Agent header; tap-contentstack and its version if unset."),
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
    def shown_url(self) -> str:
        """The URL in a form that may be shown: credentials in it are left out."""
        return shown(self.url)

    @property
    def feed_locale(self) -> str | None:
        """The locale that the API filters by; it cannot filter by several."""
        return self.locales[0] if len(self.locales) == 1 else None


def checked_settings(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> Settings:
    """Check a tidied configuration and return it as settings.

    Args:
        config: The tidied configuration.
        schema: What to check it against: the tap's own settings, and perhaps the SDK's.

    Raises:
        SettingsError: Settings are missing or wrong; one sentence for each, none with the value of a secret.
    """
    if found := problems(config, schema):
        raise SettingsError("; ".join(found))
    start_date = config.get("start_date")
    return Settings(
        api_key=config["api_key"],
        access_token=config["access_token"],
        environment=config["environment"],
        url=(config.get("base_url") or delivery_url(config["region"])).rstrip("/").removesuffix("/v3"),
        branch=config.get("branch"),
        start_date=utc_text(start_date) if start_date else None,
        locales=tuple(sorted(set(config.get("locales", ())))),
        content_types=tuple(sorted(set(config.get("content_types", ())))),
        entry_events=_events(config, ENTRY_EVENTS),
        asset_events=_events(config, ASSET_EVENTS),
        combined=config["entry_streams"] == "combined",
        fail_on_scope_change=config["on_scope_change"] == "fail",
        max_concurrency=config["max_concurrency"],
        max_requests_per_second=config.get("max_requests_per_second"),
        request_timeout=float(config["request_timeout"]),
        max_retries=config["max_retries"],
        max_run_seconds=config.get("max_run_seconds"),
        reload_after_days=config.get("reload_after_days"),
        count_published=config["count_published"],
        allow_empty=config["allow_empty"],
        user_agent=config.get("user_agent"),
        region=config["region"],
    )


def tidied(config: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the configuration without blanks, with texts from the environment converted, and with the defaults."""
    declared = CONFIG_JSONSCHEMA["properties"]
    defaults = {name: setting["default"] for name, setting in declared.items() if "default" in setting}
    tidy = {name: _tidied(value, declared.get(name, {}).get("type", ())) for name, value in config.items()}
    return defaults | {name: value for name, value in tidy.items() if value not in (None, "", [])}


def _tidied(value: t.Any, types: Sequence[str]) -> t.Any:
    if isinstance(value, str):
        value = value.strip()  # a pasted credential often brings a line end with it
    if isinstance(value, str) and {"number", "integer"} & set(types):
        with contextlib.suppress(ValueError):  # stays text, which the check then reports
            value = float(value) if "number" in types else int(value)
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        value = int(value)  # JSON schema does not tell them apart
    if isinstance(value, str) and "array" in types and value.startswith("["):
        with contextlib.suppress(ValueError):  # schedulers pass a list as text; if it is not JSON, the check reports it
            value = json.loads(value)
    if isinstance(value, list) and "array" in types:
        value = [stripped for each in value if (stripped := each.strip() if isinstance(each, str) else each) != ""]
    return value


def _events(config: Mapping[str, t.Any], possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return the events to request: those listed of this kind of stream, or all if none of its kind is listed."""
    wanted = set(config.get("event_types", ()))
    return tuple(event for event in possible if event in wanted) or possible
