"""Finds and damages what the storage holds of a publication."""

from pathlib import Path

from django.conf import settings
from pulpcore.plugin.models import PublishedArtifact

from pulp_conda.app.models import CondaPackage, CondaPublication


def document(publication: CondaPublication, path: str) -> Path | None:
    """Return where a document of a publication is stored, None if it has no such document."""
    names = PublishedArtifact.objects.filter(publication=publication, relative_path=path)
    return _stored(names.values_list("content_artifact__artifact__file", flat=True).first())


def package_file(package: CondaPackage) -> Path:
    """Return where the file of a package is stored."""
    found = _stored(str(package._artifacts.get().file))
    assert found
    return found


def _stored(name: str | None) -> Path | None:
    return Path(settings.MEDIA_ROOT, name) if name else None


def remove(path: Path) -> None:
    """Lose a file."""
    path.unlink()


def spoil(path: Path) -> None:
    """Change the first byte of a file."""
    path.write_bytes(b"x" + path.read_bytes()[1:])


def cut(path: Path) -> None:
    """Lose the last byte of a file."""
    path.write_bytes(path.read_bytes()[:-1])
