"""Package files that are fetched from an upstream when a client asks for them.

`body` answers requests, `fetches` has one fetch for each file in a process, `leases` makes it one
for all processes, `transfer` reads from the upstream, and `spool` is the file in which the bytes
arrive. Bytes go out before the file is whole, and the last ones only when its digest is right.
"""
