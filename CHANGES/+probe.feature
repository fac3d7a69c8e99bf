Added `POST remotes/conda/conda/ID/probe/`: a task that says in seconds which documents an upstream channel has and how large they
are, whether its shards are true to their digests, whether the credentials are accepted, and what is at fault.
