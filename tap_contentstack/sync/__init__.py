"""What keeps a table equal to what is published: passes, deltas, bookmarks."""
