"""What something may cost, on a machine of any load."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def processor_seconds(limit: float) -> Iterator[None]:
    """Fail if the block takes more processor time; what other programs take does not count."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < limit, f"{took:.2f} s of the processor"
