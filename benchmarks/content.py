"""The content that the benchmarks load: content types with nested fields, and pages of a sync feed rendered ahead."""

from __future__ import annotations

import json
import random
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGE_SIZE = 100
ENVIRONMENT = "blt0000000000000001"
LOCALE = "en-us"
CREATED_AT = "2023-01-01T00:00:00.000Z"
MINUTES = 24 * 60

# Holes in a rendered page, filled for each request: what differs between a feed's pages.
_PAGE = "########"
_CLOCK = "@@:@@"
_HOLES = re.compile(b"(%b|%b)" % (_PAGE.encode(), _CLOCK.encode()))

_TEXT = (
    "the delivery of published content to a warehouse is a matter of many small steps and each of them may be repeated "
    "without harm when the order in which they arrive does not decide what is kept at the end of a day"
)
_WORDS = _TEXT.split()


def _whole_asset(uid: str) -> dict[str, t.Any]:
    return {
        "uid": uid,
        "_version": 1,
        "title": "cover",
        "filename": "cover.png",
        "content_type": "image/png",
        "file_size": "48213",
        "url": "https://images.example.org/cover.png",
        "tags": [],
    }


ODDITIES: Mapping[str, Callable[[dict[str, t.Any]], dict[str, t.Any]]] = {
    "a date without time": lambda _: {"released_on": "2024-03-18"},
    "a date with an offset": lambda _: {"released_on": "2024-03-18T09:30:00+02:00"},
    "an unknown key at the top and one nested": lambda entry: {"lost": "text", "seo": {**entry["seo"], "lost": 5}},
    "a file as a whole object": lambda entry: {"cover": _whole_asset(entry["cover"])},
    "a number as text": lambda entry: {"price": str(entry["price"])},
    "text in a JSON rich text field": lambda entry: {"body": f"<p>{entry['summary']}</p>"},
}
"""Why entries of real stacks do not fit their content type: what each changes in an entry."""


def content_type(uid: str) -> dict[str, t.Any]:
    """Return a content type, as the delivery API lists it: groups in groups, modular blocks, rich text, links."""
    return {
        "uid": uid,
        "title": uid.replace("_", " ").title(),
        "description": "",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "_version": 1,
        "schema": _fields(),
        "options": {"is_page": True, "singleton": False, "title": "title", "url_pattern": "/:title", "url_prefix": "/"},
        "inbuilt_class": False,
        "maintain_revisions": True,
    }


def _fields() -> list[dict[str, t.Any]]:
    seo = [_field("meta_title", "text"), _field("meta_description", "text"), _field("image", "file")]
    author = [
        _field("name", "text"),
        _field("role", "text"),
        _group("contact", [_field("email", "text"), _field("website", "link"), _field("active", "boolean")]),
    ]
    return [
        _field("title", "text", mandatory=True, unique=True),
        _field("url", "text"),
        _field("summary", "text", field_metadata={"multiline": True}),
        _field("price", "number"),
        _field("stock", "number"),
        _field("featured", "boolean"),
        _field("released_on", "isodate"),
        _field("category", "text", enum={"advanced": False, "choices": [{"value": "books"}, {"value": "music"}]}),
        _field("keywords", "text", multiple=True),
        _field("cover", "file"),
        _field("more", "link"),
        _field("body", "json", field_metadata={"allow_json_rte": True}),
        _field(
            "related",
            "reference",
            reference_to=["type_00", "type_01"],
            field_metadata={"ref_multiple_content_types": True},
        ),
        _group("seo", seo),
        _group("author", author),
        _group(
            "figures", [_field("caption", "text"), _field("asset", "file"), _field("width", "number")], multiple=True
        ),
        _field(
            "sections",
            "blocks",
            multiple=True,
            blocks=[
                {"uid": "quote", "title": "Quote", "schema": [_field("text", "text"), _field("source", "text")]},
                {"uid": "banner", "title": "Banner", "schema": [_field("headline", "text"), _group("seo", seo)]},
            ],
        ),
    ]


def _field(uid: str, data_type: str, **more: t.Any) -> dict[str, t.Any]:
    name = uid.replace("_", " ").title()
    return {
        "uid": uid,
        "data_type": data_type,
        "display_name": name,
        "mandatory": False,
        "unique": False,
        "multiple": False,
        "non_localizable": False,
        "field_metadata": {},
        **more,
    }


