"""One feed with `requests` and `orjson`: to dicts and back, one line a record.

Arguments: the server's URL, a content type.
"""

from __future__ import annotations

import importlib
import sys

import requests

orjson = importlib.import_module("orjson")  # no dependency of the project


def main(url: str, content_type_uid: str) -> None:
    """Write every item's data."""
    session = requests.Session()
    query = {"init": "true", "content_type_uid": content_type_uid}
    while True:
        response = session.get(f"{url}/v3/stacks/sync", params={**query, "environment": "bench"}, timeout=60)
        response.raise_for_status()
        page = orjson.loads(response.content)
        for item in page["items"]:
            sys.stdout.buffer.write(orjson.dumps(item["data"], option=orjson.OPT_APPEND_NEWLINE))
        if "pagination_token" not in page:
            return
        query = {"pagination_token": page["pagination_token"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
