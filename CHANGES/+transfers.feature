Pulp's exports, imports and replication of channels would lose parts of them, and are refused with the reason.
