"""One feed's pages, fetched and thrown away: round trips alone. Arguments: the server's URL, a content type."""

from __future__ import annotations

import http.client
import re
import sys
from urllib.parse import urlsplit

TOKEN = re.compile(rb'"(pagination_token|sync_token)":"([^"]*)"')


def main(url: str, content_type_uid: str) -> None:
    """Follow the tokens to the end, and ask for the delta once, as the tap does."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    query = f"init=true&content_type_uid={content_type_uid}"
    while True:
        asked_for_delta = query.startswith("sync_token")
        connection.request("GET", f"/v3/stacks/sync?{query}&environment=bench")
        found = TOKEN.search(connection.getresponse().read())
        if found is None or asked_for_delta:
            return
        query = f"{found[1].decode()}={found[2].decode()}"


if __name__ == "__main__":
    main(*sys.argv[1:])
