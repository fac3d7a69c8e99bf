"""Look-ups of the packages of channels, for web pages, lists and APIs."""
