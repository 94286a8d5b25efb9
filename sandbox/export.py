"""Loads a stack that the vendor's command-line tool exported: `python -m sandbox --export DIR`.

Exports come from the management API, where some things look different than in the feed: a file is a whole asset, and
`publish_details` lists every environment and locale. Here they become what the feed would send. The layouts of the
tool's older and newer versions are read, and most of an export may be missing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.export_files import CONTENT_TYPES, ExportError, ExportFiles, values_of
from sandbox.stack import Stack, uid_of

__all__ = ["Export", "ExportError", "load_export"]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sandbox.stack import Json

MASTER_LOCALE = "en-us"
ENVIRONMENT = "production"
FROM_THE_TOOL = ("stackHeaders", "urlPath", "publish_details")
"""What the tool adds to items, and what is written again here."""
FEED_DETAILS = ("environment", "locale", "time", "user")
"""What the feed tells of a publication."""


class Saved(NamedTuple):
    """An entry or asset as it is saved in the export."""

    uid: str
    locale: str
    data: Json


@dataclass
class Export:
    """A stack, and how it came about.

    Attributes:
        stack: What was loaded.
        counts: How many there are of each thing.
        left_out: How many entries and assets were left out, by the reason.
    """

    stack: Stack
    counts: dict[str, int]
    left_out: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Say what was loaded."""
        lines = [
            f"Loaded: {_listed(self.counts)}",
            f"Published to: environment {self.stack.environment}; locales {', '.join(self.stack.locales)}",
        ]
        return "\n".join([*lines, f"Left out: {_listed(self.left_out)}"] if self.left_out else lines)


def load_export(folder: Path, environment: str | None = None) -> Export:
    """Make a stack of an exported one.

    Args:
        folder: The export's folder, or one with the export in a folder of it.
        environment: Name or uid of the environment that is served; by default the one with the most publications.

    Raises:
        ExportError: There is no export, or it cannot be read.
    """
    return _Importer(ExportFiles(folder)).load(environment)


