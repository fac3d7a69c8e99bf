"""One package file comes from an upstream into the working directory, and is checked there.

`wanted` says what the record knows of the file, `transfer` reads it from the upstream, and `spool`
is the file in which it arrives.
"""
