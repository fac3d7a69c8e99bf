"""Files in Pulp's storage, room on disk, and the durability of transactions."""
