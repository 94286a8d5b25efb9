"""The delivery endpoints besides the feed: content types, global fields, taxonomies, entries and assets."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.behaviour import Behaviour
from sandbox.event import SYS_ASSETS
from sandbox.feed import read_limit
from sandbox.refusal import INVALID_PARAMETER, UNKNOWN_CONTENT_TYPE, Refusal, invalid, no_such_url, unknown_content_type

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

    def answer(
        self, path: str, params: Mapping[str, str], branch: str | None, behaviour: Behaviour | None = None
    ) -> dict[str, Any]:
        """Answer one request; `branch` is the one to tell.

        Raises:
            Refusal: There is no such thing.
        """
        behaviour = behaviour or Behaviour()
        locale = params.get("locale")
        with self.stack.lock:
            if locale and behaviour.unknown_locale == "refused" and not self.stack.has_locale(locale):
                raise invalid("locale")
            if behaviour.access == "lost":
                return self._without_access(path, params)
            kind, *rest = path.removeprefix("/v3/").split("/")
            match kind:
                case "content_types":
                    return self._of_content_types(rest, params, branch)
                case "assets":
                    return self.asset(rest[0], params) if rest else self.assets(params, behaviour)
                case "global_fields":
                    return self.global_field(rest[0], params, branch) if rest else self.global_fields(params, branch)
                case "taxonomies":
                    return self.taxonomy(rest, params, behaviour)
        raise no_such_url()

    def _without_access(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token that may read nothing: lists are empty, and nothing has a name."""
        match path.removeprefix("/v3/").split("/"):
            case [("content_types" | "global_fields" | "taxonomies" | "assets") as name]:
                return _listed(name, [], params)
            case ["content_types", uid, *_]:
                raise unknown_content_type(uid)
        raise no_such_url()

    def _of_content_types(self, path: list[str], params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        match path:
            case []:
                return self.content_types(params, branch)
            case [uid]:
                return self.content_type(uid, params, branch)
            case [uid, "entries"]:
                return self.entries(uid, params)
            case [content_type_uid, "entries", uid]:
                return self.entry(content_type_uid, uid, params)
        raise no_such_url()

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

    def global_fields(self, params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        """List the global fields, unused ones among them."""
        shown = [self._shown(each, params, branch) for each in self.stack.global_fields.values()]
        return _listed("global_fields", shown, params)

    def global_field(self, uid: str, params: Mapping[str, str], branch: str | None) -> dict[str, Any]:
        """Show one global field."""
        found = self.stack.global_fields.get(uid)
        if found is None:
            message = f"The Global Field '{uid}' was not found. Please try again."
            raise Refusal(422, UNKNOWN_CONTENT_TYPE, message, "uid")
        return {"global_field": self._shown(found, params, branch)}

    def taxonomy(self, path: list[str], params: Mapping[str, str], behaviour: Behaviour) -> dict[str, Any]:
        """Answer for the taxonomies, the terms of one, or a single one of either.

        Raises:
            Refusal: There is no such thing, or the stack does not publish taxonomies.
        """
        if behaviour.taxonomies == "off":
            raise Refusal(422, INVALID_PARAMETER, "Taxonomy publishing is not enabled for this stack.")
        taxonomies = self.stack.taxonomies
        match path:
            case []:
                return _listed("taxonomies", taxonomies.all(), params)
            case [uid]:
                return {"taxonomy": taxonomies.find(uid)}
            case [uid, "terms"]:
                return _listed("terms", taxonomies.terms_of(uid), params)
            case [uid, "terms", term_uid]:
                return {"term": taxonomies.find_term(uid, term_uid)}
        raise no_such_url()

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

    def assets(self, params: Mapping[str, str], behaviour: Behaviour | None = None) -> dict[str, Any]:
        """List the assets that are published in a locale."""
        answer = self._items("assets", SYS_ASSETS, params, lambda event: json.loads(event.data))
        if behaviour is not None and behaviour.asset_count == "lagging" and "count" in answer:
            answer["count"] += self.stack.log.unpurged_assets(params.get("locale", self.stack.locales[0]))
        return answer

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
            events = [e for e in self.stack.live_events(content_type_uid) if e.locales == (locale,)]
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
