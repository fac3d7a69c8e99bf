"""The entry that older tools expect; all metadata is in pyproject.toml."""

from setuptools import setup

setup()
