"""Edits and switches over HTTP, for the demo and for people; JSON in and out.

`POST /_sandbox/<edit>` with the arguments of the method of `Stack` that has its name:
`publish_entry`, `unpublish_entry`, `delete_entry`, `publish_asset`, `unpublish_asset`,
`delete_asset`, `add_content_type`, `add_global_field`, `change_content_type`,
`delete_content_type`. For example:

    curl localhost:8900/_sandbox/unpublish_entry \
        -d '{"content_type_uid": "story", "uid": "blt…", "locale": "fr-fr"}'

- `GET /_sandbox/behaviour`; `POST` changes the switches given.
- `GET /_sandbox/faults`; `POST` adds a fault; `DELETE` takes all away.
- `GET /_sandbox/tuning`; `POST` sets `latency`, `rate_limit` or `page_size`.
- `POST /_sandbox/expire_tokens` with `{"kind": "sync" | "pagination"}` or `{}`.
- `GET /_sandbox/requests` counts the requests by path and status; `DELETE` forgets them.
- `GET /_sandbox/published` counts what is published by content type;
  `GET /_sandbox/published/<content type>` shows it (`sys_assets` for assets).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox.event import SYS_ASSETS
from sandbox.faults import Fault

if TYPE_CHECKING:
    from sandbox.service import Sandbox

PREFIX = "/_sandbox/"
EDITS = frozenset(
    {
        "publish_entry",
        "unpublish_entry",
        "delete_entry",
        "publish_asset",
        "unpublish_asset",
        "delete_asset",
        "add_content_type",
        "add_global_field",
        "change_content_type",
        "delete_content_type",
    }
)
TUNING = ("latency", "rate_limit", "page_size")


def administer(sandbox: Sandbox, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Carry out one request; return the status and the answer."""
    name, _, rest = path.removeprefix(PREFIX).partition("/")
    try:
        if method == "POST" and name in EDITS:
            return 200, _edit(sandbox, name, body)
        answer = getattr(_Switches(sandbox), f"{method.lower()}_{name}", None)
        if answer is None:
            return 404, {"error": f"no {method} {path}"}
        return 200, answer(rest) if method == "GET" else answer(body)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}


def _edit(sandbox: Sandbox, name: str, body: dict[str, Any]) -> dict[str, Any]:
    stack = sandbox.stack
    before = stack.position
    if name in {"add_content_type", "add_global_field"}:
        getattr(stack, name)(body)
    else:
        getattr(stack, name)(**body)
    return {"events": stack.position - before}


class _Switches:
    """Everything that is no edit, a method for each."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def get_behaviour(self, _: str) -> dict[str, Any]:
        return dataclasses.asdict(self.sandbox.behaviour)

    def post_behaviour(self, body: dict[str, Any]) -> dict[str, Any]:
        self.sandbox.behaviour = dataclasses.replace(self.sandbox.behaviour, **body)
        return self.get_behaviour("")

    def get_faults(self, _: str) -> list[dict[str, Any]]:
        shown = [field.name for field in dataclasses.fields(Fault) if field.init]
        listed = self.sandbox.faults.listed()
        return [{name: getattr(fault, name) for name in shown} for fault in listed]

    def post_faults(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self.sandbox.faults.add(Fault(**body))
        return self.get_faults("")

    def delete_faults(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        self.sandbox.faults.clear()
        return []

    def get_tuning(self, _: str) -> dict[str, Any]:
        return {name: getattr(self.sandbox, name) for name in TUNING}

    def post_tuning(self, body: dict[str, Any]) -> dict[str, Any]:
        if unknown := body.keys() - set(TUNING):
            raise KeyError(*unknown)
        for name, value in body.items():
            setattr(self.sandbox, name, value)
        return self.get_tuning("")

    def post_expire_tokens(self, body: dict[str, Any]) -> dict[str, Any]:
        self.sandbox.expire_tokens(**body)
        return {}

    def get_requests(self, _: str) -> dict[str, Any]:
        seen = list(self.sandbox.requests)
        return {
            "total": len(seen),
            "by_path": Counter(request.path for request in seen),
            "by_status": Counter(str(request.status) for request in seen),
        }

    def delete_requests(self, _: dict[str, Any]) -> dict[str, Any]:
        self.sandbox.requests.clear()
        return {}

    def get_published(self, content_type_uid: str) -> Any:
        stack = self.sandbox.stack
        if not content_type_uid:
            counts = Counter(event.content_type_uid for event in stack.shelf())
            return {uid: counts[uid] for uid in [*stack.content_types, SYS_ASSETS]}
        if content_type_uid == SYS_ASSETS:
            assets = self.sandbox.published_assets()
            return [{"uid": k[0], "locale": k[1], "data": v} for k, v in assets.items()]
        entries = self.sandbox.published_entries(content_type_uid)
        return [{"uid": k[1], "locale": k[2], "data": v} for k, v in entries.items()]
