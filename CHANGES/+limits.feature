An upload's rights, name and declared size are judged from its head, before its body is read or stored, and some room on the
disk is kept free (`CONDA_DISK_RESERVE_BYTES`). JSON documents and multipart forms cost bounded time and memory.
