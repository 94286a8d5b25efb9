"""Following the tokens of one pass of the sync endpoint."""

from __future__ import annotations

import typing as t

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_contentstack.errors import TokenRefusedError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_contentstack.api.page import Page

Query: t.TypeAlias = "Mapping[str, str]"


class SyncPaginator(BaseAPIPaginator[Query]):
    """Knows what to ask for next; its value is the token's part of the query.

    A pass begins with `init` (and its filters), a `sync_token` (a delta) or a `pagination_token` (going on with an
    initial pass), and goes on while pages carry a pagination token. Neither an empty page nor a short one ends it: only
    the page with the sync token does. The filters given at `init` stay bound to the tokens and are not sent again
    (Contentstack docs: synchronization).
    """

    @override
    def has_more(self, response: Page) -> bool:  # type: ignore[override]  # a page is decoded once, and stands for it
        return response.pagination_token is not None

    @override
    def get_next(self, response: Page) -> Query | None:  # type: ignore[override]
        token = response.pagination_token
        if token is None:
            return None
        if token == self.current_value.get("pagination_token"):
            msg = "the API named a page as its own next page"
            raise TokenRefusedError(msg)
        return {"pagination_token": token}

    def follow(self, page: Page) -> Page:
        """Take note of the page that the current value brought, and return it.

        Raises:
            TokenRefusedError: The page's token leads nowhere.
        """
        self.advance(page)  # type: ignore[arg-type]
        return page
