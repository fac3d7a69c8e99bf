"""Package archives, `.conda` and `.tar.bz2`, read as streams and fully validated (CEP 34, 35)."""

from .contents import PackageContents, Trait
from .inspection import inspect, sniff

__all__ = ["PackageContents", "Trait", "inspect", "sniff"]
