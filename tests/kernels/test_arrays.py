"""Where arrays begin in memory, and that what is drawn and descended does begin there."""

from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.kernels.arrays import LINE_BYTES, copy_aligned, empty_aligned

SHAPES = [(), (0,), (1,), (3, 5), (2, 0, 4), (1, 65, 67)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_empty_array_begins_on_a_cache_line(shape: tuple[int, ...], dtype: str) -> None:
    arrays = [empty_aligned(shape, dtype) for _ in range(8)]  # of which some would begin elsewhere
    for array in arrays:
        assert (array.shape, array.dtype, array.flags.c_contiguous) == (shape, np.dtype(dtype), True)
        assert array.ctypes.data % LINE_BYTES == 0


def test_arrays_share_no_memory() -> None:
    arrays = [empty_aligned((7,), np.float64) for _ in range(8)]
    for k, array in enumerate(arrays):
        array[:] = k
    assert [array.tolist() for array in arrays] == [[k] * 7 for k in range(8)]


def test_a_copy_is_whole_contiguous_and_its_own() -> None:
    original = np.arange(12.0).reshape(3, 4).T
    copy = copy_aligned(original)
    assert copy.ctypes.data % LINE_BYTES == 0
    assert copy.flags.c_contiguous
    np.testing.assert_array_equal(copy, original)
    copy[0, 0] = -1
    assert original[0, 0] == 0
