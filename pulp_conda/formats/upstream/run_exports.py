"""Run exports as upstreams state them, in records or in `run_exports.json` (CEP 12, 21)."""

from __future__ import annotations

from pulp_conda.formats.run_exports import RunExports


def stated_run_exports(value: object) -> RunExports | None:
    """Return the run exports that a value states, None if it states none that can be understood.

    Unknown run exports are safe: clients then read them from the package. Wrong ones are not. So a
    list or a text is weak run exports, as in packages, and everything else that is no map of lists
    of texts is unknown. Kinds without requirements are left out: not every server writes them.
    """
    if isinstance(value, str | list):
        value = {"weak": value}
    if not isinstance(value, dict):
        return None
    found: RunExports = {}
    for kind, specs in value.items():
        if kind == "schema_version" or specs is None:
            continue
        texts = [specs] if isinstance(specs, str) else specs
        if not isinstance(kind, str) or not isinstance(texts, list):
            return None
        if not all(isinstance(text, str) and "\0" not in text for text in (kind, *texts)):
            return None  # the database cannot store NUL in JSON
        if texts:
            found[kind] = texts
    return found
