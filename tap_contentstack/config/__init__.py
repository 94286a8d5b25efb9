"""What the user hands in: settings, files, environment variables."""
