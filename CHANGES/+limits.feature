The rights, name and declared size of an upload are checked before its body is read or stored, and some room on the disk is
kept free (`CONDA_DISK_RESERVE_BYTES`). JSON documents and multipart forms take limited time and memory.
