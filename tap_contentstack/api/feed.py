"""One stream's requests: the pages of a pass, what is still published, and counts."""

from __future__ import annotations

import json
import secrets
import typing as t
from functools import partial
from urllib.parse import quote

from tap_contentstack.api.page import PAGE_SIZE, decode_page
from tap_contentstack.api.paginator import SyncPaginator
from tap_contentstack.api.responses import count_or_none, decode_list
from tap_contentstack.errors import ApiError
from tap_contentstack.events import ASSETS, ENTRY_PUBLISHED

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_contentstack.api.client import Client
    from tap_contentstack.api.page import Page
    from tap_contentstack.api.paginator import Query

SYNC_PATH = "/v3/stacks/sync"


class Feed:
    """One stream's view of the delivery API."""

    def __init__(self, client: Client, *, purpose: str, filters: Query) -> None:
        """Set the client, the filters of an initial pass, and what it is for: the stream's name, for the log."""
        self._client = client
        self._purpose = purpose
        self._filters = filters

    def initial_pass(self) -> Iterator[Page]:
        """Yield the pages of everything that is published."""
        return self._pages({"init": "true", **self._filters})

    def resumed_pass(self, pagination_token: str, items_seen: int = 0) -> Iterator[Page]:
        """Yield the remaining pages of an initial pass; `items_seen` items were on the pages before the token."""
        return self._pages({"pagination_token": pagination_token}, items_seen)

    def delta(self, sync_token: str) -> Iterator[Page]:
        """Yield the pages of what happened since a sync token was given."""
        return self._pages({"sync_token": sync_token})

    def size(self) -> int | None:
        """Return how many items an initial pass would bring, if the API counts them."""
        return self._page({"init": "true", **self._filters}).total_count

    def has_items(self) -> bool:
        """Return whether an initial pass would bring any items."""
        page = self._page({"init": "true", **self._filters})
        return bool(page.items or page.total_count or page.pagination_token)

    def _pages(self, start: Query, items_seen: int = 0) -> Iterator[Page]:
        """Yield pages; the next one is requested while the caller works on the one before."""
        paginator = SyncPaginator(start, items_seen)
        while not paginator.finished:
            page = paginator.follow(self._page(paginator.current_value))
            self._client.time_limit.note_page()
            if not paginator.finished:
                self._client.prefetch(SYNC_PATH, paginator.current_value)
            yield page

    def _page(self, query: Query) -> Page:
        return self._client.get(SYNC_PATH, query, _decode, purpose=self._purpose)

    def still_published(self, content_type_uid: str, locale: str, uids: Iterable[str]) -> set[str]:
        """Return which of these items are published to a locale now.

        Args:
            content_type_uid: The entries' content type; `sys_assets` asks for assets.
            locale: The locale.
            uids: At most 100 items.
        """
        # The CDN keeps responses by URL, and the deletion of an asset does not purge them (Contentstack docs: cache
        # purging). A uid that nothing has makes the URL a new one.
        nobody = f"nobody_{secrets.token_hex(8)}"
        query = json.dumps({"uid": {"$in": [*uids, nobody]}}, separators=(",", ":"))
        answer, key = self._list(content_type_uid, {"locale": locale, "query": query, "limit": str(PAGE_SIZE)})
        return {item["uid"] for item in answer[key] if _published_to(item, locale)}

    def count(self, content_type_uid: str, locale: str) -> int:
        """Return how many items are published to a locale.

        Args:
            content_type_uid: The entries' content type; `sys_assets` asks for assets.
            locale: The locale.

        Raises:
            ApiError: The API refuses to say, or gives no number.
        """
        answer, _ = self._list(content_type_uid, {"locale": locale, "include_count": "true", "limit": "1"})
        count = count_or_none(answer.get("count"))
        if count is None:
            msg = f"its response for '{content_type_uid}' in '{locale}' has no count"
            raise ApiError(msg)
        return count

    def entry_count(self, locale: str) -> int | None:
        """Return how many entries, of whichever content type, are published to a locale, if the feed counts them."""
        return self._page({"init": "true", "type": ENTRY_PUBLISHED, "locale": locale}).total_count

    def _list(self, content_type_uid: str, params: Query) -> tuple[dict[str, t.Any], str]:
        """Return an answer of the delivery API's lists of entries or assets, and the key that its items are under."""
        are_assets = content_type_uid == ASSETS
        path = "/v3/assets" if are_assets else f"/v3/content_types/{quote(content_type_uid, safe='')}/entries"
        key = "assets" if are_assets else "entries"
        return self._client.get(path, params, partial(decode_list, key=key), purpose=self._purpose), key


def _decode(body: bytes) -> Page:
    page = decode_page(body)
    page.pagination_token = page.pagination_token or None
    # Only the last page's sync token covers the whole pass.
    page.sync_token = None if page.pagination_token else page.sync_token or None
    if page.pagination_token is None and page.sync_token is None:
        msg = "a page without a token"
        raise ValueError(msg)
    return page


def _published_to(item: dict[str, t.Any], locale: str) -> bool:
    """Tell a fallback's content, should the API give that, from an item that is published to the locale itself."""
    details = item.get("publish_details")
    return not isinstance(details, dict) or details.get("locale", locale) == locale
