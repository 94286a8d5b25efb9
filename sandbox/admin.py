"""Edits and switches over HTTP, for the demo and for people; JSON in and out.

`GET /_sandbox/` lists every request that is understood, with a curl line that works on this stack.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox.event import SYS_ASSETS
from sandbox.faults import Fault
from sandbox.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.service import Sandbox

PREFIX = "/_sandbox/"
EDITS = (
    "publish_entry",
    "unpublish_entry",
    "delete_entry",
    "publish_asset",
    "unpublish_asset",
    "delete_asset",
    "add_content_type",
    "change_content_type",
    "delete_content_type",
    "add_global_field",
    "delete_global_field",
    "add_taxonomy",
    "add_term",
    "delete_term",
    "delete_taxonomy",
    "delete_locale",
)
DEFINITIONS = {"add_content_type", "add_global_field"}
"""Edits whose only argument is the body itself."""
TUNING = ("latency", "rate_limit", "page_size", "cdn_seconds")
METHODS = ("GET", "POST", "DELETE")


def administer(sandbox: Sandbox, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Carry out one request; return the status and the response."""
    name, _, rest = path.removeprefix(PREFIX).partition("/")
    try:
        if method == "GET" and not name:
            return 200, overview(sandbox)
        if method == "POST" and name in EDITS:
            return 200, _edit(sandbox, name, body)
        answer = getattr(_Switches(sandbox), f"{method.lower()}_{name}", None)
        if answer is None:
            return 404, {"error": f"no {method} {path}; GET {PREFIX} lists what there is"}
        return 200, answer(rest) if method == "GET" else answer(body)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}


def overview(sandbox: Sandbox) -> list[dict[str, str]]:
    """List every request that is understood, what it does, and a curl line for it."""
    samples = _samples(sandbox.stack)
    requests: list[tuple[str, str, Any, Any]] = [
        ("POST", name, getattr(Stack, name), _sample_arguments(name, samples)) for name in EDITS
    ]
    for method in METHODS:
        prefix = f"{method.lower()}_"
        names = [name.removeprefix(prefix) for name in vars(_Switches) if name.startswith(prefix)]
        requests += [(method, name, getattr(_Switches, prefix + name), _SWITCH_SAMPLES.get(name)) for name in names]
    return [
        {
            "request": f"{method} {PREFIX}{name}",
            "does": (inspect.getdoc(does) or "").partition("\n")[0],
            "example": _curl(sandbox.url, method, name, body if method == "POST" else None),
        }
        for method, name, does, body in requests
    ]


def _curl(url: str, method: str, name: str, body: Any) -> str:
    words = ["curl", *(["-X", method] if method == "DELETE" else []), f"{url}{PREFIX}{name}"]
    return shlex.join(words if body is None else [*words, "-d", json.dumps(body, ensure_ascii=False)])


def _samples(stack: Stack) -> dict[str, Any]:
    """Return a value for each argument of an edit, from the stack where it has one."""
    entry = next((event for event in stack.live_events() if event.content_type_uid != SYS_ASSETS), None)
    asset = next(iter(stack.live_events(SYS_ASSETS)), None)
    term = next(stack.taxonomies.terms(), {"taxonomy_uid": "topics", "uid": "news"})
    return {
        "content_type_uid": entry.content_type_uid if entry else "story",
        "entry": entry.uid if entry else "blt1",
        "asset": asset.uid if asset else "blt2",
        "term": term["uid"],
        "global_field": next(iter(stack.global_fields), "seo"),
        "taxonomy_uid": term["taxonomy_uid"],
        "locale": stack.locales[-1],
        "data": {"title": "A new title"},
    }


def _sample_arguments(name: str, samples: dict[str, Any]) -> dict[str, Any]:
    """Return the needed arguments of an edit, `uid` being that of what the edit's name ends with."""
    if name in DEFINITIONS:
        return {"uid": "memo", "schema": [{"uid": "title", "data_type": "text"}]}
    kind = name.partition("_")[2]
    uid = samples[{"content_type": "content_type_uid", "taxonomy": "taxonomy_uid"}.get(kind, kind)] if kind else None
    parameters = list(inspect.signature(getattr(Stack, name)).parameters.values())[1:]
    needed = [each.name for each in parameters if each.default is inspect.Parameter.empty]
    return {each: uid if each == "uid" else samples[each] for each in needed}


