"""A Singer tap for what a Contentstack stack has published."""
