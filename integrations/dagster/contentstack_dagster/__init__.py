"""Loads what a Contentstack stack has published as a graph of streams, on Dagster."""
