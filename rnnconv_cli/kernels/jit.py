"""How numba is told to compile: no error for a division by zero, no lock held, and code kept on disk.

No flag lets the compiler assume finite values: it would take every check for divergence out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import overload

Function = TypeVar("Function", bound=Callable[..., Any])

kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
piece = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, inline="always")  # compiled in place


def replaces(function: Callable[..., Any]) -> Callable[[Function], Function]:
    """Compile the decorated function's result wherever compiled code calls `function`."""
    return overload(function, jit_options={"error_model": "numpy"})