class _Importer:
    """Reads one export."""

    def __init__(self, files: ExportFiles) -> None:
        self.files = files
        self.content_types = self._definitions(CONTENT_TYPES)
        if not self.content_types:
            message = f"{files.root / CONTENT_TYPES} holds no content type"
            raise ExportError(message)
        self.global_fields = self._definitions("global_fields")
        self.master, self.locales = self._locales()
        self.entries = {uid: list(self._entries(uid)) for uid in self._types_with_entries()}
        self.assets = list(self._assets())
        self.taxonomies = self._taxonomies()
        self.left_out = files.left_out
        variants = files.count("entries/*/*/variants/*/*.json")
        self.left_out.update({"files of entry variants, which the feed does not bring": variants} if variants else {})

    # Reading

    def _definitions(self, folder: str) -> dict[str, Json]:
        """Return content types or global fields by uid: from a file of all, from a file each, or both."""
        found: dict[str, Json] = {}
        for _, content in self.files.read(f"{folder}/*.json"):
            for each in _definitions_of(content):
                found.setdefault(each["uid"], each)
        return found

    def _taxonomies(self) -> dict[str, tuple[Json, list[Json]]]:
        """Return the taxonomies by uid, each with its terms: from a file of all, and a file each with the terms."""
        found: dict[str, tuple[Json, list[Json]]] = {}
        for _, content in self.files.read("taxonomies/*.json"):
            whole = isinstance(content, dict) and isinstance(content.get("taxonomy"), dict)
            for each in [content["taxonomy"]] if whole else values_of(content):
                if isinstance(each, dict) and isinstance(each.get("uid"), str):
                    terms = [term for term in values_of(content.get("terms")) if "uid" in term] if whole else []
                    found[each["uid"]] = each, terms or found.get(each["uid"], (each, terms))[1]
        return found

    def _locales(self) -> tuple[str, list[str]]:
        """Return the master locale, and all: older exports leave the master out, but others fall back to it."""
        listed = [
            each
            for _, content in self.files.read("locales/*.json")
            for each in values_of(content)
            if isinstance(each, dict) and isinstance(each.get("code"), str)
        ]
        codes = [each["code"] for each in listed]
        roots = [each["code"] for each in listed if "fallback_locale" in each and not each["fallback_locale"]]
        fallbacks = [each["fallback_locale"] for each in listed if each.get("fallback_locale")]
        outside = [code for code in fallbacks if code not in codes]
        master = next(iter([*roots, *outside]), MASTER_LOCALE)
        return master, list(dict.fromkeys([master, *codes]))

    def _types_with_entries(self) -> list[str]:
        folder = self.files.root / "entries"
        return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []

    def _entries(self, content_type_uid: str) -> Iterator[Saved]:
        """Yield the entries of one type, from a file a locale or from a folder a locale with several files."""
        base = f"entries/{content_type_uid}"
        for path, content in self.files.read(f"{base}/*.json", f"{base}/*/*.json"):
            if content_type_uid == path.parent.name:
                name = path.stem
                fallback = max((code for code in self.locales if name.startswith(code)), key=len, default=name)
            else:
                fallback = path.parent.name
            for uid, data in _items(content):
                yield Saved(uid, str(data.get("locale") or fallback), data)

    def _assets(self) -> Iterator[Saved]:
        for _, content in self.files.read("assets/*assets*.json"):
            for uid, data in _items(content):
                if not data.get("is_dir"):
                    yield Saved(uid, self.master, data)

    # Loading

    def load(self, wanted: str | None) -> Export:
        """Fill a stack with what is published to an environment."""
        name, uid = self._environment(wanted)
        everything = [*self.assets, *(saved for each in self.entries.values() for saved in each)]
        published = {locale for saved in everything for locale, _ in self._publications(saved, uid)}
        locales = list(dict.fromkeys([*self.locales, *sorted(published)]))
        stack = Stack(locales=locales, environments=(name,))
        stack.environments[name] = uid
        for global_field in self.global_fields.values():
            stack.add_global_field(global_field)
        for content_type in self.content_types.values():
            stack.add_content_type(content_type)
        self._add_taxonomies(stack)
        self._publish_assets(stack, uid)
        for content_type_uid, entries in self.entries.items():
            if content_type_uid in self.content_types:
                self._publish_entries(stack, uid, content_type_uid, entries)
            else:
                self.left_out[f"entries of the missing type '{content_type_uid}'"] += len(entries)
        counts = {
            "content types": len(stack.content_types),
            "global fields": len(stack.global_fields),
            **({"taxonomies": len(self.taxonomies)} if self.taxonomies else {}),
            "assets": len(stack.published_assets()),
            "entries": len(stack.published_entries()),
        }
        return Export(stack, counts, self.left_out)

    def _environment(self, wanted: str | None) -> tuple[str, str]:
        """Return the environment's name and uid; exports tell its name only if environments were exported, too."""
        names = {
            each["uid"]: str(each["name"])
            for _, content in self.files.read("environments/*.json")
            for each in values_of(content)
            if isinstance(each, dict) and {"uid", "name"} <= each.keys()
        }
        everything = [*self.assets, *(saved for each in self.entries.values() for saved in each)]
        uses = Counter(
            details["environment"]
            for saved in everything
            for details in _details(saved.data)
            if "environment" in details
        )
        known = {uid: names.get(uid, uid) for uid in [*names, *uses]}
        if wanted is None:
            if not known:
                return ENVIRONMENT, uid_of("environment", ENVIRONMENT)
            uid = max(known, key=lambda each: uses[each])
            return known[uid], uid
        for uid, name in known.items():
            if wanted in {uid, name}:
                return name, uid
        message = f"environment '{wanted}' is not in the export (there are: {', '.join(known.values()) or 'none'})"
        raise ExportError(message)

    def _publications(self, saved: Saved, environment_uid: str) -> Iterator[tuple[str, Json]]:
        """Yield the locales that an item is published to, with the details of each; without any, it is its own."""
        if "publish_details" not in saved.data:
            yield saved.locale, {"environment": environment_uid, "locale": saved.locale}
        newest: dict[str, Json] = {}
        for details in _details(saved.data):
            locale = details.get("locale")
            if details.get("environment", environment_uid) != environment_uid or not isinstance(locale, str):
                continue
            if locale not in newest or str(details.get("time")) >= str(newest[locale].get("time")):
                newest[locale] = {key: details[key] for key in FEED_DETAILS if key in details}
        yield from newest.items()

    def _add_taxonomies(self, stack: Stack) -> None:
        for uid, (taxonomy, terms) in self.taxonomies.items():
            stack.add_taxonomy(uid, taxonomy.get("name"), taxonomy.get("description") or "")
            waiting, known = list(terms), {None}
            while ready := [term for term in waiting if term.get("parent_uid") in known]:
                for term in ready:
                    stack.add_term(uid, term["uid"], term.get("name"), term.get("parent_uid"))
                waiting = [term for term in waiting if term not in ready]
                known |= {term["uid"] for term in ready}
            self.left_out.update({"terms without their parent": len(waiting)} if waiting else {})

    def _publish_assets(self, stack: Stack, environment_uid: str) -> None:
        for saved in self.assets:
            data = {key: value for key, value in saved.data.items() if key not in {*FROM_THE_TOOL, "locale"}}
            publications = list(self._publications(saved, environment_uid))
            self.left_out.update({} if publications else {"assets that are not published": 1})
            for locale, details in publications:
                stack.publish_asset(saved.uid, {**data, "publish_details": details}, [locale])

    def _publish_entries(self, stack: Stack, environment_uid: str, uid: str, entries: Sequence[Saved]) -> None:
        """Publish the entries of a type; where an entry is localized, that wins over what falls back to another."""
        everything = [(saved, dict(self._publications(saved, environment_uid))) for saved in entries]
        localized = {(saved.uid, saved.locale) for saved, publications in everything if saved.locale in publications}
        for saved, publications in everything:
            self.left_out.update({} if publications else {"entries that are not published": 1})
            data = self._as_sent(saved.data, self.content_types[uid].get("schema"))
            data = {key: value for key, value in data.items() if key not in FROM_THE_TOOL}
            for locale, details in publications.items():
                if locale == saved.locale or (saved.uid, locale) not in localized:
                    entry = {**data, "publish_details": details}
                    stack.publish_entry(uid, saved.uid, entry, [locale], localized_in=saved.locale)

    # Values

    def _as_sent(self, data: Mapping[str, Any], fields: Any) -> Json:
        """Return the values of fields as the feed sends them: an asset's uid in place of the asset."""
        by_uid = {each.get("uid"): each for each in fields or () if isinstance(each, dict)}
        return {key: self._value(value, by_uid[key]) if key in by_uid else value for key, value in data.items()}

    def _value(self, value: Any, definition: Json) -> Any:
        if isinstance(value, list):
            return [self._value(each, definition) for each in value]
        if not isinstance(value, dict):
            return value
        if definition.get("data_type") == "file":
            return value.get("uid", value)
        if definition.get("data_type") == "blocks":
            blocks = {each.get("uid"): self._fields(each) for each in definition.get("blocks", ())}
            return {
                key: self._as_sent(each, blocks.get(key)) if isinstance(each, dict) else each
                for key, each in value.items()
            }
        return self._as_sent(value, self._fields(definition))

    def _fields(self, definition: Json) -> Any:
        """Return the fields of a group, a block or a global field, whose schema may stand elsewhere."""
        target = definition.get("reference_to")
        elsewhere = self.global_fields.get(target, {}) if isinstance(target, str) else {}
        return definition.get("schema") or elsewhere.get("schema")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _definitions_of(content: Any) -> Iterator[Json]:
    """Yield the content types or global fields of a file: a list, a map, or a single one."""
    single = isinstance(content, dict) and isinstance(content.get("schema"), list)
    for each in [content] if single else values_of(content):
        if isinstance(each, dict) and isinstance(each.get("uid"), str) and isinstance(each.get("schema"), list):
            yield each


def _items(content: Any) -> Iterator[tuple[str, Json]]:
    """Yield the items of a file by uid; an index of other files has none."""
    pairs = content.items() if isinstance(content, dict) else ((None, each) for each in values_of(content))
    for key, data in pairs:
        uid = data.get("uid", key) if isinstance(data, dict) else None
        if isinstance(uid, str):
            yield uid, data


def _details(data: Mapping[str, Any]) -> list[Json]:
    """Return where an item is published: a list in exports, one object in the feed."""
    details = data.get("publish_details")
    return [each for each in (details if isinstance(details, list) else [details]) if isinstance(each, dict)]
