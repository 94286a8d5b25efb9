"""Keeps tables equal to what is published: full loads, deltas, bookmarks."""
