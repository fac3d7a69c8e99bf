A task deletes old versions beyond `retain_repo_versions`, and shards that no index needs any more, after uploads, once a day and on request.
