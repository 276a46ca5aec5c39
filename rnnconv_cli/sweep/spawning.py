"""What processes that start in a block inherit. No array library is imported here: it would read it too early."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextlib.contextmanager
def thread_variables(count: int, names: tuple[str, ...] = THREAD_VARIABLES) -> Iterator[None]:
    """Give processes that start in the block so many threads: their libraries read these variables when imported."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
