"""Names streams and columns so that no target merges, truncates or refuses the names."""

from __future__ import annotations

import hashlib
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 63
"""Bytes of an identifier in Postgres: a longer table name fails at once, longer column names become duplicates."""
HASH_DIGITS = 8
COMBINED_STREAM = "entries"
"""The one stream of all entries."""
ENTRIES_PREFIX = "entries_"
"""Prefix of the streams of single content types."""
TARGET_PREFIX = "_sdc_"
"""Columns with this prefix belong to targets."""
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Postgres has these columns in every table, and refuses others with the same name."""

_SAFE_UID = re.compile(r"[a-z0-9_]+").fullmatch
_UNSAFE_CHARACTER = re.compile(r"[^a-z0-9_]")


def stream_name(content_type_uid: str) -> str:
    """Return the name of a content type's stream, which depends only on its uid.

    Targets split names at `-`, lower-case them and truncate them at 63 bytes. A uid that they would change gets a
    sanitized name with a hash, which they leave unchanged and which no other uid gets.
    """
    name = f"{ENTRIES_PREFIX}{content_type_uid}"
    if _SAFE_UID(content_type_uid) and len(name) <= MAX_BYTES:
        return name
    return _hashed(f"{ENTRIES_PREFIX}{_UNSAFE_CHARACTER.sub('_', content_type_uid.lower())}", content_type_uid)


def column_names(field_uids: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Return the column of each field: the field's uid, unless a target would merge or refuse it.

    The names do not depend on the order of the fields. If fields differ only in case, the one in lower case keeps its
    name, else the one that sorts first.

    Args:
        field_uids: The fields.
        reserved: Columns that exist already.
    """
    taken = {name.casefold() for name in reserved}
    names: dict[str, str] = {}
    uids = sorted(set(field_uids), key=lambda uid: (uid != uid.casefold(), uid))
    for uid in uids:
        if _storable(uid) and uid.casefold() not in taken:
            names[uid] = uid
            taken.add(uid.casefold())
    for uid in uids:
        if uid not in names:
            names[uid] = _free_name(uid, taken)
            taken.add(names[uid].casefold())
    return names


def _storable(uid: str) -> bool:
    """Return whether targets accept a name unchanged."""
    encoded = uid.encode(errors="replace")
    fits = 0 < len(encoded) <= MAX_BYTES and not uid.casefold().startswith(TARGET_PREFIX)
    return fits and _text(uid) == uid and '"' not in uid and uid.casefold() not in SYSTEM_COLUMNS


def _free_name(uid: str, taken: set[str]) -> str:
    name = _hashed(uid, uid)
    while name.casefold() in taken:
        name = _hashed(uid, name)
    return name


def _hashed(name: str, uid: str) -> str:
    """Return a name truncated to fit, and made unique by the hash of a uid."""
    digest = hashlib.sha256(uid.encode(errors="surrogatepass")).hexdigest()[:HASH_DIGITS]
    head = _text(name).encode()[: MAX_BYTES - HASH_DIGITS - 1].decode(errors="ignore")
    if head.casefold().startswith(TARGET_PREFIX):
        head = head.removeprefix("_")
    return f"{head}_{digest}"


def _text(name: str) -> str:
    """Return a name without characters that no target can store."""
    return name.replace("\0", "").encode(errors="ignore").decode()
