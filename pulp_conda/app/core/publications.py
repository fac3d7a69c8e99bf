"""The publications that a distribution served, each with the time until clients may use it."""

from pulpcore.app.models.publication import DistributedPublication

__all__ = ["DistributedPublication"]
