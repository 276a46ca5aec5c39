"""The arrays of the kernels: real numbers, in float64 unless a claim asks for float32, and where in memory they begin.

A vector register is filled in one go from memory that begins on a cache line, and in two from any other place: products
with a W that does not begin on one take up to a third longer. NumPy promises 16 bytes. What is large or read often is
made here; the kernels take any array and give the same bits for it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

Array = np.ndarray[Any, np.dtype[Any]]

LINE_BYTES = 64  # of a cache line, and of the widest vector register


def empty_aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return an array, not filled, that begins on a cache line."""
    kind = np.dtype(dtype)
    room = np.empty(math.prod(shape) * kind.itemsize + LINE_BYTES, dtype=np.uint8)
    address, _ = room.__array_interface__["data"]
    return np.ndarray(shape, kind, room, -address % LINE_BYTES)


def copy_aligned(array: Array) -> Array:
    """Return a C-contiguous copy that begins on a cache line."""
    copy = empty_aligned(array.shape, array.dtype)
    copy[...] = array
    return copy
