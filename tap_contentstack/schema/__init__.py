"""Turns content types into JSON schemas, and names streams and columns."""
