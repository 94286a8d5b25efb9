"""The delivery API: connections, requests, pages, content types."""
