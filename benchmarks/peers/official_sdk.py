"""One feed with the vendor's own SDK, as its documentation shows it.

Arguments: the server's URL, a content type.
"""

from __future__ import annotations

import importlib
import json
import sys

contentstack = importlib.import_module("contentstack")  # no dependency of the project


def main(url: str, content_type_uid: str) -> None:
    """Write every item's data."""
    stack = contentstack.Stack("bltbench", "csbench", "bench")
    stack.http_instance.endpoint = f"{url}/v3"  # a host of one's own would have to speak TLS
    page = stack.sync_init(content_type_uid=content_type_uid)
    while True:
        for item in page["items"]:
            sys.stdout.write(json.dumps(item["data"]) + "\n")
        if "pagination_token" not in page:
            return
        page = stack.pagination(page["pagination_token"])


if __name__ == "__main__":
    main(*sys.argv[1:])
