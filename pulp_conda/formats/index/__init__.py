"""A channel's index: every document beside its packages, made from the index before it."""
