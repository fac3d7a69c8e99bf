Packages of schema version 3 (conditional dependencies, optional dependency groups, flags) can be uploaded.
