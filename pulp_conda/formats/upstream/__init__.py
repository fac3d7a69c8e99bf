"""What an upstream channel sends: its documents, shards and records, as they are.

Uploads are validated strictly. What another server lists has been in use for years, so here only
that is refused which this server cannot store or serve safely. Nothing that an upstream says is
trusted: its sizes, names, digests and URLs are bounded and checked. This package asks nobody for
anything; bytes come from its caller.
"""
