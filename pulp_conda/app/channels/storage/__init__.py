"""Files in Pulp's storage, and when the disk has what a transaction wrote."""
