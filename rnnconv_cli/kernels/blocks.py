"""One block of a product in registers: the innermost loops of `thin.py`, instruction by instruction.

Each function here exists in compiled code only. It has a body for every number of sequences, or of vectors side by
side, because what is held in registers must be known when the code is made.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from rnnconv_cli.kernels.simd import BLOCK, INDEX, Lanes, Value

SEQUENCES = 5  # vectors beside W at a time; more go in groups of about equal size
VECTOR_BYTES, ROWS, COLUMN_VECTORS, TILE_ROWS = BLOCK.vector_bytes, BLOCK.rows, BLOCK.column_vectors, BLOCK.tile_rows


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


def _dots(n_sequences: int) -> Any:
    @intrinsic
    def dots(
        typingctx: Any, W: Any, row: Any, last: Any, vectors: Any, start: Any, addend: Any, result: Any, ahead: Any
    ) -> Any:
        """Write entries [row, row + ROWS), those below `last`, of W v_i + u_i for the sequences from `start` on.

        Meanwhile the rows `ahead` of these are brought close; none where it is zero.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            matrix, inputs, added, outputs = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 3, 5, 6))
            row, last, start, ahead = (arguments[k] for k in (1, 2, 4, 7))
            lanes, few, zero = matrix.lanes(), matrix.lanes(ROWS), ir.Constant(INDEX, 0)
            final = _plus(builder, last, -1)
            rows = [matrix.at(_least(builder, _plus(builder, row, r), final), zero) for r in range(ROWS)]
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

        Meanwhile as much of W is brought close as is used, from (row_ahead, column_ahead) on; none from row -1 on.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            matrix, inputs, outputs = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 5, 7))
            top, bottom, column, end, start, row_ahead, column_ahead = (arguments[k] for k in (1, 2, 3, 4, 6, 8, 9))
            lanes, coming = matrix.lanes(), matrix.at(row_ahead, column_ahead)
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
                    passed = builder.mul(builder.sub(row, top), span)
                    with builder.if_then(any_ahead):
                        for v in range(len(masks)):
                            lanes.prefetch(lanes.at(coming, _plus(builder, passed, v * lanes.count)))
                    for i, totals in zip(sequences, sums, strict=True):
                        factor = lanes.splat(builder.load(inputs.at(i, row)))
                        for weights, total in zip(held, totals, strict=True):
                            lanes.accumulate(total, factor, weights)
                for i, totals in zip(sequences, sums, strict=True):
                    for (place, mask), total in zip(masked, totals, strict=True):
                        lanes.store(builder.load(total), outputs.at(i, place), mask)

            left = builder.sub(end, column)
            with builder.if_else(builder.icmp_signed(">=", left, span)) as (whole, part):
                with whole:
                    add([None] * n_vectors)
                with part:
                    masks = [lanes.first(_plus(builder, left, -v * lanes.count)) for v in range(n_vectors)]
                    if n_sequences > 1:
                        add(masks)
                    else:  # one sequence takes so many columns at a time that a small matrix has only half of them
                        few = n_vectors // 2
                        is_short = builder.icmp_signed("<=", left, ir.Constant(INDEX, few * lanes.count))
                        with builder.if_else(is_short) as (short, long):
                            with short:
                                add(masks[:few])
                            with long:
                                add(masks)
            return context.get_dummy_value()

        _alike(W, vectors, result)
        intp = types.intp
        return types.void(W, intp, intp, intp, intp, vectors, intp, result, intp, intp), emit

    return columns


def _tile(n_vectors: int) -> Any:
    @intrinsic
    def tile(
        typingctx: Any,
        W: Any,
        row: Any,
        last: Any,
        column: Any,
        rate: Any,
        lefts: Any,
        packed: Any,
        rights: Any,
        depth: Any,
        partial: Any,
        begun: Any,
        complete: Any,
    ) -> Any:
        """Add `rate` times G to a tile of W, in rows below `last`, and return ||G||^2 of it; G sums over `depth`.

        Where the sum has `begun`, it goes on from `partial`; where it is not `complete`, it is all that is written.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
            kinds = signature.args
            matrix, left, right, given = (_Rows(context, builder, kinds[k], arguments[k]) for k in (0, 5, 7, 9))
            row, last, column, rate, packed, depth = (arguments[k] for k in (1, 2, 3, 4, 6, 8))
            begun, complete = arguments[10:]
            lanes, zero = matrix.lanes(), ir.Constant(INDEX, 0)
            places = [_plus(builder, column, v * lanes.count) for v in range(n_vectors)]
            short = lanes.first(builder.sub(matrix.columns, places[-1]))
            masked = list(zip(places, [*[None] * (n_vectors - 1), short], strict=True))
            rows = [_plus(builder, row, r) for r in range(TILE_ROWS)]
            sums = [[lanes.variable(lanes.zero()) for _ in places] for _ in rows]
            for r in rows:
                for place in places:
                    lanes.prefetch(matrix.at(r, place))
            with builder.if_then(begun, likely=False):
                for r, totals in zip(rows, sums, strict=True):
                    with builder.if_then(builder.icmp_signed("<", r, last), likely=True):
                        for (place, mask), total in zip(masked, totals, strict=True):
                            builder.store(lanes.load(given.at(r, place), mask), total)
            with cgutils.for_range(builder, depth) as loop:
                here = builder.add(packed, builder.mul(loop.index, ir.Constant(INDEX, TILE_ROWS)))
                there = builder.mul(loop.index, ir.Constant(INDEX, n_vectors * lanes.count))
                vectors = [lanes.load(right.at(zero, _plus(builder, there, v * lanes.count))) for v in range(n_vectors)]
                for r, totals in enumerate(sums):
                    factor = lanes.splat(builder.load(left.at(zero, _plus(builder, here, r))))
                    for vector, total in zip(vectors, totals, strict=True):
                        lanes.accumulate(total, factor, vector)
            squares, step = lanes.variable(lanes.zero()), lanes.splat(rate)
            for r, totals in zip(rows, sums, strict=True):
                with builder.if_then(builder.icmp_signed("<", r, last), likely=True):
                    entries = [
                        (builder.load(total), matrix.at(r, place), mask)
                        for (place, mask), total in zip(masked, totals, strict=True)
                    ]
                    with builder.if_else(complete, likely=True) as (whole, part):
                        with whole:
                            for gradient, pointer, mask in entries:
                                lanes.accumulate(squares, gradient, gradient)
                                lanes.store(
                                    lanes.multiply_add(step, gradient, lanes.load(pointer, mask)), pointer, mask
                                )
                        with part:
                            for gradient, pointer, mask in entries:
                                lanes.store(gradient, pointer, mask)
            square = lanes.lane(lanes.sums([builder.load(squares)]), 0)
            return square if square.type == ir.DoubleType() else builder.fpext(square, ir.DoubleType())

        _alike(W, lefts, rights, partial)
        intp, flag = types.intp, types.boolean
        return types.float64(W, intp, intp, intp, W.dtype, lefts, intp, rights, intp, partial, flag, flag), emit

    return tile


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
columns_1, columns_2, columns_3, columns_4, columns_5 = map(_columns, range(1, SEQUENCES + 1))
tile_1, tile_2, tile_3 = map(_tile, range(1, 4))
pack_rows, pack_lanes = _pack(TILE_ROWS), _pack(None)
