A first publication of a large channel takes about two thirds of the time. Index documents have a `.bz2` variant up to 64 KiB (`CONDA_BZ2_MAX_BYTES`, was 256 KiB), because uploads wait for it.