def _edit(sandbox: Sandbox, name: str, body: dict[str, Any]) -> dict[str, Any]:
    stack = sandbox.stack
    before = stack.position
    if name in DEFINITIONS:
        getattr(stack, name)(body)
    else:
        getattr(stack, name)(**body)
    return {"events": stack.position - before}


_SWITCH_SAMPLES: dict[str, Any] = {
    "behaviour": {"order": "oldest_first", "page_tokens": "circle"},
    "faults": {"kind": "status", "status": 429, "limit_told": "retry_after", "times": None, "seconds": 30},
    "tuning": {"latency": 0.1, "rate_limit": 10},
    "expire_tokens": {"kind": "sync"},
}


class _Switches:
    """The requests that are no edits, a method for each."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def get_behaviour(self, _: str) -> dict[str, Any]:
        """Show how the sandbox answers where the API's documentation leaves it open."""
        return dataclasses.asdict(self.sandbox.behaviour)

    def post_behaviour(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change the given switches; passes under way keep theirs."""
        self.sandbox.behaviour = dataclasses.replace(self.sandbox.behaviour, **body)
        return self.get_behaviour("")

    def get_faults(self, _: str) -> list[dict[str, Any]]:
        """List the faults that may still strike."""
        shown = [field.name for field in dataclasses.fields(Fault) if field.init]
        listed = self.sandbox.faults.listed()
        return [{name: getattr(fault, name) for name in shown} for fault in listed]

    def post_faults(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Add a fault."""
        self.sandbox.faults.add(Fault(**body))
        return self.get_faults("")

    def delete_faults(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        """Remove all faults."""
        self.sandbox.faults.clear()
        return []

    def get_tuning(self, _: str) -> dict[str, Any]:
        """Show latency, rate limit, page size, and how long the CDN keeps responses."""
        return {name: getattr(self.sandbox, name) for name in TUNING}

    def post_tuning(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set `latency` (s), `rate_limit` (requests/s), `page_size` or `cdn_seconds`."""
        if unknown := body.keys() - set(TUNING):
            raise KeyError(*unknown)
        for name, value in body.items():
            setattr(self.sandbox, name, value)
        return self.get_tuning("")

    def post_expire_tokens(self, body: dict[str, Any]) -> dict[str, Any]:
        """Refuse all tokens issued so far, or those of one `kind`: sync, pagination."""
        self.sandbox.expire_tokens(**body)
        return {}

    def get_requests(self, _: str) -> dict[str, Any]:
        """Count the requests by path and status."""
        seen = list(self.sandbox.requests)
        return {
            "total": len(seen),
            "by_path": Counter(request.path for request in seen),
            "by_status": Counter(str(request.status) for request in seen),
        }

    def delete_requests(self, _: dict[str, Any]) -> dict[str, Any]:
        """Forget the requests."""
        self.sandbox.requests.clear()
        return {}

    def get_published(self, content_type_uid: str) -> Any:
        """Count what is published per content type; with a type's uid (`sys_assets`) after a slash, show it."""
        return dict(self._counts()) if not content_type_uid else self._shown(content_type_uid)

    def _counts(self) -> Iterator[tuple[str, int]]:
        counts = Counter(event.content_type_uid for event in self.sandbox.stack.live_events())
        for uid in (*self.sandbox.stack.content_types, SYS_ASSETS):
            yield uid, counts[uid]

    def _shown(self, content_type_uid: str) -> list[dict[str, Any]]:
        if content_type_uid == SYS_ASSETS:
            assets = self.sandbox.published_assets()
            return [{"uid": key[0], "locale": key[1], "data": data} for key, data in assets.items()]
        entries = self.sandbox.published_entries(content_type_uid)
        return [{"uid": key[1], "locale": key[2], "data": data} for key, data in entries.items()]
