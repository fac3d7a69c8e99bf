"""Uploads of packages and of repodata patches: receive, validate, save."""
