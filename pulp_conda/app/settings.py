"""Settings of the plugin with their defaults; pulpcore adds them to its own."""

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
"""Django's setting. The first is Django's default hasher with a limit on hashes at a time."""

CONDA_DEFAULT_CHANNEL = "main"
"""The channel of a registry URL that names none."""

CONDA_UPLOAD_TIMEOUT_SECONDS = 60
"""How long an upload or a removal waits for a busy channel before it is answered with 503.

It waits for less if gunicorn's time-out would end the request earlier.
"""

CONDA_MAX_PACKAGE_BYTES = 10 * 1024**3
CONDA_MAX_EXPANDED_BYTES = 64 * 1024**3
CONDA_MAX_EXPANSION_RATIO = 1000
CONDA_MAX_PACKAGE_MEMBERS = 1_000_000
CONDA_MAX_VALIDATION_SECONDS = 240
"""Processor time for reading one package, in addition to one second for each 2 MiB of it."""

CONDA_OUTSIDE_LINKS = "refuse"
"""Whether to "refuse" packages with symbolic links that lead out of them, or to "accept" them and
record the trait `outside_links`."""

CONDA_DISK_RESERVE_BYTES = 1024**3
"""The free space that an upload must leave on the disk of the working directory; else 507."""

CONDA_FILE_URL = "administrators"
"""Who may let the server fetch a package from a URL: "administrators", "everybody", "nobody"."""

CONDA_FILE_URL_NETWORKS: list[str] = []
"""Networks with private addresses from which packages may be fetched, such as "10.1.0.0/16"."""

CONDA_UPSTREAM_ALLOWED_NETWORKS: list[str] = []
"""Networks that remotes may connect to although their addresses are not public ("10.1.0.0/16").

Remotes, their proxies and redirects reach no other loopback, private or link-local address.
"""

CONDA_BZ2_MAX_BYTES = 64 * 1024
"""The largest document that gets a variant compressed by bz2; 0 makes no variant."""

CONDA_PLAIN_MAX_BYTES = 4 * 1024**2
"""The largest index document that is stored as plain text; the text of larger ones is decompressed
while it is sent."""

CONDA_CHANNEL_CREATION = "owners"
"""Who may create a channel by uploading to it: "owners" of the namespace, or its "publishers"."""

CONDA_DEFAULT_VISIBILITY = "public"
"""Who may read new channels of an owner that has no default of its own: "public" (everybody),
"internal" (every signed-in user) or "private" (users with a role)."""

CONDA_PASSWORD_MEMORY_SECONDS = 300
"""How long a process remembers that a password was right; 0 checks it with every request."""

CONDA_NAME_RETIREMENT_SECONDS = 7 * 24 * 3600
"""How long the file name of a removed package cannot be used for a different file."""

CONDA_MAX_CHANNEL_PACKAGES = 0
CONDA_MAX_CHANNEL_BYTES = 0
CONDA_MAX_OWNER_BYTES = 0
"""The quotas of a channel, and of all channels of an owner together; 0 sets no limit."""

CONDA_TOKEN_MAX_SECONDS = 0
"""The maximum lifetime of an access token; 0 sets no limit."""

CONDA_MAX_USER_TOKENS = 100
"""How many access tokens a user may have at a time; 0 sets no limit."""

CONDA_CI_TOKEN_SECONDS = 900
"""The lifetime of the token that a CI job gets in exchange for its identity."""

DISTRIBUTED_PUBLICATION_RETENTION_PERIOD = 7 * 24 * 3600
"""How long the files and shards of an index can be fetched after a newer index replaced it
(pulpcore's setting).

mamba uses an index for a day before it asks for a newer one, and CEP 16 asks to keep old shards
for a week. pulpcore's own default is three days.
"""
