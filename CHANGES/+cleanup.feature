Old versions beyond `retain_repo_versions` and shards that no index needs any more are deleted by a task, after uploads, once a day and on request.
