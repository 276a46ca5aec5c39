"""One block of a product in registers: the innermost loops of `thin.py`, instruction by instruction.

Each function here exists in compiled code only. It has a body for every number of sequences, or of vectors side by
side, because what is held in registers must be known when the code is made.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from rnnconv_cli.kernels.simd import BLOCK, INDEX, Lanes, Value

SEQUENCES = 5  # vectors beside W at a time; more go in groups of about equal size
FAR_ROWS = 2 * BLOCK.rows  # of a W in memory beside a single vector: more of it is on its way at a time
VECTOR_BYTES, ROWS, COLUMN_VECTORS = BLOCK.vector_bytes, BLOCK.rows, BLOCK.column_vectors
TILE_ROWS, TILE_VECTORS = BLOCK.tile_rows, BLOCK.tile_vectors


class _Rows:
    """The rows of a C-contiguous array of one or two dimensions, in code that is being compiled."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Value) -> None:
        self.builder = builder
        array = context.make_array(kind)(context, builder, value)
        self.data, self.columns = array.data, cgutils.unpack_tuple(builder, array.shape)[-1]
        self.number = context.get_value_type(kind.dtype)

    def lanes(self, count: int | None = None) -> Lanes:
        """Vectors of this array's numbers: `count` of them, or as many as a register holds."""
        return Lanes(self.builder, self.number, count or VECTOR_BYTES // (4 if self.number == ir.FloatType() else 8))

    def at(self, row: Value, column: Value) -> Value:
        """A pointer to an entry."""
        return self.builder.gep(self.data, [self.builder.add(self.builder.mul(row, self.columns), column)])


def _alike(*arrays: Any) -> None:
    """Refuse arrays that are not C-contiguous or not of one type: their memory would be read as what it is not."""
    if any(each.layout != "C" or each.dtype != arrays[0].dtype for each in arrays):
        raise TypingError(f"needs C-contiguous arrays of one type, got {', '.join(map(str, arrays))}")


def _plus(builder: Any, value: Value, number: int) -> Value:
    return builder.add(value, ir.Constant(INDEX, number))


def _least(builder: Any, one: Value, other: Value) -> Value:
    return builder.select(builder.icmp_signed("<", one, other), one, other)


def _dots(n_sequences: int, n_rows: int = ROWS) -> Any:
    @intrinsic
    def dots(
        typingctx: Any, W: Any, row: Any, last: Any, vectors: Any, start: Any, addend: Any, result: Any, ahead: Any
    ) -> Any:
        """Write entries [row, row + n_rows), those below `last`, of W v_i + u_i for the sequences from `start` on.

        Meanwhile the rows `ahead` of these are brought close; none where it is zero.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            matrix, inputs, added, outputs = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 3, 5, 6))
            row, last, start, ahead = (arguments[k] for k in (1, 2, 4, 7))
            lanes, few, zero = matrix.lanes(), matrix.lanes(n_rows), ir.Constant(INDEX, 0)
            final = _plus(builder, last, -1)
            rows = [matrix.at(_least(builder, _plus(builder, row, r), final), zero) for r in range(n_rows)]
            block, any_ahead = builder.mul(matrix.columns, ahead), builder.icmp_signed("!=", ahead, zero)
            sequences = [_plus(builder, start, i) for i in range(n_sequences)]
            heads = [inputs.at(i, zero) for i in sequences]
            sums = [[lanes.variable(lanes.zero()) for _ in rows] for _ in sequences]

            def add(offset: Value, mask: Value | None) -> None:
                held = [lanes.load(lanes.at(pointer, offset), mask) for pointer in rows]
                with builder.if_then(any_ahead):
                    for pointer in rows:
                        lanes.prefetch(lanes.at(pointer, builder.add(offset, block)))
                for head, totals in zip(heads, sums, strict=True):
                    vector = lanes.load(lanes.at(head, offset), mask)
                    for weights, total in zip(held, totals, strict=True):
                        lanes.accumulate(total, weights, vector)

            lanes.sweep(matrix.columns, add)
            inside = few.first(builder.sub(last, row))
            for i, totals in zip(sequences, sums, strict=True):
                products = lanes.sums([builder.load(total) for total in totals])
                given = few.load(added.at(i, row), inside)
                few.store(builder.fadd(products, given), outputs.at(i, row), inside)
            return context.get_dummy_value()

        _alike(W, vectors, addend, result)
        intp = types.intp
        return types.void(W, intp, intp, vectors, intp, addend, result, intp), emit

    return dots


def _columns(n_sequences: int) -> Any:
    @intrinsic
    def columns(
        typingctx: Any,
        W: Any,
        top: Any,
        bottom: Any,
        column: Any,
        end: Any,
        vectors: Any,
        start: Any,
        result: Any,
        row_ahead: Any,
        column_ahead: Any,
    ) -> Any:
        """Add rows [top, bottom) of W, weighed by v_i, to c_i from `column` to `end`, for sequences from `start` on.

        Meanwhile as much of W is brought close as is used; none from row -1 on. Of several sequences that is the block
        of the same shape that begins at (row_ahead, column_ahead). Of a single one, which is met too soon for that, it
        is a run of memory from there on.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            matrix, inputs, outputs = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 5, 7))
            top, bottom, column, end, start, row_ahead, column_ahead = (arguments[k] for k in (1, 2, 3, 4, 6, 8, 9))
            lanes = matrix.lanes()
            any_ahead = builder.icmp_signed(">=", row_ahead, ir.Constant(INDEX, 0))
            n_vectors = COLUMN_VECTORS[n_sequences]
            span = ir.Constant(INDEX, n_vectors * lanes.count)
            places = [_plus(builder, column, v * lanes.count) for v in range(n_vectors)]
            sequences = [_plus(builder, start, i) for i in range(n_sequences)]

            def add(masks: list[Value | None]) -> None:
                masked = list(zip(places[: len(masks)], masks, strict=True))
                sums = [
                    [lanes.variable(lanes.load(outputs.at(i, place), mask)) for place, mask in masked]
                    for i in sequences
                ]
                with cgutils.for_range_slice(builder, top, bottom, ir.Constant(INDEX, 1), inc=True) as (row, _):
                    held = [lanes.load(matrix.at(row, place), mask) for place, mask in masked]
                    with builder.if_then(any_ahead):
                        passed = builder.sub(row, top)
                        if n_sequences > 1:
                            ahead = matrix.at(builder.add(row_ahead, passed), column_ahead)
                        else:
                            ahead = lanes.at(matrix.at(row_ahead, column_ahead), builder.mul(passed, span))
                        for v in range(len(masks)):
                            lanes.prefetch(lanes.at(ahead, ir.Constant(INDEX, v * lanes.count)))
                    for i, totals in zip(sequences, sums, strict=True):
                        factor = lanes.splat(builder.load(inputs.at(i, row)))
                        for weights, total in zip(held, totals, strict=True):
                            lanes.accumulate(total, factor, weights)
                for i, totals in zip(sequences, sums, strict=True):
                    for (place, mask), total in zip(masked, totals, strict=True):
                        lanes.store(builder.load(total), outputs.at(i, place), mask)

            left = builder.sub(end, column)

            def add_left(masks: list[Value | None]) -> None:
                """Add what is left: a single sequence takes so many columns at a time that few of them may be."""
                few = masks[: len(masks) // 2]
                if n_sequences > 1 or len(few) < n_vectors // 4:
                    add(masks)
                    return
                is_short = builder.icmp_signed("<=", left, ir.Constant(INDEX, len(few) * lanes.count))
                with builder.if_else(is_short) as (short, long):
                    with short:
                        add_left(few)
                    with long:
                        add(masks)

            with builder.if_else(builder.icmp_signed(">=", left, span)) as (whole, part):
                with whole:
                    add([None] * n_vectors)
                with part:
                    add_left([lanes.first(_plus(builder, left, -v * lanes.count)) for v in range(n_vectors)])
            return context.get_dummy_value()

        _alike(W, vectors, result)
        intp = types.intp
        return types.void(W, intp, intp, intp, intp, vectors, intp, result, intp, intp), emit

    return columns


@intrinsic
def update_tile(
    typingctx: Any,
    lefts: Any,
    packed: Any,
    rights: Any,
    depth: Any,
    given: Any,
    from_row: Any,
    from_column: Any,
    begun: Any,
    target: Any,
    to_row: Any,
    to_column: Any,
    n_rows: Any,
    n_columns: Any,
    rate: Any,
    complete: Any,
) -> Any:
    """Add `rate` times G to a tile of `target`, and return ||G||^2 of it; G sums over `depth` terms.

    Where the sum has `begun`, it goes on from `given`; where it is not `complete`, it is all that is written. The tile
    ends after n_rows rows and n_columns columns, if it has more of them.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
        kinds = signature.args
        left, right, source, matrix = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 2, 4, 8))
        packed, depth, from_row, from_column, begun = (arguments[k] for k in (1, 3, 5, 6, 7))
        to_row, to_column, n_rows, n_columns, rate, complete = arguments[9:]
        lanes, zero = matrix.lanes(), ir.Constant(INDEX, 0)
        are_rows = [builder.icmp_signed("<", ir.Constant(INDEX, r), n_rows) for r in range(TILE_ROWS)]
        squares, step = lanes.variable(lanes.zero()), lanes.splat(rate)

        def add(masks: list[Value | None]) -> None:
            def rows_of(array: _Rows, row: Value, column: Value) -> list[list[tuple[Value, Value | None]]]:
                """Row by row, pointers to the vectors of the tile that begins there, and their masks."""
                places = [_plus(builder, column, v * lanes.count) for v in range(len(masks))]
                return [
                    [(array.at(_plus(builder, row, r), place), mask) for place, mask in zip(places, masks, strict=True)]
                    for r in range(TILE_ROWS)
                ]

            begins, ends = rows_of(source, from_row, from_column), rows_of(matrix, to_row, to_column)
            sums = [[lanes.variable(lanes.zero()) for _ in masks] for _ in are_rows]
            for pointer, _ in chain.from_iterable(ends):
                lanes.prefetch(pointer)
            with builder.if_then(begun, likely=False):
                for exists, totals, entries in zip(are_rows, sums, begins, strict=True):
                    with builder.if_then(exists, likely=True):
                        for (pointer, mask), total in zip(entries, totals, strict=True):
                            builder.store(lanes.load(pointer, mask), total)
            with cgutils.for_range(builder, depth) as loop:
                here = builder.add(packed, builder.mul(loop.index, ir.Constant(INDEX, TILE_ROWS)))
                there = builder.mul(loop.index, ir.Constant(INDEX, len(masks) * lanes.count))
                vectors = [
                    lanes.load(right.at(zero, _plus(builder, there, v * lanes.count))) for v in range(len(masks))
                ]
                for r, totals in enumerate(sums):
                    factor = lanes.splat(builder.load(left.at(zero, _plus(builder, here, r))))
                    for vector, total in zip(vectors, totals, strict=True):
                        lanes.accumulate(total, factor, vector)
            for exists, totals, entries in zip(are_rows, sums, ends, strict=True):
                with builder.if_then(exists, likely=True):
                    gradients = [builder.load(total) for total in totals]
                    with builder.if_else(complete, likely=True) as (whole, part):
                        with whole:
                            for gradient, (pointer, mask) in zip(gradients, entries, strict=True):
                                lanes.accumulate(squares, gradient, gradient)
                                moved = lanes.multiply_add(step, gradient, lanes.load(pointer, mask))
                                lanes.store(moved, pointer, mask)
                        with part:
                            for gradient, (pointer, mask) in zip(gradients, entries, strict=True):
                                lanes.store(gradient, pointer, mask)

        for n_vectors in range(1, TILE_VECTORS + 1):
            before = ir.Constant(INDEX, (n_vectors - 1) * lanes.count)
            is_enough = builder.icmp_signed("<=", n_columns, ir.Constant(INDEX, n_vectors * lanes.count))
            is_needed = builder.icmp_signed(">", n_columns, before)
            fits = is_needed if n_vectors == TILE_VECTORS else builder.and_(is_needed, is_enough)
            with builder.if_then(fits):
                add([*[None] * (n_vectors - 1), lanes.first(builder.sub(n_columns, before))])
        square = lanes.lane(lanes.sums([builder.load(squares)]), 0)
        return square if square.type == ir.DoubleType() else builder.fpext(square, ir.DoubleType())

    _alike(lefts, rights, given, target)
    intp, flag = types.intp, types.boolean
    sum_of, sum_in = (lefts, intp, rights, intp, given, intp, intp, flag), (target, intp, intp, intp, intp)
    return types.float64(*sum_of, *sum_in, target.dtype, flag), emit


def _pack(count: int | None) -> Any:
    @intrinsic
    def pack(typingctx: Any, source: Any, row: Any, column: Any, end: Any, target: Any, place: Any) -> Any:
        """Copy `count` numbers of a row, or a register full of them, from `column` on; zeros from `end` on."""

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            given, written = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 4))
            row, column, end, place = (arguments[k] for k in (1, 2, 3, 5))
            lanes = given.lanes(count)
            vector = lanes.load(given.at(row, column), lanes.first(builder.sub(end, column)))
            lanes.store(vector, written.at(ir.Constant(INDEX, 0), place))
            return context.get_dummy_value()

        _alike(source, target)
        return types.void(source, types.intp, types.intp, types.intp, target, types.intp), emit

    return pack


dots_1, dots_2, dots_3, dots_4, dots_5 = map(_dots, range(1, SEQUENCES + 1))
dots_of_far = _dots(1, FAR_ROWS)
columns_1, columns_2, columns_3, columns_4, columns_5 = map(_columns, range(1, SEQUENCES + 1))
pack_rows, pack_lanes = _pack(TILE_ROWS), _pack(None)
