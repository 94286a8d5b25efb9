"""From content types to JSON schemas, and the names of streams and columns."""
