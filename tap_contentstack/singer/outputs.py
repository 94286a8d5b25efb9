"""Which way a stream's records go out: as lines, through the SDK's maps and selection, or into batch files."""

from __future__ import annotations

import typing as t

from tap_contentstack.sdk import changes_nothing
from tap_contentstack.singer.batches import BatchOutput
from tap_contentstack.singer.lines import LineOutput
from tap_contentstack.singer.mapped import MappedOutput

if t.TYPE_CHECKING:
    from collections.abc import Sequence

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
