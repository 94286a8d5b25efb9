"""The life of a stack: what the tap writes in each of its phases, and what is published then."""

from __future__ import annotations

import copy
import json
import typing as t
from dataclasses import dataclass
from types import SimpleNamespace

from sandbox import Sandbox, Stack, seeded_stack
from tests.model.compare import published
from tests.tap_process import LIST_KEYS, Output, load, run_tap

if t.TYPE_CHECKING:
    from sandbox.event import Event
    from tests.model.world import World

Json: t.TypeAlias = dict[str, t.Any]
Key: t.TypeAlias = tuple[t.Any, ...]

LANGUAGES = ["en-us", "fr-fr"]
"""The changed scope; the stack has one more."""
TEXTS = ("line\nbreak", "", 'quote "', "back\\slash", "tab\t, comma", "Zoë ☃", "\\N", "null", "'", " space ", "a\r\nb")


@dataclass(frozen=True)
class Phase:
    """One run of the tap.

    Attributes:
        name: What happened before it.
        output: What the tap wrote.
        items: What is published, by stream and key.
        lists: The keys of the lists.
    """

    name: str
    output: Output
    items: dict[str, dict[Key, Event]]
    lists: dict[str, set[Key]]


def initial(stack: Stack) -> None:
    """Have names and texts that loaders were seen to stumble over."""
    stack.publish_asset("asset_acl", {"ACL": {"roles": [], "others": {"read": False}}}, stack.locales)
    for number, text in enumerate(TEXTS):
        stack.publish_entry("author", f"text{number}", {"title": f"Text {number}", "bio": text}, stack.locales)
    for (_, uid, locale), story in stack.published_entries("story").items():
        if isinstance(story.get("layout"), str):
            stack.publish_entry("story", uid, {**story, "layout": [2.5, {"dark": None}, *TEXTS]}, [locale])


def edits(stack: Stack) -> None:
    """Change what is there, and add to it."""
    for uid in uids(stack, "author")[:4]:
        stack.publish_entry("author", uid, {"title": "Changed", "bio": "two\nlines"}, stack.locales)
    stack.publish_entry("topic", "topic_new", {"title": "New"}, ["fr-fr"])
    stack.publish_asset("asset_new", {"title": "New"}, stack.locales)


def deletes(stack: Stack) -> None:
    """Unpublish and delete."""
    author, other, *_ = uids(stack, "author")
    stack.unpublish_entry("author", author, "en-us")
    stack.delete_entry("author", other)
    stack.delete_entry("story", uids(stack, "story")[0])
    stack.delete_asset("asset_new")


def new_column(stack: Stack) -> None:
    """Add a field, and use it."""
    schema = copy.deepcopy(stack.content_types["author"]["schema"])
    stack.change_content_type("author", schema=[*schema, {"uid": "nickname_2", "data_type": "text"}])
    stack.publish_entry("author", uids(stack, "author")[0], {"title": "Named", "nickname_2": "Zed"}, stack.locales)


def unseen(stack: Stack) -> None:
    """Delete what no token tells of any more."""
    stack.delete_entry("author", uids(stack, "author")[-1])
    for uid in uids(stack, "story")[:3]:
        stack.delete_entry("story", uid)


def nothing(_: Stack) -> None:
    """Leave the stack alone."""


def deleted_type(stack: Stack) -> None:
    """Delete a content type with its entries."""
    stack.delete_content_type("event")


class Step(t.NamedTuple):
    """What happens before a run, and how that one is configured.

    Attributes:
        name: Of the phase.
        edit: Changes the stack.
        settings: Of the tap, in this run alone.
        expires: Whether the tokens become invalid.
        forgets: Whether the run gets no state.
    """

    name: str
    edit: t.Callable[[Stack], None]
    settings: Json = {}  # noqa: RUF012 - never changed
    expires: bool = False
    forgets: bool = False


STEPS = (
    Step("initial", initial),
    Step("edits", edits),
    Step("deletes", deletes),
    Step("new column", new_column),
    Step("expired token", unseen, expires=True),
    Step("changed scope", nothing, {"locales": LANGUAGES}),
    Step("deleted type", deleted_type, {"locales": LANGUAGES}),
    Step("full refresh", unseen, {"locales": LANGUAGES}, forgets=True),
)
FIRST_SWEEP = "expired token"
"""From here on, rows are gone that no record tells of."""


def uids(stack: Stack, content_type_uid: str) -> list[str]:
    return list(dict.fromkeys(uid for _, uid, _ in stack.published_entries(content_type_uid)))


def play() -> list[Phase]:
    """Run the tap after each step; each run gets the state of the one before."""
    stack = seeded_stack(seed=19, entries=60)
    streams = {f"entries_{uid}" for uid in stack.content_types} | {"assets"}
    phases: list[Phase] = []
    with Sandbox(stack, page_size=20) as sandbox:
        world = t.cast("World", SimpleNamespace(stack=stack, sandbox=sandbox))
        for step in STEPS:
            step.edit(stack)
            if step.expires:
                sandbox.expire_tokens()
            state = phases[-1].output.state if phases and not step.forgets else None
            output = load(sandbox, state=state, **step.settings).check(history=True)
            items: dict[str, dict[Key, Event]] = {
                stream: {**published(world, step.settings, stream)} for stream in streams
            }
            lists = {
                name: {tuple(row[key] for key in LIST_KEYS[name]) for row in output.records(name)} for name in LIST_KEYS
            }
            phases.append(Phase(step.name, output, items, lists))
    return phases


# Small stacks, each loaded once


def with_a_bare_text(*deselected: str) -> Output:
    """Load a custom JSON field that holds an object in one entry and a text in the other.

    Args:
        deselected: Columns that are not loaded.
    """
    stack = Stack()
    stack.add_content_type({"uid": "page", "schema": [{"uid": "layout", "data_type": "json", "extension_uid": "blt1"}]})
    stack.publish_entry("page", "object", {"layout": {"grid": [1, 2.5]}})
    stack.publish_entry("page", "text", {"layout": "plain"})
    with Sandbox(stack) as sandbox:
        catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
        for metadata in (each for stream in catalog["streams"] for each in stream["metadata"]):
            if metadata["breadcrumb"][-1:] in [[column] for column in deselected]:
                metadata["metadata"]["selected"] = False
        return load(sandbox, catalog=catalog)


def of_environment(name: str) -> Output:
    """Load an environment that has one page, named after it."""
    stack = Stack(environments=(name,))
    stack.add_content_type({"uid": "page", "schema": []})
    stack.publish_entry("page", name, {})
    with Sandbox(stack) as sandbox:
        return load(sandbox)


def with_texts(number: int, **settings: t.Any) -> Output:
    """Load a content type with so many text fields, all of them filled in."""
    stack = Stack()
    fields = [f"text_{place}" for place in range(number)]
    stack.add_content_type({"uid": "page", "schema": [{"uid": uid, "data_type": "text"} for uid in fields]})
    stack.publish_entry("page", "page", dict.fromkeys(fields, "some words that fill the field of a page"))
    with Sandbox(stack) as sandbox:
        return load(sandbox, **settings)
