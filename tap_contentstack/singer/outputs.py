"""Chooses how a stream's records are written: as lines, through the SDK's maps and selection, or as batch files."""

from __future__ import annotations

import typing as t

from tap_contentstack.sdk import changes_nothing
from tap_contentstack.singer.batches import BatchOutput
from tap_contentstack.singer.lines import LineOutput
from tap_contentstack.singer.mapped import MappedOutput

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_contentstack.records.output import Output
    from tap_contentstack.sdk import SelfWritingStream
    from tap_contentstack.singer.guarded import GuardedMap


def output_of(stream: SelfWritingStream, maps: Sequence[GuardedMap], columns: Sequence[str], *, cut: bool) -> Output:
    """Return a new output for a stream: lines where nothing else is asked for, as they are by far the fastest.

    Args:
        stream: The stream.
        maps: Its maps.
        columns: The columns that go to the target.
        cut: Whether something within them is deselected.
    """
    writer, schema, mask = stream.message_writer, stream.effective_schema, stream.mask
    if batch_config := stream.get_batch_config(stream.config):
        return BatchOutput(writer, maps, schema, mask, tap=stream.tap_name, config=batch_config)
    if changes_nothing(stream.stream_maps, stream.name) and not cut:
        return LineOutput(writer, stream.name, columns)
    return MappedOutput(writer, maps, schema, mask)


def cuts_of(mask: SelectionMask, columns: Mapping[str, t.Any]) -> list[tuple[str, ...]]:
    """Return the keys that lead to what is deselected within columns, from the column on.

    As the SDK has it, a part of an object can be deselected, or of a value of any kind; not of a list.
    """
    paths = [path for path, selected in mask.items() if not selected and set(path[::2]) == {"properties"}]
    inner = [path[1::2] for path in paths if len(path) > len(("properties", "column")) and path[1] in columns]
    return [cut for cut in inner if not _leads_into_a_list(cut, columns)]


def _leads_into_a_list(cut: Sequence[str], properties: Mapping[str, t.Any]) -> bool:
    for key in cut[:-1]:
        schema = properties.get(key, {})
        if "items" in schema:
            return True
        properties = schema.get("properties", {})
    return False
