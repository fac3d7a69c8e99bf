"""Makes or updates a virtual environment with this checkout, and prints the path of its Python.

It does nothing if nothing has changed. Progress goes to standard error. It uses only the standard
library, because it runs before anything is installed.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

_CHECKOUT = Path(__file__).resolve().parent.parent
_PACKAGED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in", "pulp_conda")
_STAMP = "pulp_conda-installed.json"
_LOCK = ".lock"


def main() -> None:
    """Bring the environment up to date for the extras that the argument names."""
    extras = set(sys.argv[1].split(","))
    venv = _place()
    if not _is_current(venv, extras):
        try:
            venv.mkdir(parents=True, exist_ok=True)
            with (venv / _LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # two commands may start at the same time
                if not _is_current(venv, extras):
                    _install(venv, extras)
        except OSError as error:
            _fail(f"cannot write to {venv}: {error.strerror}; name a folder by PULP_CONDA_VENV")
    print(venv / "bin" / "python")


def _place() -> Path:
    if named := os.environ.get("PULP_CONDA_VENV"):
        return Path(named).expanduser().absolute()
    inside = _CHECKOUT / ".venv"
    if os.access(inside if inside.exists() else _CHECKOUT, os.W_OK) or _is_current(inside, set()):
        return inside
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "pulp_conda" / hashlib.sha256(os.fsencode(_CHECKOUT)).hexdigest()[:12]


def _is_current(venv: Path, extras: set[str]) -> bool:
    try:
        stamp = json.loads((venv / _STAMP).read_text())
    except (OSError, ValueError):
        return False
    return (
        stamp.get("checkout") == str(_CHECKOUT)
        and stamp.get("metadata") == _metadata()
        and (stamp.get("editable") or stamp.get("sources") == _sources())
        and extras <= set(stamp.get("extras", ()))
        and os.access(venv / "bin" / "python", os.X_OK)
    )


def _installed(stamp: Path) -> set[str]:
    try:
        return set(json.loads(stamp.read_text())["extras"])
    except (OSError, ValueError, KeyError):
        return set()


def _metadata() -> str:
    return hashlib.sha256((_CHECKOUT / "pyproject.toml").read_bytes()).hexdigest()


def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted((_CHECKOUT / "pulp_conda").rglob("*.*")):
        if path.suffix != ".pyc":
            digest.update(os.fsencode(path) + path.read_bytes())
    return digest.hexdigest()


def _install(venv: Path, extras: set[str]) -> None:
    _say(f"installing into {venv}")
    stamp = venv / _STAMP
    # Keep the extras that another command installed.
    extras = extras | _installed(stamp)
    stamp.unlink(missing_ok=True)
    if not _has_pip(venv):
        _make(venv)
    if not _pip_install(venv, extras):
        # PostgreSQL has no wheel for some platforms; the system's PostgreSQL is used there.
        if "server" not in extras or not _system_has_postgresql():
            _fail("pip could not install the project; its message is above")
        _say("trying again with the system's PostgreSQL")
        if not _pip_install(venv, extras - {"server"}):
            _fail("pip could not install the project; its message is above")
    state = {
        "checkout": str(_CHECKOUT),
        "metadata": _metadata(),
        "sources": _sources(),
        "editable": os.access(_CHECKOUT, os.W_OK),
        "extras": sorted(extras),
    }
    stamp.write_text(json.dumps(state))


def _has_pip(venv: Path) -> bool:
    python = venv / "bin" / "python"
    return os.access(python, os.X_OK) and _succeeds([python, "-m", "pip", "--version"], quiet=True)


def _make(venv: Path) -> None:
    for path in venv.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
    if importlib.util.find_spec("ensurepip"):
        if not _succeeds([sys.executable, "-m", "venv", venv]):
            _fail(f"Python's module venv could not make {venv}; its message is above")
    elif importlib.util.find_spec("pip"):  # Debian without python3-venv, but with python3-pip
        python = str(venv / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "pip"]
        made = _succeeds([sys.executable, "-m", "venv", "--without-pip", venv])
        if not made or not _succeeds(pip):
            _fail(f"pip could not be installed into {venv}; its message is above")
    else:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        _fail(
            f"Python {version} at {sys.executable} has neither ensurepip nor pip, so nothing can "
            "be installed. On Debian or Ubuntu: apt-get install python3-venv"
        )


def _pip_install(venv: Path, extras: set[str]) -> bool:
    python: str | Path = venv / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = f"[{','.join(sorted(extras))}]" if extras else ""
    # An editable install follows changes at once, but writes into the checkout.
    if os.access(_CHECKOUT, os.W_OK):
        return _succeeds([*pip, "--editable", f"{_CHECKOUT}{wanted}"])
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(lambda name: (_CHECKOUT / name).exists(), _PACKAGED):
            if (_CHECKOUT / name).is_dir():
                shutil.copytree(_CHECKOUT / name, Path(folder, name))
            else:
                shutil.copy(_CHECKOUT / name, folder)
        # pip would keep the installed version, since changed sources have the same version.
        return _succeeds([*pip, f"{folder}{wanted}"]) and _succeeds(
            [*pip, "--force-reinstall", "--no-deps", folder]
        )


def _system_has_postgresql() -> bool:
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def _succeeds(command: Sequence[str | Path], *, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else sys.stderr
    return subprocess.run(command, check=False, stdout=output, stderr=output).returncode == 0  # noqa: S603


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str) -> NoReturn:
    _say(text)
    sys.exit(1)


if __name__ == "__main__":
    main()
