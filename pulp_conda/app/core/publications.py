"""Which publications a distribution served, and until when clients may rely on them."""

from pulpcore.app.models.publication import DistributedPublication

__all__ = ["DistributedPublication"]
