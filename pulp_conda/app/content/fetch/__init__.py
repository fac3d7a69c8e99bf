"""Package files that are fetched from an upstream when a client asks for them.

`body` answers requests, `fetches` has one fetch for each file in a process, `leases` makes it one
for all processes, and `attempt` is one transfer (`channels/transfer`) from one upstream. Bytes go
out before the file is whole, and the last ones only when its digest is right.
"""
