"""The plugin by which mypy knows Django's models, with the settings that it loads Pulp with.

pulpcore's settings refuse to load without a key for secrets. mypy stores none, so each run makes
one up, in the folder of its cache: mypy ends without the clean-up of a temporary folder.
"""

import base64
import os
import secrets
from pathlib import Path

from mypy_django_plugin.main import plugin

__all__ = ["plugin"]

_key = Path(__file__).parents[1] / ".mypy_cache/database-key"
_key.parent.mkdir(exist_ok=True)
_key.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
os.environ.setdefault("PULP_DB_ENCRYPTION_KEY", str(_key))
os.environ.setdefault("PULP_SECRET_KEY", "not used")
os.environ.setdefault("PULP_CONTENT_ORIGIN", "http://localhost")
