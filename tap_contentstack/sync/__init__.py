"""Keeps tables equal to what is published: initial passes, deltas, bookmarks."""
