"""Publishing a version: `plan` what to build, `build` it in a folder, `save` it as a publication.

`formats/index` builds the documents. This package reads packages and the previous publication from
the database (`version_packages`, `patches`, `previous_index`), and saves shards (`shards`),
documents (`documents`) and times of indexing (`indexed_times`).
"""
