"""A plain tap: the SDK as its documentation shows it, with schemas typed from the content types."""

from __future__ import annotations

import typing as t

import requests
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.streams import RESTStream
from typing_extensions import override

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context

Json: t.TypeAlias = dict[str, t.Any]

ANY = th.CustomType({"type": ["object", "array", "string", "number", "boolean", "null"]})
LINK = th.ObjectType(th.Property("title", th.StringType), th.Property("href", th.StringType))
REFERENCE = th.ObjectType(th.Property("uid", th.StringType), th.Property("_content_type_uid", th.StringType))
SIMPLE: dict[str, th.JSONTypeHelper[t.Any]] = {
    "text": th.StringType(),
    "number": th.NumberType(),
    "boolean": th.BooleanType(),
    "isodate": th.DateTimeType(),
    "file": th.StringType(),
    "json": ANY,
    "link": LINK,
    "reference": th.ArrayType(REFERENCE),
}
SYSTEM_FIELDS = (
    th.Property("uid", th.StringType, required=True),
    th.Property("locale", th.StringType),
    th.Property("_version", th.IntegerType),
    th.Property("tags", th.ArrayType(th.StringType)),
    th.Property("created_at", th.DateTimeType),
    th.Property("created_by", th.StringType),
    th.Property("updated_at", th.DateTimeType),
    th.Property("updated_by", th.StringType),
    th.Property(
        "publish_details",
        th.ObjectType(
            th.Property("environment", th.StringType),
            th.Property("locale", th.StringType),
            th.Property("time", th.DateTimeType),
            th.Property("user", th.StringType),
        ),
    ),
    th.Property("_sync_type", th.StringType),
    th.Property("_sync_event_at", th.DateTimeType),
)


def properties(fields: list[Json]) -> list[th.Property[t.Any]]:
    """Return the properties of fields, to any depth."""
    return [th.Property(field["uid"], _type(field)) for field in fields]


def _type(field: Json) -> th.JSONTypeHelper[t.Any]:
    kind: th.JSONTypeHelper[t.Any]
    if field["data_type"] == "blocks":
        blocks = (th.Property(block["uid"], _object(block["schema"])) for block in field["blocks"])
        kind = th.ObjectType(*blocks, additional_properties=True)
    elif field["data_type"] == "group":
        kind = _object(field["schema"])
    else:
        kind = SIMPLE[field["data_type"]]
    return th.ArrayType(kind) if field["multiple"] else kind


def _object(fields: list[Json]) -> th.ObjectType:
    return th.ObjectType(*properties(fields), additional_properties=True)


class EntryStream(RESTStream[str]):
    """The published entries of one content type."""

    path = "/v3/stacks/sync"
    primary_keys = ("uid",)
    records_jsonpath = "$.items[*]"
    next_page_token_jsonpath = "$.pagination_token"  # noqa: S105 - where a token is found

    def __init__(self, tap: Tap, content_type: Json) -> None:
        """Take the content type."""
        self._uid = content_type["uid"]
        schema = th.PropertiesList(*properties(content_type["schema"]), *SYSTEM_FIELDS).to_dict()
        super().__init__(tap, name=self._uid, schema=schema)

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["base_url"])

    @property
    @override
    def http_headers(self) -> dict[str, t.Any]:
        return {"api_key": self.config["api_key"], "access_token": self.config["access_token"]}

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, t.Any]:
        token = (
            {"pagination_token": next_page_token}
            if next_page_token
            else {"init": "true", "content_type_uid": self._uid}
        )
        return {**token, "environment": self.config["environment"]}

    @override
    def post_process(self, row: Json, context: Context | None = None) -> Json:
        return {**row["data"], "_sync_type": row["type"], "_sync_event_at": row["event_at"]}


class PlainTap(Tap):
    """The tap."""

    name = "plain-tap"
    config_jsonschema: t.ClassVar[Json] = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True),
        th.Property("api_key", th.StringType, required=True),
        th.Property("access_token", th.StringType, required=True, secret=True),
        th.Property("environment", th.StringType, required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[EntryStream]:
        url = f"{self.config['base_url']}/v3/content_types"
        answer = requests.get(url, params={"include_global_field_schema": "true"}, timeout=60)
        return [EntryStream(self, content_type) for content_type in answer.json()["content_types"]]


if __name__ == "__main__":
    PlainTap.cli()
