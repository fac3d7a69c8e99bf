"""The conda formats: pure Python, without Django, pulpcore or network."""
