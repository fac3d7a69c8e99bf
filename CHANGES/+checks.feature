A repository's `check_index` compares the published index with what the stored packages give, and mends it on request; `check_files` looks for every package's file and compares size and sha256.
