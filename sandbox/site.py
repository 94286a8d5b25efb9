"""The content types of the seeded site; together they use every kind of field."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

INSTRUCTION = "Don't use \"quotes\"; at most 100 % of a line\n{curly}, $dollar, 'single', in any script: 説明"
"""What editors are told about a field, in characters that trip programs which paste them into SQL."""


def field(uid: str, data_type: str, *, multiple: bool = False, **more: Any) -> Json:
    """Describe a field as the API does."""
    metadata = more.pop("metadata", {})
    return {
        "uid": uid,
        "data_type": data_type,
        "display_name": uid.replace("_", " ").capitalize(),
        "mandatory": False,
        "unique": False,
        "multiple": multiple,
        "non_localizable": False,
        "field_metadata": {"description": "", "instruction": INSTRUCTION, **metadata},
        **more,
    }


def title() -> Json:
    """Describe the title that every type has."""
    return field("title", "text", metadata={"_default": True, "version": 3}) | {
        "mandatory": True,
        "unique": True,
    }


def address() -> Json:
    """Describe the URL of a page type."""
    return field("url", "text", metadata={"_default": True, "version": 3})


def select(uid: str, *values: str | int, multiple: bool = False) -> Json:
    """Describe a select of texts or numbers."""
    choices = [{"key": f"Choice {value}", "value": value} for value in values]
    return field(
        uid,
        "number" if isinstance(values[0], int) else "text",
        multiple=multiple,
        display_type="checkbox" if multiple else "dropdown",
        enum={"advanced": True, "choices": choices},
    )


def reference(uid: str, *types: str, several: bool = False) -> Json:
    """Describe a reference whose values are objects."""
    metadata = {"ref_multiple": several, "ref_multiple_content_types": True}
    return field(uid, "reference", reference_to=list(types), metadata=metadata)


def rich_text(uid: str) -> Json:
    """Describe a JSON rich text that embeds entries and assets."""
    metadata = {"allow_json_rte": True, "embed_entry": True, "rich_text_type": "advanced"}
    return field(uid, "json", reference_to=["sys_assets", "author"], metadata=metadata)


def extension(uid: str, data_type: str) -> Json:
    """Describe a custom field."""
    return field(uid, data_type, extension_uid="blt00000000000000e1", config={}) | {
        "field_metadata": {"extension": True}
    }


def block(uid: str, *fields: Json) -> Json:
    """Describe a block of a modular blocks field."""
    return {"uid": uid, "title": uid.capitalize(), "schema": list(fields)}


SEO: Json = {
    "uid": "seo",
    "title": "SEO",
    "schema": [
        field("meta_title", "text"),
        field("meta_description", "text", metadata={"multiline": True}),
        field("share_image", "file"),
        field(
            "robots",
            "group",
            schema=[field("index", "boolean"), field("max_snippet", "number")],
        ),
    ],
}

AUTHOR: Json = {
    "uid": "author",
    "title": "Author",
    "schema": [
        title(),
        field("bio", "text", metadata={"markdown": True}),
        field("portrait", "file"),
        field("born", "isodate", metadata={"hide_time": True}),
        field("active", "boolean"),
        field("profiles", "link", multiple=True),
        extension("signature_colour", "text"),
    ],
}

TOPIC: Json = {
    "uid": "topic",
    "title": "Topic",
    "schema": [
        title(),
        field("summary", "text", metadata={"multiline": True}),
        field("rank", "number"),
        # An old schema: `reference_to` is a string, the values are bare uids.
        field("parent", "reference", reference_to="topic", metadata={"ref_multiple": False}),
        field("related", "reference", reference_to="topic", metadata={"ref_multiple": True}),
    ],
}

STORY: Json = {
    "uid": "story",
    "title": "Story",
    "options": {
        "is_page": True,
        "singleton": False,
        "title": "title",
        "sub_title": [],
        "url_pattern": "/:title",
        "url_prefix": "/stories/",
    },
    "schema": [
        title(),
        address(),
        field("lead", "text", metadata={"multiline": True}),
        field("teaser", "text", metadata={"allow_rich_text": True, "rich_text_type": "basic"}),
        rich_text("body"),
        reference("authors", "author", several=True),
        reference("about", "topic", "event", several=True),
        field("cover", "file"),
        field("gallery", "file", multiple=True),
        field("dated", "isodate"),
        field("reading_minutes", "number"),
        field("score", "number"),
        field("sponsored", "boolean"),
        select("mood", "calm", "loud", "odd"),
        field("keywords", "text", multiple=True),
        field("source", "link"),
        field("seo", "global_field", reference_to="seo"),
        field(
            "taxonomies",
            "taxonomy",
            multiple=True,
            taxonomies=[{"taxonomy_uid": "region", "max_terms": 5}, {"taxonomy_uid": "mood"}],
        ),
        extension("layout", "json"),
        field(
            "sections",
            "blocks",
            multiple=True,
            blocks=[
                block("paragraph", rich_text("content"), field("wide", "boolean")),
                block("picture", field("image", "file"), field("caption", "text")),
                block(
                    "teasers",
                    reference("stories", "story", several=True),
                    field(
                        "style",
                        "group",
                        schema=[field("columns", "number"), field("background", "file")],
                    ),
                ),
                {"uid": "snippet", "title": "Snippet", "reference_to": "seo"},
            ],
        ),
    ],
}

EVENT: Json = {
    "uid": "event",
    "title": "Event",
    "schema": [
        title(),
        field("starts", "isodate"),
        field("free_days", "isodate", multiple=True),
        field("price", "number"),
        field("seats", "number"),
        field("row_sizes", "number", multiple=True),
        select("levels", 1, 2, 3, multiple=True),
        reference("host", "author"),
        field(
            "venue",
            "group",
            schema=[
                field("name", "text"),
                field("map", "file"),
                field(
                    "address",
                    "group",
                    schema=[field("street", "text"), field("latitude", "number")],
                ),
            ],
        ),
        field(
            "sessions",
            "group",
            multiple=True,
            schema=[
                field("name", "text"),
                field("begins", "isodate"),
                reference("speakers", "author", several=True),
                field(
                    "breaks",
                    "group",
                    multiple=True,
                    schema=[field("label", "text"), field("minutes", "number")],
                ),
            ],
        ),
        field("notices", "global_field", reference_to="seo", multiple=True),
    ],
}

SETTINGS: Json = {
    "uid": "site_settings",
    "title": "Site settings",
    "options": {"is_page": False, "singleton": True, "title": "title", "sub_title": []},
    "schema": [
        title(),
        field("logo", "file"),
        field("menu", "link", multiple=True),
        extension("flags", "json"),
        reference("front_page", "story"),
    ],
}

CONTENT_TYPES = (AUTHOR, TOPIC, STORY, EVENT, SETTINGS)
GLOBAL_FIELDS = (SEO,)
