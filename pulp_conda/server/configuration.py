"""The settings file of Pulp's processes."""

import os
import runpy
from pathlib import Path
from typing import Any

from .home import Home
from .options import VARIABLES, Options, ServerError

UPLOAD_SECONDS = 900
"""How long one request may take; gunicorn's default would kill an upload after 30 s."""

_LOCAL = "settings.local.py"

_SETTINGS = "settings.py"
_FIRST_LINE = (
    "# Written at every start. Put your own settings into settings.local.py beside this file."
)
_TEMPLATE = """\
{first_line}
{settings}
{own}"""


def operator_file(home: Home) -> Path | None:
    """Return the operator's settings file, if there is one.

    It is the file that `PULP_SETTINGS` names, or else `settings.local.py` in the home.
    """
    if named := os.environ.get("PULP_SETTINGS"):
        return Path(named)
    path = home.path / _LOCAL
    return path if path.exists() else None


def operator_settings(home: Home) -> tuple[Path | None, dict[str, Any]]:
    """Return the operator's settings file, if there is one, and the settings in it.

    Raises:
        ServerError: the file cannot be read or fails.
    """
    path = operator_file(home)
    if path is None:
        return None, {}
    try:
        return path, runpy.run_path(str(path))
    except Exception as error:
        raise ServerError(f"the settings file {path} fails: {error}") from error


def write_settings(
    home: Home, options: Options, origin: str, database: dict[str, Any] | None, own: Path | None
) -> Path:
    """Write the settings file and return its path; `database` is None if the operator names one.

    Raises:
        ServerError: a settings file exists that this server did not write.
    """
    _refuse_to_overwrite(home)
    settings: dict[str, Any] = {
        "SECRET_KEY": home.secret("secret-key"),
        "DB_ENCRYPTION_KEY": str(_database_key(home)),
        "CONTENT_ORIGIN": origin,
        "DEPLOY_ROOT": str(home.path),
        "MEDIA_ROOT": str(home.media),
        "STATIC_ROOT": str(home.path / "assets"),
        "WORKING_DIRECTORY": str(home.tmp),
        "FILE_UPLOAD_TEMP_DIR": str(home.tmp),
        "DOMAIN_ENABLED": options.domains,
        "ANALYTICS": False,
        # An API process only updates its heartbeat between requests, at the latest after half of
        # its time-out. The supervisor notices processes that die.
        "API_APP_TTL": 2 * UPLOAD_SECONDS,
    }
    if database:
        settings["DATABASES"] = {"default": database}
    lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    include = f"exec(compile(open({str(own)!r}).read(), {str(own)!r}, 'exec'))\n" if own else ""
    text = _TEMPLATE.format(first_line=_FIRST_LINE, settings=lines, own=include)
    return home.write(_SETTINGS, text)


def _refuse_to_overwrite(home: Home) -> None:
    found = home.read(_SETTINGS)
    if found is not None and not found.startswith(_FIRST_LINE):
        raise ServerError(
            f"{home.path / _SETTINGS} was not written by this server, which writes it at each "
            f"start: put your settings into {_LOCAL} beside it, and remove it"
        )


def _database_key(home: Home) -> Path:
    home.secret("database-key")
    return home.path / "database-key"


def environment(settings: Path, *, has_own_database: bool) -> dict[str, str]:
    """Return the environment variables of Pulp's processes.

    The server's own options are left out, because Pulp would read them as settings. With the
    embedded PostgreSQL, variables that would lead its clients to another one are left out too.
    """
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if name not in VARIABLES and (has_own_database or not name.startswith("PG"))
        },
        "PULP_SETTINGS": str(settings),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
        "PYTHONUNBUFFERED": "1",
    }
