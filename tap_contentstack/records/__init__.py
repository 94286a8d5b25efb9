"""From items of the feed to records and tombstones."""
