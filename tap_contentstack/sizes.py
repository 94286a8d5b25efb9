"""Prints how many items an initial pass of each stream would bring: `python -m tap_contentstack.sizes [STREAM…]`.

For schedulers that spread the streams of a large stack over several processes. One request per stream, and one JSON
object as the result: stream name to number of items, null where the API does not tell. Settings come from the
environment, as with `--config=ENV`.
"""

from __future__ import annotations

import json
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor

from singer_sdk.exceptions import SingerSDKError

from tap_contentstack.singer.streams import FeedStream
from tap_contentstack.tap import TapContentstack

if t.TYPE_CHECKING:
    from collections.abc import Collection


def sizes(tap: TapContentstack, names: Collection[str] = ()) -> dict[str, int | None]:
    """Return the number of items of each stream that follows the feed, or of the named ones among them."""
    streams = [each for each in tap.streams.values() if isinstance(each, FeedStream)]
    wanted = [each for each in streams if not names or each.name in names]
    with ThreadPoolExecutor(tap.settings.max_concurrency) as pool:
        return dict(zip((each.name for each in wanted), pool.map(FeedStream.size, wanted), strict=True))


def main() -> None:
    """Print the sizes of the streams that the command line names, or of all."""
    try:
        found = sizes(TapContentstack(parse_env_config=True), sys.argv[1:])
    except SingerSDKError as error:
        sys.exit(str(error).partition("\n")[0])
    if unknown := sorted(set(sys.argv[1:]) - found.keys()):
        sys.exit(f"no stream of entries or assets is named {', '.join(unknown)}: see --discover")
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
