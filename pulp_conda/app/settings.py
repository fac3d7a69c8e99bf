"""Settings with their defaults; pulpcore loads this module into its own."""

DRF_ACCESS_POLICY = {
    "dynaconf_merge_unique": True,
    "reusable_conditions": [
        "pulp_conda.app.viewsets.access_conditions",
        "pulp_conda.app.registry.access_conditions",
    ],
}

REST_FRAMEWORK = {
    "dynaconf_merge": True,
    "DEFAULT_PARSER_CLASSES": [
        "pulp_conda.app.parsers.ShallowJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "EXCEPTION_HANDLER": "pulp_conda.app.odd_values.answer_odd_values",
}

PASSWORD_HASHERS = [
    "pulp_conda.app.authentication.hashing.BoundedHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
"""Django's own, of which the first one computes few hashes at once (Django's setting)."""

CONDA_DEFAULT_CHANNEL = "main"
"""The channel that is meant where a registry URL names none."""

CONDA_UPLOAD_TIMEOUT_SECONDS = 60
"""How long an upload or a removal waits for a busy channel before it is answered with 503.

Less where gunicorn's time-out would end the request before that.
"""

CONDA_MAX_PACKAGE_BYTES = 10 * 1024**3
CONDA_MAX_EXPANDED_BYTES = 64 * 1024**3
CONDA_MAX_EXPANSION_RATIO = 1000
CONDA_MAX_PACKAGE_MEMBERS = 1_000_000
CONDA_MAX_VALIDATION_SECONDS = 240
"""Processor time for reading one package, beside a second for each 2 MiB of it."""

CONDA_OUTSIDE_LINKS = "refuse"
"""What becomes of packages with symbolic links that lead out of them: "refuse", or "accept" and
record as the package's trait `outside_links`."""

CONDA_DISK_RESERVE_BYTES = 1024**3
"""What uploads leave free on the disk of the working directory; they are answered with 507 then."""

CONDA_FILE_URL = "administrators"
"""Who may have the server fetch a package from a URL: "administrators", "everybody", "nobody"."""

CONDA_FILE_URL_NETWORKS: list[str] = []
"""Networks that are fetched from although their addresses are not public, as "10.1.0.0/16"."""

CONDA_BZ2_MAX_BYTES = 256 * 1024
"""The largest document that gets a variant compressed by bz2; 0 for none."""

CONDA_CHANNEL_CREATION = "owners"
"""Who creates a channel by uploading to it: "owners" of the namespace, or its "publishers"."""

CONDA_DEFAULT_VISIBILITY = "public"
"""Who may read what is created in a namespace for which nothing was chosen: "public" (everybody),
"internal" (every signed-in user) or "private" (those with a role)."""

CONDA_PASSWORD_MEMORY_SECONDS = 300
"""How long a process remembers that a password was right; 0 checks it with every request."""

CONDA_NAME_RETIREMENT_SECONDS = 7 * 24 * 3600
"""How long the file name of a removed package is closed to other bytes."""

CONDA_MAX_CHANNEL_PACKAGES = 0
CONDA_MAX_CHANNEL_BYTES = 0
CONDA_MAX_OWNER_BYTES = 0
"""What a channel, and all channels of an owner, may hold; 0 sets no limit."""

CONDA_TOKEN_MAX_SECONDS = 0
"""How long an access token lasts at most, from when it is made; 0 sets no limit."""

CONDA_MAX_USER_TOKENS = 100
"""How many access tokens a user may have at once; 0 sets no limit."""

CONDA_CI_TOKEN_SECONDS = 900
"""How long a token lasts that a CI job gets for its identity."""

DISTRIBUTED_PUBLICATION_RETENTION_PERIOD = 7 * 24 * 3600
"""How long what an index named stays reachable after another took its place (pulpcore's setting).

mamba uses an index for a day without asking whether there is a newer one, and CEP 16 wants old
shards to be there for a week. pulpcore's own default is three days.
"""
