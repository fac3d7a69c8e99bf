"""Viewsets of the REST API."""
