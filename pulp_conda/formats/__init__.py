"""Conda's formats, in pure Python without Django, pulpcore or network."""
