"""Follows the tokens of one pass through the sync endpoint: an initial pass or a delta."""

from __future__ import annotations

import typing as t

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_contentstack.api.page import PAGE_SIZE
from tap_contentstack.errors import TokenRefusedError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_contentstack.api.page import Page

Query: t.TypeAlias = "Mapping[str, str]"


EMPTY_PAGES = 50
"""Consecutive empty pages that are followed; a single one can occur anywhere (the vendor's CLI handles it, too)."""
REPEATED_PAGES = 50
"""Pages with the items of one that came before, over a pass; tiny pages may be alike (an item unpublished twice)."""
EXCESS_FACTOR = 2
EXCESS_PAGES = 2
"""A pass counts as endless once it has brought more than this many times the counted items, and these pages more."""


class SyncPaginator(BaseAPIPaginator[Query]):
    """Decides what to request next; its value is the token's part of the query.

    A pass begins with `init` (and its filters), a `sync_token` (a delta) or a `pagination_token` (resuming an initial
    pass), and continues while pages carry a pagination token. Neither an empty page nor a short one ends it: only
    the page with the sync token does. The filters given at `init` stay bound to the tokens and are not sent again
    (Contentstack docs: synchronization).

    No pass is endless: if its tokens or pages repeat, its pages stay empty, or it brings far more items than the API
    counts, it ends as if its token had been refused.
    """

    def __init__(self, start_value: Query, items_seen: int = 0) -> None:
        """Begin a pass with its first query, or resume one of which earlier runs have read some items."""
        super().__init__(start_value)
        self._items = items_seen  # each of several interrupted runs may be shorter than a cycle of tokens
        self._empty_pages = self._repeated_pages = 0
        # Brent's cycle detection remembers one page only: compare each with one that is kept for 1, 2, 4 …
        self._kept_token = start_value.get("pagination_token")
        self._kept_items: int | None = None
        self._steps, self._steps_to_keep = 0, 1

    @override
    def has_more(self, response: Page) -> bool:  # type: ignore[override]  # a page is decoded once, and stands for it
        return response.pagination_token is not None

    @override
    def get_next(self, response: Page) -> Query | None:  # type: ignore[override]
        token = response.pagination_token
        if token is None:
            return None
        if problem := self._dead_end(response, token):
            msg = f"the API's pages do not end: {problem}"
            raise TokenRefusedError(msg)
        return {"pagination_token": token}

    def _dead_end(self, page: Page, token: str) -> str | None:
        """Return why the pass would not end, if it would not."""
        if token in {self._kept_token, self.current_value.get("pagination_token")}:
            return "a page is followed by an earlier one"
        items = _fingerprint(page)
        self._repeated_pages += items is not None and items == self._kept_items
        if self._repeated_pages >= REPEATED_PAGES:
            return f"{self._repeated_pages} pages repeat others"
        self._steps += 1
        if self._steps == self._steps_to_keep:
            self._kept_token, self._kept_items = token, items
            self._steps, self._steps_to_keep = 0, self._steps_to_keep * 2
        self._items += len(page.items)
        self._empty_pages = 0 if page.items else self._empty_pages + 1
        if self._empty_pages >= EMPTY_PAGES:
            return f"{self._empty_pages} pages in a row are empty"
        total = page.total_count
        if total is not None and self._items > EXCESS_FACTOR * total + EXCESS_PAGES * PAGE_SIZE:
            return f"they hold {self._items} items, and the API counts {total}"
        return None

    def follow(self, page: Page) -> Page:
        """Take note of the page that the current value brought, and return it.

        Raises:
            TokenRefusedError: The page's token leads nowhere.
        """
        self.advance(page)  # type: ignore[arg-type]
        return page


def _fingerprint(page: Page) -> int | None:
    """Return a number that tells a page's items from others: it looks at the ends only, as pages are large."""
    if not page.items:
        return None
    ends = [(item.type, item.event_at, bytes(item.data)) for item in (page.items[0], page.items[-1])]
    return hash((len(page.items), *ends))
