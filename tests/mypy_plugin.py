"""The plugin by which mypy knows Django's models, with the settings that it loads Pulp with.

pulpcore's settings refuse to load without a key for secrets, and mypy stores none: each run makes
one up.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from mypy_django_plugin.main import plugin

__all__ = ["plugin"]

_key = Path(tempfile.mkdtemp(prefix="mypy-")) / "key"
_key.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
os.environ.setdefault("PULP_DB_ENCRYPTION_KEY", str(_key))
os.environ.setdefault("PULP_SECRET_KEY", "not used")
os.environ.setdefault("PULP_CONTENT_ORIGIN", "http://localhost")
