"""A bounded list of faults."""

from __future__ import annotations


class Faults:
    """Sentences about parts of a document that were left out. The first ones are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sentences: list[str] = []
        self._count = 0

    def add(self, sentence: str) -> None:
        """Count a fault, and keep its sentence if there is room."""
        self._count += 1
        if len(self._sentences) < self._most:
            self._sentences.append(sentence)

    def sentences(self) -> list[str]:
        """Return the sentences, and one with the number of those that were not kept."""
        more = self._count - len(self._sentences)
        return [*self._sentences, *([f"{more:,} more were left out"] if more else [])]
