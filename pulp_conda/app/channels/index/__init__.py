"""How a version becomes an index: repodata, shards and the other documents."""
