"""Products of a large matrix with a few vectors, as fast as the machine multiplies; and the step that updates it.

BLAS is made for products of large matrices. With n = 10 sequences it copies all of W into a layout of its own at every
product and reaches a quarter of the peak. The three kernels of a descent step read W where it lies:

- `products_into`, g_i = W h_i + u_i: a few rows of W against up to five h_i, every sum in a register of its own;
- `adjoint_products_into`, c_i += W^T e_i: a few columns of W against up to five e_i, likewise;
- `step_down_into`, W <- W - eta E^T H: a tile of the gradient is summed up in registers and leaves them as an update of
  W. The gradient is never stored, unless its sum comes in parts, and its squared norm is taken on the way.

Every entry of a result is one sum in an order of its own, the same for any number of sequences and any split into
ranges [first, last): neither neighbours nor threads change a bit. What Python runs is NumPy's product, for reading and
for tests; what numba compiles in its place stands below.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.blocks import (
    COLUMN_VECTORS,
    FAR_ROWS,
    SEQUENCES,
    columns_1,
    columns_2,
    columns_3,
    columns_4,
    columns_5,
    dots_1,
    dots_2,
    dots_3,
    dots_4,
    dots_5,
    dots_of_far,
    pack_lanes,
    pack_rows,
    update_tile,
)
from rnnconv_cli.kernels.jit import part, replaces
from rnnconv_cli.kernels.simd import BLOCK

VECTOR_BYTES, ROWS, TILE_ROWS, TILE_VECTORS = BLOCK.vector_bytes, BLOCK.rows, BLOCK.tile_rows, BLOCK.tile_vectors
PANEL_ROWS = 64 * TILE_ROWS  # of W that are updated with one packed copy of a panel of H: all of H is read for each
PANEL_BYTES = 524288  # of such a copy, if more than a tile wide: W is updated in long runs of memory
TERMS = 512  # summed up in one go: what a tile multiplies stays near the processor while it meets a panel of rows
SEGMENT_BYTES = 16384  # of a row of W, read in one go, so that memory is read in long runs
FAR_BYTES = 2097152  # of W, two usual second-level caches: with more, it is asked for ahead of its use
FAR_ALONE_BYTES = 25165824  # with one sequence: the processor foresees by itself what it reads of a third-level cache
BAND_BYTES = 262144  # of W that meets a few sequences before the next few do: both stay near the processor
NEAR_BYTES = 131072  # of W at a time for each sequence that is met by it: results lie near the processor too


def products_into(W: Array, vectors: Array, addend: Array, first: int, last: int, result: Array) -> None:
    """Write W v_i + u_i, rows [first, last) of W; (m, k), (n, k), (n, m) -> (n, m)."""
    result[:, first:last] = vectors @ W[first:last].T + addend[:, first:last]


def adjoint_products_into(W: Array, vectors: Array, first: int, last: int, result: Array) -> None:
    """Add W^T v_i, columns [first, last) of W; (m, k), (n, m) -> (n, k)."""
    result[:, first:last] += vectors @ W[:, first:last]


def step_down_into(
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
    """Take W <- W - eta G in place, G = sum_d left_d right_d^T, rows [first, last); (m, k), (D, m), (D, k).

    A sum over more terms than are at hand comes in parts, the last terms first. It goes on from `partial`, (m, k), or
    begins with zeros where that has no rows; where it is not `complete`, it goes to `partial` and W stays. Its bits do
    not depend on the parts.

    ||G||^2 of a complete sum goes to `squares`, a number for every TILE_ROWS rows, of which `first` is a multiple;
    `tiles_of` says how many. `spare` is room for copies of what is multiplied, `spare_size` numbers.
    """
    gradient = left[:, first:last].T @ right
    if partial.shape[0] > 0:
        gradient += partial[first:last]
    if not complete:
        partial[first:last] = gradient
        return
    for row in range(first, last, TILE_ROWS):
        squares[row // TILE_ROWS] = np.square(gradient[row - first : row - first + TILE_ROWS], dtype=np.float64).sum()
    W[first:last] -= W.dtype.type(learning_rate) * gradient


@part
def tiles_of(width: int) -> int:
    """Return how many squared norms `step_down_into` writes for W of so many rows."""
    return (width + TILE_ROWS - 1) // TILE_ROWS


@part
def spare_size(depth: int, itemsize: int) -> int:
    """Return how many numbers `step_down_into` needs for its copies of `left` and `right` of at most so many terms.

    With fewer terms it copies a longer run of them: never more than PANEL_BYTES, or one tile.
    """
    run = max(min(depth, TERMS) * TILE_VECTORS * VECTOR_BYTES, PANEL_BYTES) // itemsize
    sums = PANEL_ROWS * run_vectors(depth) * VECTOR_BYTES // itemsize if depth > TERMS else 0
    return depth * PANEL_ROWS + sums + run


@part
def run_vectors(depth: int) -> int:
    """Return how many vectors of a row of W, (D, ...) terms each, are updated before the next rows: whole tiles."""
    return max(1, PANEL_BYTES // (max(1, min(depth, TERMS)) * TILE_VECTORS * VECTOR_BYTES)) * TILE_VECTORS


# --- the same for the compiler: which part of W meets which vectors, and when -----------------------------------------
# Of several sequences no group has only one. A single one has calls of its own, without the number of a group and with
# what is asked for ahead known beforehand: its few operations for each number of W would wait 5 to 10 % longer.


@replaces(products_into)
def _(W: Array, vectors: Array, addend: Array, first: int, last: int, result: Array) -> Callable[..., None]:
    def compiled(W: Array, vectors: Array, addend: Array, first: int, last: int, result: Array) -> None:
        n_sequences = vectors.shape[0]
        groups = (n_sequences + SEQUENCES - 1) // SEQUENCES
        is_far = (last - first) * W.shape[1] * W.itemsize > (FAR_BYTES if n_sequences > 1 else FAR_ALONE_BYTES)
        if n_sequences == 1:
            for row in range(first, last, FAR_ROWS if is_far else ROWS):
                if is_far:
                    dots_of_far(W, row, last, vectors, 0, addend, result, FAR_ROWS)
                else:
                    dots_1(W, row, last, vectors, 0, addend, result, 0)
            return
        blocks = max(1, BAND_BYTES // max(1, ROWS * W.shape[1] * W.itemsize))
        band = blocks * ROWS
        for top in range(first, last, band):
            for group in range(groups):
                start, stop = group * n_sequences // groups, (group + 1) * n_sequences // groups
                for block in range(min(blocks, (last - top + ROWS - 1) // ROWS)):
                    row, is_due = top + block * ROWS, block * groups // blocks == group
                    ahead = band if is_far and is_due else 0
                    if stop - start == 5:
                        dots_5(W, row, last, vectors, start, addend, result, ahead)
                    elif stop - start == 4:
                        dots_4(W, row, last, vectors, start, addend, result, ahead)
                    elif stop - start == 3:
                        dots_3(W, row, last, vectors, start, addend, result, ahead)
                    else:
                        dots_2(W, row, last, vectors, start, addend, result, ahead)

    return compiled


@replaces(adjoint_products_into)
def _(W: Array, vectors: Array, first: int, last: int, result: Array) -> Callable[..., None]:
    def compiled(W: Array, vectors: Array, first: int, last: int, result: Array) -> None:
        n_sequences = vectors.shape[0]
        if n_sequences == 0:
            return
        groups = (n_sequences + SEQUENCES - 1) // SEQUENCES
        is_far = W.shape[0] * (last - first) * W.itemsize > (FAR_BYTES if n_sequences > 1 else FAR_ALONE_BYTES)
        near = NEAR_BYTES * min(max(n_sequences, 2), 16)
        wide = COLUMN_VECTORS[(n_sequences + groups - 1) // groups] * (VECTOR_BYTES // W.itemsize)
        for left in range(first, last, SEGMENT_BYTES // W.itemsize):
            right = min(last, left + SEGMENT_BYTES // W.itemsize)
            rows = max(8, min(128, near // ((right - left) * W.itemsize)))
            for top in range(0, W.shape[0], rows):
                bottom = min(top + rows, W.shape[0])
                for column in range(left, right, wide):
                    end = min(column + wide, right)
                    if n_sequences == 1:
                        passed = (column - left) * rows
                        coming = (bottom if bottom < W.shape[0] else 0) + passed // (right - left)
                        column_ahead = left + passed % (right - left)
                    elif end < right:
                        coming, column_ahead = top, end
                    elif bottom < W.shape[0]:
                        coming, column_ahead = bottom, left
                    else:
                        coming, column_ahead = 0, right
                    if n_sequences == 1 and is_far:
                        columns_1(W, top, bottom, column, end, vectors, 0, result, coming, column_ahead)
                    elif n_sequences == 1:
                        columns_1(W, top, bottom, column, end, vectors, 0, result, -1, 0)
                    for group in range(groups if n_sequences > 1 else 0):
                        row_ahead = coming if is_far and group == 0 else -1
                        start, stop = group * n_sequences // groups, (group + 1) * n_sequences // groups
                        if stop - start == 5:
                            columns_5(W, top, bottom, column, end, vectors, start, result, row_ahead, column_ahead)
                        elif stop - start == 4:
                            columns_4(W, top, bottom, column, end, vectors, start, result, row_ahead, column_ahead)
                        elif stop - start == 3:
                            columns_3(W, top, bottom, column, end, vectors, start, result, row_ahead, column_ahead)
                        else:
                            columns_2(W, top, bottom, column, end, vectors, start, result, row_ahead, column_ahead)

    return compiled


@replaces(step_down_into)
def _(
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
) -> Callable[..., None]:
    def compiled(
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
        depth, columns, lanes = left.shape[0], W.shape[1], VECTOR_BYTES // W.itemsize
        tile, wide = TILE_VECTORS * lanes, run_vectors(depth) * lanes
        lefts, rest = spare[: depth * PANEL_ROWS], spare[depth * PANEL_ROWS :]
        n_sums = PANEL_ROWS * wide if depth > TERMS else 0
        sums, rights = rest[:n_sums].reshape(-1, wide), rest[n_sums:]
        rate = W.dtype.type(-learning_rate)
        for top in range(first, last, PANEL_ROWS):
            bottom = min(top + PANEL_ROWS, last)
            for row in range(top, bottom, TILE_ROWS):
                squares[row // TILE_ROWS] = 0
                for d in range(depth):
                    pack_rows(left, depth - 1 - d, row, bottom, lefts, (row - top) * depth + d * TILE_ROWS)
            for begin in range(0, columns, wide):
                end = min(begin + wide, columns)
                for done in range(0, max(1, depth), TERMS):
                    terms = min(TERMS, depth - done)
                    for column in range(begin, end, tile):
                        vectors = min(TILE_VECTORS, (columns - column + lanes - 1) // lanes)
                        for d in range(terms):
                            for k in range(vectors):
                                place = (column - begin) * terms + (d * vectors + k) * lanes
                                pack_lanes(right, depth - 1 - done - d, column + k * lanes, columns, rights, place)
                    begun, ended = done > 0 or partial.shape[0] > 0, done + terms == depth
                    given, above, aside = (sums, top, begin) if done > 0 else (partial, 0, 0)
                    target, over, beside = (W if complete else partial, 0, 0) if ended else (sums, top, begin)
                    for row in range(top, bottom, TILE_ROWS):
                        packed = (row - top) * depth + done * TILE_ROWS
                        for column in range(begin, end, tile):
                            squares[row // TILE_ROWS] += update_tile(
                                lefts,
                                packed,
                                rights[(column - begin) * terms :],
                                terms,
                                given,
                                row - above,
                                column - aside,
                                begun,
                                target,
                                row - over,
                                column - beside,
                                bottom - row,
                                columns - column,
                                rate,
                                ended and complete,
                            )

    return compiled
