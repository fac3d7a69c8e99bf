"""The one-command server."""
