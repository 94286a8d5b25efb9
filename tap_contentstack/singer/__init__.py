"""Streams, runs and messages, as the Singer SDK knows them."""