def _group(uid: str, schema: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
    return _field(uid, "group", schema=schema, **more)


class Pages:
    """Renders the pages of one content type's feed; all are alike but for uids and times."""

    def __init__(
        self, uid: str, number: int, *, oddity: str = "", odd_share: float = 1.0, locales: Sequence[str] = (LOCALE,)
    ) -> None:
        """Prepare pages of published entries, and of a delta of mixed events.

        Args:
            uid: The content type.
            number: Its number, which goes into the entries' uids.
            oddity: Why entries do not fit the content type, if some do not: a key of `ODDITIES`.
            odd_share: The share of entries that have it.
            locales: What the entries are published to, in turn.
        """
        chance = random.Random(f"{uid} {number}")
        entries = [_published(uid, _entry(chance, number, place)) for place in range(PAGE_SIZE)]
        for place, entry in enumerate(entries):
            data = entry["data"]
            data["locale"] = data["publish_details"]["locale"] = locales[place % len(locales)]
            if oddity and int((place + 1) * odd_share) > int(place * odd_share):
                data |= ODDITIES[oddity](data)
        self._initial = _render(entries)
        events = [_removed(entry) if place % 3 == 2 else entry for place, entry in enumerate(entries)]  # noqa: PLR2004
        self._mixed = _render(events)

    def initial(self, page: int) -> bytes:
        """Return the items of a page of an initial pass, as a JSON list."""
        return _fill(self._initial, page)

    def mixed(self, page: int) -> bytes:
        """Return the items of a page of a delta: two of three are published, the others are unpublished or deleted."""
        return _fill(self._mixed, page)


def _render(items: list[dict[str, t.Any]]) -> list[bytes]:
    return _HOLES.split(json.dumps(items, separators=(",", ":"), ensure_ascii=False).encode())


def _fill(template: list[bytes], page: int) -> bytes:
    clock = b"%02d:%02d" % divmod(MINUTES - 1 - page % MINUTES, 60)  # newest first, as the API has it
    values = {_PAGE.encode(): b"%08d" % page, _CLOCK.encode(): clock}
    return b"".join([values.get(part, part) for part in template])


def _published(content_type_uid: str, data: dict[str, t.Any]) -> dict[str, t.Any]:
    event_at = data["publish_details"]["time"]
    return {"type": "entry_published", "event_at": event_at, "content_type_uid": content_type_uid, "data": data}


def _removed(entry: dict[str, t.Any]) -> dict[str, t.Any]:
    uid = entry["data"]["uid"]
    event = "entry_deleted" if int(uid[-2:]) % 2 else "entry_unpublished"
    return {**entry, "type": event, "data": {"uid": uid, "locale": LOCALE}}


def _entry(chance: random.Random, number: int, place: int) -> dict[str, t.Any]:
    def text(words: int) -> str:
        return " ".join(chance.choices(_WORDS, k=words))

    def uid() -> str:
        return f"blt{chance.randrange(16**16):016x}"

    second, millisecond = divmod(59_999 - place * 599, 1000)
    return {
        "uid": f"blt{number:03d}{_PAGE}{place:05d}",
        "_version": chance.randint(1, 9),
        "locale": LOCALE,
        "title": text(6),
        "url": "/" + "-".join(chance.choices(_WORDS, k=5)),
        "summary": text(30),
        "price": round(chance.uniform(1, 500), 2),
        "stock": chance.randint(0, 5000),
        "featured": chance.random() < 0.5,  # noqa: PLR2004
        "released_on": "2024-03-18T09:30:00.000Z",
        "category": chance.choice(["books", "music"]),
        "keywords": chance.choices(_WORDS, k=4),
        "cover": uid(),
        "more": {"title": text(3), "href": "https://www.example.org/more"},
        "body": _rich_text(text, uid()),
        "related": [{"uid": uid(), "_content_type_uid": "type_00"} for _ in range(2)],
        "seo": {"meta_title": text(5), "meta_description": text(12), "image": uid()},
        "author": {
            "name": text(2),
            "role": text(2),
            "contact": {
                "email": "author@example.org",
                "website": {"title": text(2), "href": "https://www.example.org"},
                "active": True,
            },
        },
        "figures": [{"caption": text(4), "asset": uid(), "width": 640} for _ in range(2)],
        "sections": [
            {"quote": {"text": text(18), "source": text(2), "_metadata": {"uid": "cs0123456789abcdef"}}},
            {"banner": {"headline": text(4), "seo": {"meta_title": text(3), "meta_description": "", "image": None}}},
        ],
        "tags": [],
        "created_at": "2023-05-02T08:00:00.000Z",
        "created_by": "blt00000000000000aa",
        "updated_at": "2024-02-11T10:20:30.000Z",
        "updated_by": "blt00000000000000ab",
        "publish_details": {
            "environment": ENVIRONMENT,
            "locale": LOCALE,
            "time": f"2024-05-01T{_CLOCK}:{second:02d}.{millisecond:03d}Z",
            "user": "blt00000000000000ac",
        },
    }


def _rich_text(text: t.Callable[[int], str], uid: str) -> dict[str, t.Any]:
    paragraphs = [
        {
            "type": "p",
            "uid": f"{uid[3:9]}{number}",
            "attrs": {},
            "children": [{"text": text(14)}, {"text": text(2), "bold": True}],
        }
        for number in range(2)
    ]
    return {"type": "doc", "uid": uid, "_version": 1, "attrs": {}, "children": paragraphs}
