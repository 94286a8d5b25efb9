"""The delivery endpoints beside the feed: content types, global fields, entries and assets."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.event import SYS_ASSETS
from sandbox.feed import read_limit
from sandbox.refusal import Refusal, invalid, unknown_content_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.event import Event
    from sandbox.stack import Json, Stack

MISSING_ENTRY = 141
MISSING_ASSET = 145


class Delivery:
    """Answers what is published, item by item."""

    def __init__(self, stack: Stack) -> None:
        """Answer for `stack`."""
        self.stack = stack

    def answer(self, path: str, params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        """Answer one request; `branch` is the one to tell.

        Raises:
            Refusal: There is no such thing.
        """
        with self.stack.lock:
            match path.removeprefix("/v3/").split("/"):
                case ["content_types"]:
                    return self.content_types(params, branch)
                case ["content_types", uid]:
                    return self.content_type(uid, params, branch)
                case ["content_types", uid, "entries"]:
                    return self.entries(uid, params)
                case ["content_types", content_type_uid, "entries", uid]:
                    return self.entry(content_type_uid, uid, params)
                case ["assets"]:
                    return self.assets(params)
                case ["assets", uid]:
                    return self.asset(uid, params)
                case ["global_fields"]:
                    return _listed("global_fields", list(self.stack.global_fields.values()), params)
                case ["global_fields", uid]:
                    return self.global_field(uid)
        raise Refusal(404, 404, "The requested URL was not found.")

    def content_types(self, params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        """List the content types."""
        types = self.stack.content_types.values()
        shown = [self._shown(content_type, params, branch) for content_type in types]
        return _listed("content_types", shown, params)

    def content_type(self, uid: str, params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        """Show one content type."""
        found = self.stack.content_types.get(uid)
        if found is None:
            raise unknown_content_type(uid)
        return {"content_type": self._shown(found, params, branch)}

    def global_field(self, uid: str) -> dict[str, Any]:
        """Show one global field."""
        found = self.stack.global_fields.get(uid)
        if found is None:
            message = f"The Global Field '{uid}' was not found. Please try again."
            raise Refusal(422, 118, message, "uid")
        return {"global_field": found}

    def entries(self, content_type_uid: str, params: Mapping[str, str]) -> dict[str, Any]:
        """List the entries of a type that are published in a locale."""
        content_type = self.stack.content_types.get(content_type_uid)
        if content_type is None:
            raise unknown_content_type(content_type_uid)

        def shown(event: Event) -> Json:
            whole = partial(self._asset, event.locales[0])
            entry = self._resolved(json.loads(event.data), content_type["schema"], whole)
            return entry | {"ACL": {}, "_in_progress": False}

        return self._items("entries", content_type_uid, params, shown)

    def entry(self, content_type_uid: str, uid: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Show one entry."""
        only = {**params, "query": json.dumps({"uid": uid})}
        entries = self.entries(content_type_uid, only)["entries"]
        if not entries:
            message = "The requested object doesn't exist."
            raise Refusal(422, MISSING_ENTRY, message, "uid")
        return {"entry": entries[0]}

    def assets(self, params: Mapping[str, str]) -> dict[str, Any]:
        """List the assets that are published in a locale."""
        return self._items("assets", SYS_ASSETS, params, lambda event: json.loads(event.data))

    def asset(self, uid: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Show one asset."""
        assets = self.assets({**params, "query": json.dumps({"uid": uid})})["assets"]
        if not assets:
            raise Refusal(404, MISSING_ASSET, "Asset was not found.", "uid")
        return {"asset": assets[0]}

    def _items(
        self,
        name: str,
        content_type_uid: str,
        params: Mapping[str, str],
        shown: Callable[[Event], Json],
    ) -> dict[str, Any]:
        locale = params.get("locale", self.stack.locales[0])
        uids = _wanted(params)
        if params.get("environment", self.stack.environment) != self.stack.environment:
            events: list[Event | None] = []
        elif uids is None:
            events = [e for e in self.stack.shelf(content_type_uid) if e.locales == (locale,)]
            events.reverse()
        else:
            events = [self.stack.find(content_type_uid, uid, locale) for uid in dict.fromkeys(uids)]
        found = [event for event in events if event is not None]
        answer = _listed(name, found, params)
        return answer | {name: [shown(event) for event in answer[name]]}

    def _shown(self, content_type: Json, params: Mapping[str, str], branch: str | None) -> Json:
        whole = params.get("include_global_field_schema") == "true"
        shown = {**content_type, "schema": self._expanded(content_type["schema"], whole=whole)}
        if params.get("include_branch") == "true" and branch is not None:
            shown["_branch"] = branch
        return shown

    def _expanded(self, fields: list[Json], *, whole: bool) -> list[Json]:
        """Return the fields with or without the schemas of global fields."""
        return [self._expanded_field(field, whole=whole) for field in fields]

    def _expanded_field(self, field: Json, *, whole: bool) -> Json:
        field = dict(field)
        self._expand(field, whole=whole)
        if "blocks" in field:
            field["blocks"] = [dict(block) for block in field["blocks"]]
            for block in field["blocks"]:
                self._expand(block, whole=whole)
        return field

    def _expand(self, holder: Json, *, whole: bool) -> None:
        """Put in, or take out, the schema of a group, a block or a global field."""
        source = holder.get("reference_to")
        is_global = holder.get("data_type") == "global_field" or ("data_type" not in holder and isinstance(source, str))
        if is_global and not whole:
            holder.pop("schema", None)
        elif is_global and source in self.stack.global_fields:
            holder["schema"] = self.stack.global_fields[source]["schema"]
        if "schema" in holder:
            holder["schema"] = self._expanded(holder["schema"], whole=whole)

    def _asset(self, locale: str, uid: str) -> Json | None:
        event = self.stack.find(SYS_ASSETS, uid, locale)
        return None if event is None else json.loads(event.data)

    def _resolved(self, data: Json, fields: list[Json], whole: Callable[[str], Json | None]) -> Json:
        """Return the data with whole assets in place of their uids."""
        data = dict(data)
        for field in fields:
            value = data.get(field["uid"])
            data |= {} if value is None else {field["uid"]: self._value(value, field, whole)}
        return data

    def _value(self, value: Any, field: Json, whole: Callable[[str], Json | None]) -> Any:
        if isinstance(value, list):
            resolved = [self._value(element, field, whole) for element in value]
            return [element for element in resolved if element is not None]
        if field.get("data_type") == "file" and isinstance(value, str):
            return whole(value)
        if not isinstance(value, dict):
            return value
        if field.get("data_type") == "blocks":
            schemas = {block["uid"]: self._schema(block) for block in field["blocks"]}
            return {
                uid: self._resolved(block, schemas.get(uid, []), whole) if isinstance(block, dict) else block
                for uid, block in value.items()
            }
        return self._resolved(value, self._schema(field), whole)

    def _schema(self, holder: Json) -> list[Json]:
        holder = dict(holder)
        self._expand(holder, whole=True)
        fields: list[Json] = holder.get("schema", [])
        return fields


def _wanted(params: Mapping[str, str]) -> list[str] | None:
    """Read the uids that `query` asks for: one, or those of an `$in`."""
    if "query" not in params:
        return None
    try:
        uid = json.loads(params["query"]).get("uid")
    except (ValueError, AttributeError):
        raise invalid("query") from None
    if isinstance(uid, dict) and isinstance(uid.get("$in"), list):
        return [str(one) for one in uid["$in"]]
    return [uid] if isinstance(uid, str) else None


def _listed(name: str, everything: list[Any], params: Mapping[str, str]) -> dict[str, Any]:
    """Cut one page out of a list, and count it if asked."""
    skip = params.get("skip", "0")
    if not skip.isdecimal():
        raise invalid("skip")
    start = int(skip)
    answer: dict[str, Any] = {name: everything[start : start + read_limit(params)]}
    if params.get("include_count") == "true":
        answer["count"] = len(everything)
    return answer
