"""One event of the stack's log: an edit as the feed reports it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.clock import iso

if TYPE_CHECKING:
    from sandbox.behaviour import Behaviour

SYS_ASSETS = "sys_assets"
CONTENT_TYPE_DELETED = "content_type_deleted"
PUBLISHED = frozenset({"entry_published", "asset_published"})
EVENT_TYPES = PUBLISHED | {
    "entry_unpublished",
    "asset_unpublished",
    "entry_deleted",
    "asset_deleted",
    CONTENT_TYPE_DELETED,
}
TIE_MILLISECONDS = 100
# Without the check for circles, which takes half of the time.
UTF_8 = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
ASCII = json.JSONEncoder(check_circular=False, separators=(",", ":"))


def encode(value: Any) -> bytes:
    """Write JSON as UTF-8, or in ASCII where a string holds what UTF-8 cannot."""
    try:
        return UTF_8.encode(value).encode()
    except UnicodeEncodeError:
        return ASCII.encode(value).encode()


@dataclass(slots=True, eq=False)
class Event:
    """An edit of one item, or the deletion of a content type.

    Attributes:
        type: Event type, as the feed names it.
        position: Its place in the log, from 1.
        at: Its time in milliseconds.
        edit: Number of the edit that made it; one edit may make several events.
        content_type_uid: Its content type, `sys_assets` for an asset.
        uid: Its item, empty for a content type.
        locales: The locales that it is about; the first is the one that it names.
        data: What was published, as JSON; kept in bytes so that a page is a join, and so that
            nobody's later change of a dict gets into the log.
        title: Title of the item, for the events that are about its end.
        implied: It only follows from the deletion of its content type.
        taken: The locales in which a deletion ended a publication.
    """

    type: str
    position: int
    at: int
    edit: int
    content_type_uid: str
    uid: str = ""
    locales: tuple[str, ...] = ()
    data: bytes = b"{}"
    title: str = ""
    implied: bool = False
    taken: tuple[str, ...] = ()

    @property
    def is_untimed(self) -> bool:
        """Whether it is one of those that have no time if not all have."""
        return self.position % 3 == 0

    def item(self, locale: str, behaviour: Behaviour) -> bytes:
        """Write it as an item of the feed that names `locale` (none if empty)."""
        at = self.at
        if behaviour.ties:
            at = -(-at // TIE_MILLISECONDS) * TIE_MILLISECONDS
        marker = f'"content_type_uid":"{self.content_type_uid}",'
        if self.type == "asset_unpublished" and not behaviour.asset_marker_on_unpublish:
            marker = ""
        time = "" if behaviour.untimed and self.is_untimed else f'"event_at":"{iso(at)}",'
        head = f'{{"type":"{self.type}",{time}{marker}"data":'
        return b"".join((head.encode(), self._data(locale, behaviour), b"}"))

    def _data(self, locale: str, behaviour: Behaviour) -> bytes:
        if self.type in PUBLISHED:
            return self.data if behaviour.publish_details == "present" else self.undetailed()
        if self.type == CONTENT_TYPE_DELETED:
            return b"{}"
        data = {"uid": self.uid}
        if locale:
            data["locale"] = locale
        if behaviour.title_on_unpublish and self.type.endswith("_unpublished"):
            data["title"] = self.title
        return encode(data)

    def undetailed(self) -> bytes:
        """Return the published data without publish details."""
        data = json.loads(self.data)
        data.pop("publish_details", None)
        return encode(data | {"locale": self.locales[0]})
