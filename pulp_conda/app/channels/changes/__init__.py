"""Changes of channels: the waiting uploads and removals of a channel become one new version."""
