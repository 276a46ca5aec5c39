"""How numba is told to compile: no error for a division by zero, no lock held, and code kept on disk.

No flag lets the compiler assume finite values: it would take every check for divergence out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import overload, register_jitable

Function = TypeVar("Function", bound=Callable[..., Any])

# What a kernel calls is compiled with the kernel's own options: numba compiles it anew for a caller of other ones.
SHARED = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": False}

kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)  # called from Python
piece = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, inline="always")  # compiled in place


def part(function: Function) -> Function:
    """Let compiled code call the function: it is compiled once for its types, whatever constants are passed."""
    return register_jitable(**SHARED)(function)


def replaces(function: Callable[..., Any]) -> Callable[[Function], Function]:
    """Compile the decorated function's result wherever compiled code calls `function`."""
    return overload(function, jit_options=SHARED)
