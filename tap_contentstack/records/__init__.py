"""Turns items of the feed into records and tombstones."""
