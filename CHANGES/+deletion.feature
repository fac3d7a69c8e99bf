Files, versions and whole packages are deleted over the registry's URLs and Forgejo's generic package API, which also lists them; deletion can be undone by a rollback.
