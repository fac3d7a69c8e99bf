Pulp's exports, imports and replication of channels, of which parts would be missing, are refused with the reason.
