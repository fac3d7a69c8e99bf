"""What happens to a channel: a package is ingested, committed to a version and published.

`registry`, `viewsets` and `tasks` call these alike; nothing here knows how a package came in.
"""
