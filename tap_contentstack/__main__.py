"""`python -m tap_contentstack` is the command `tap-contentstack`."""

from tap_contentstack.cli import main

main()
