"""The compiled products against NumPy's, to a tolerance for round-off, and what must not change one bit of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import TypingError

from rnnconv_cli.kernels import thin
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.blocks import SEQUENCES
from rnnconv_cli.kernels.jit import kernel
from rnnconv_cli.kernels.simd import block_for

Draw = Callable[..., Array]

DTYPES = ["float64", "float32"]
SIZES = [1, 3, 16, 47, 64, 100, 130]  # around multiples of every vector, block and tile
PROCESSORS = {name: {name: True} for name in ("avx512f", "avx2", "neon", "other")}


@kernel
def products(W: Array, vectors: Array, addend: Array, first: int, last: int, result: Array) -> None:
    """`products_into` as compiled code runs it."""
    thin.products_into(W, vectors, addend, first, last, result)


@kernel
def adjoint_products(W: Array, vectors: Array, first: int, last: int, result: Array) -> None:
    """`adjoint_products_into` as compiled code runs it."""
    thin.adjoint_products_into(W, vectors, first, last, result)


@kernel
def step_down(
    W: Array,
    learning_rate: float,
    left: Array,
    right: Array,
    partial: Array,
    complete: bool,
    first: int,
    last: int,
    spare: Array,
    squares: Array,
) -> None:
    """`step_down_into` as compiled code runs it."""
    thin.step_down_into(W, learning_rate, left, right, partial, complete, first, last, spare, squares)


@pytest.fixture
def draw() -> Draw:
    rng = np.random.default_rng(0)

    def drawn(*shape: int, dtype: str = "float64") -> Array:
        """Standard normal numbers."""
        return rng.standard_normal(shape).astype(dtype)

    return drawn


def assert_close(found: Array, expected: Array, magnitudes: Array, n_terms: int) -> None:
    """Sums of so many products, added in any order, differ by at most (n_terms + 2) eps times the sum of magnitudes."""
    allowed = 2 * (n_terms + 2) * np.finfo(found.dtype).eps * magnitudes
    assert found.dtype == expected.dtype
    assert (np.abs(found - expected) <= allowed).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rows", SIZES)
def test_products(rows: int, columns: int, dtype: str, draw: Draw) -> None:
    W = draw(rows, columns, dtype=dtype)
    for n_sequences in (1, 2, 3, 4, 5, 6, 7, 11, 13):
        vectors, addend = draw(n_sequences, columns, dtype=dtype), draw(n_sequences, rows, dtype=dtype)
        found, expected = np.empty_like(addend), np.empty_like(addend)
        products(W, vectors, addend, 0, rows, found)
        thin.products_into(W, vectors, addend, 0, rows, expected)
        assert_close(found, expected, np.abs(vectors) @ np.abs(W).T + np.abs(addend), columns)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rows", SIZES)
def test_adjoint_products(rows: int, columns: int, dtype: str, draw: Draw) -> None:
    W = draw(rows, columns, dtype=dtype)
    for n_sequences in (1, 2, 3, 4, 5, 6, 7, 11, 13):
        vectors, given = draw(n_sequences, rows, dtype=dtype), draw(n_sequences, columns, dtype=dtype)
        found, expected = given.copy(), given.copy()
        adjoint_products(W, vectors, 0, columns, found)
        thin.adjoint_products_into(W, vectors, 0, columns, expected)
        assert_close(found, expected, np.abs(vectors) @ np.abs(W) + np.abs(given), rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", [0, 1, 2, 33])
@pytest.mark.parametrize("width", [*SIZES, 260])
def test_step_down(width: int, depth: int, dtype: str, draw: Draw) -> None:
    W, left, right = (draw(size, width, dtype=dtype) for size in (width, depth, depth))
    spare = np.full(thin.spare_size(depth, W.itemsize), np.nan, dtype=dtype)
    squares = np.full((2, thin.tiles_of(width)), np.nan)
    found, expected = W.copy(), W.copy()
    step_down(found, 0.3, left, right, W[:0], True, 0, width, spare, squares[0])
    thin.step_down_into(expected, 0.3, left, right, W[:0], True, 0, width, spare, squares[1])
    assert_close(found, expected, np.abs(W) + 0.3 * np.abs(left).T @ np.abs(right), depth)
    np.testing.assert_allclose(squares[0], squares[1], rtol=float(100 * np.finfo(dtype).eps))


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy's own products keep no such promise")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [7, 100])
@pytest.mark.parametrize("depth", [thin.TERMS, thin.TERMS + 1, 2 * thin.TERMS + 5])
def test_a_sum_of_more_terms_than_go_at_once(depth: int, width: int, dtype: str, draw: Draw) -> None:
    """Same bits as the same sum in two parts, neither of which ends where the kernel itself begins anew."""
    W, left, right, later = (draw(size, width, dtype=dtype) for size in (width, depth, depth, width))
    spare = np.full(thin.spare_size(depth, W.itemsize), np.nan, dtype=dtype)
    squares, cut = np.full((2, thin.tiles_of(width)), np.nan), 77
    whole, parts, expected = W.copy(), W.copy(), W.copy()
    step_down(whole, 0.3, left, right, later, True, 0, width, spare, squares[0])
    sums = later.copy()
    step_down(parts, 0.3, left[-cut:], right[-cut:], sums, False, 0, width, spare, squares[1])
    np.testing.assert_array_equal(parts, W)
    step_down(parts, 0.3, left[:-cut], right[:-cut], sums, True, 0, width, spare, squares[1])
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(squares[0], squares[1])
    thin.step_down_into(expected, 0.3, left, right, later, True, 0, width, spare, squares[1])
    assert_close(whole, expected, np.abs(W) + 0.3 * (np.abs(later) + np.abs(left).T @ np.abs(right)), depth + 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_spare_room_is_enough_for_fewer_terms(dtype: str, draw: Draw) -> None:
    """A short segment comes after long ones and has their room; with fewer terms, longer runs of W are updated."""
    most, width = 2 * thin.PANEL_BYTES // (thin.TILE_VECTORS * thin.VECTOR_BYTES), 700
    W, terms = draw(16, width, dtype=dtype), draw(most, width, dtype=dtype)
    left, squares = draw(most, 16, dtype=dtype), np.empty(thin.tiles_of(16))
    for depth in range(1, most, 169):
        for fewer in sorted({1, depth // 2, depth - 1, depth} - {0}):
            size = thin.spare_size(depth, W.itemsize)
            room = np.full(size + thin.PANEL_BYTES, np.nan, dtype=dtype)
            step_down(W, 0.0, left[:fewer], terms[:fewer], W[:0], True, 0, 16, room, squares)
            assert np.isnan(room[size:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [*SIZES, 260])
def test_step_down_in_parts(width: int, dtype: str, draw: Draw) -> None:
    """Of W only the complete sum is taken; NumPy and the compiled code agree on the sum on the way, too."""
    W, left, right, later = (draw(size, width, dtype=dtype) for size in (width, 9, 9, width))
    spare, squares = np.empty(thin.spare_size(9, W.itemsize), dtype=dtype), np.empty((2, thin.tiles_of(width)))
    magnitudes = np.abs(later) + np.abs(left).T @ np.abs(right)
    found, expected = (W.copy(), later.copy()), (W.copy(), later.copy())
    step_down(found[0], 0.3, left, right, found[1], False, 0, width, spare, squares[0])
    thin.step_down_into(expected[0], 0.3, left, right, expected[1], False, 0, width, spare, squares[1])
    np.testing.assert_array_equal(found[0], W)
    np.testing.assert_array_equal(expected[0], W)
    assert_close(found[1], expected[1], magnitudes, 10)
    step_down(found[0], 0.3, left, right, later, True, 0, width, spare, squares[0])
    thin.step_down_into(expected[0], 0.3, left, right, later, True, 0, width, spare, squares[1])
    assert_close(found[0], expected[0], np.abs(W) + 0.3 * magnitudes, 10)
    np.testing.assert_allclose(squares[0], squares[1], rtol=float(100 * np.finfo(dtype).eps))


@pytest.mark.parametrize(("rows", "n_sequences", "far"), [(150, 6, "FAR_BYTES"), (1500, 1, "FAR_ALONE_BYTES")])
def test_a_matrix_wider_than_one_segment(rows: int, n_sequences: int, far: str, draw: Draw) -> None:
    """More columns than are read in one go, more rows than are near at a time, and asked for ahead of their use."""
    columns = thin.SEGMENT_BYTES // 8 + 70
    W, vectors, given = draw(rows, columns), draw(n_sequences, rows), draw(n_sequences, columns)
    assert W.nbytes > getattr(thin, far)
    found, expected = given.copy(), given.copy()
    adjoint_products(W, vectors, 0, columns, found)
    thin.adjoint_products_into(W, vectors, 0, columns, expected)
    assert_close(found, expected, np.abs(vectors) @ np.abs(W) + np.abs(given), rows)
    forward, wanted = np.empty_like(vectors), np.empty_like(vectors)
    products(W, given, vectors, 0, rows, forward)
    thin.products_into(W, given, vectors, 0, rows, wanted)
    assert_close(forward, wanted, np.abs(given) @ np.abs(W).T + np.abs(vectors), columns)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy's own products keep no such promise")
def test_bits_depend_neither_on_the_split_nor_on_other_sequences(dtype: str, draw: Draw) -> None:
    width, n_sequences, depth = 100, 7, 9
    W, vectors, addend = (draw(size, width, dtype=dtype) for size in (width, n_sequences, n_sequences))
    whole, adjoint = np.empty_like(addend), addend.copy()
    products(W, vectors, addend, 0, width, whole)
    adjoint_products(W, vectors, 0, width, adjoint)
    for i in range(n_sequences):
        alone, back = np.empty_like(addend[:1]), addend[i : i + 1].copy()
        products(W, vectors[i : i + 1], addend[i : i + 1], 0, width, alone)
        adjoint_products(W, vectors[i : i + 1], 0, width, back)
        np.testing.assert_array_equal(alone[0], whole[i])
        np.testing.assert_array_equal(back[0], adjoint[i])
    left, right = draw(depth, width, dtype=dtype), draw(depth, width, dtype=dtype)
    spare, squares = np.empty(thin.spare_size(depth, W.itemsize), dtype=dtype), np.empty((2, thin.tiles_of(width)))
    stepped, in_parts = W.copy(), W.copy()
    step_down(stepped, 0.1, left, right, W[:0], True, 0, width, spare, squares[0])
    parts, back = np.full_like(addend, np.nan), addend.copy()
    for first, last in ((0, 24), (24, 72), (72, width)):
        products(W, vectors, addend, first, last, parts)
        adjoint_products(W, vectors, first, last, back)
        step_down(in_parts, 0.1, left, right, W[:0], True, first, last, spare, squares[1])
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(back, adjoint)
    np.testing.assert_array_equal(in_parts, stepped)
    np.testing.assert_array_equal(squares[1], squares[0])
    by_terms, partial = W.copy(), np.zeros_like(W)
    for begin, end in ((8, 9), (3, 8), (0, 3)):
        step_down(by_terms, 0.1, left[begin:end], right[begin:end], partial, begin == 0, 0, width, spare, squares[1])
    np.testing.assert_array_equal(by_terms, stepped)
    np.testing.assert_array_equal(squares[1], squares[0])


def test_nothing_is_written_outside_the_range(draw: Draw) -> None:
    W, vectors, addend, left, right = (draw(size, 50) for size in (50, 3, 3, 4, 4))
    result, adjoint, stepped = addend.copy(), addend.copy(), W.copy()
    products(W, vectors, addend, 17, 30, result)
    adjoint_products(W, vectors, 17, 30, adjoint)
    squares = np.zeros(thin.tiles_of(50))
    partial, kept, spare = draw(50, 50), draw(50, 50), np.empty(thin.spare_size(4, 8))
    gathered = partial.copy()
    step_down(stepped, 0.1, left, right, partial, True, 16, 30, spare, squares)
    step_down(kept, 0.1, left, right, gathered, False, 16, 30, spare, np.zeros_like(squares))
    outside = [k for k in range(50) if not 17 <= k < 30]
    np.testing.assert_array_equal(result[:, outside], addend[:, outside])
    np.testing.assert_array_equal(adjoint[:, outside], addend[:, outside])
    rows = [*range(16), *range(30, 50)]
    np.testing.assert_array_equal(stepped[rows], W[rows])
    np.testing.assert_array_equal(gathered[rows], partial[rows])
    assert (squares > 0).tolist() == [16 <= row < 30 for row in range(0, 50, thin.TILE_ROWS)]


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy takes any arrays")
def test_memory_is_not_read_as_what_it_is_not(draw: Draw) -> None:
    """Compiled for one type and layout, the products would read others' numbers as bits."""
    W, vectors, addend = draw(8, 8), draw(3, 8), draw(3, 8)
    for strange in (addend.astype("float32"), np.asfortranarray(addend), np.repeat(addend, 2, axis=1)[:, ::2]):
        with pytest.raises(TypingError, match="needs C-contiguous arrays of one type"):
            products(W, vectors, strange, 0, 8, np.empty_like(addend))


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_what_is_not_finite_stays_so(strange: float, draw: Draw) -> None:
    W, vectors, addend = draw(40, 40), draw(6, 40), np.zeros((6, 40))
    W[3, 7] = strange
    result, adjoint = np.empty_like(addend), np.zeros_like(addend)
    products(W, vectors, addend, 0, 40, result)
    adjoint_products(W, vectors, 0, 40, adjoint)
    assert [np.flatnonzero(~np.isfinite(row)).tolist() for row in result] == [[3]] * 6
    assert [np.flatnonzero(~np.isfinite(row)).tolist() for row in adjoint] == [[7]] * 6


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_processors_block_computes_the_same(processor: str, tmp_path: Path) -> None:
    """The code for other registers than this machine's runs here too, only slower."""
    code = (
        "import sys, pytest\n"
        "from rnnconv_cli.kernels import simd\n"
        f"simd.BLOCK = simd.block_for({PROCESSORS[processor]!r})\n"
        "already_imported = ['-W', 'ignore::pytest.PytestAssertRewriteWarning']\n"
        "arguments = ['-q', '-m', 'not slow', '-p', 'no:cacheprovider', *already_imported]\n"
        f"sys.exit(pytest.main([*arguments, {str(Path(__file__))!r}]))\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("processor", "registers"), [("avx512f", 32), ("neon", 32), ("avx2", 16), ("other", 16)])
def test_sums_and_factors_fit_the_registers(processor: str, registers: int) -> None:
    block = block_for(PROCESSORS[processor])
    assert (block.rows + 1) * SEQUENCES < registers
    assert (block.tile_rows + 1) * block.tile_vectors < registers
    assert all((n + 1) * wide < registers for n, wide in enumerate(block.column_vectors) if n > 1)
