"""Vectors of numbers, spelled out in the compiler's own instructions.

numba vectorises a loop where LLVM sees how. A product of a large matrix with a few vectors is fast only if a block of
sums stays in registers, which no loop in Python can ask for. `Lanes` asks for it: each method appends a few
instructions to the function that is being compiled. LLVM splits a vector that is wider than the machine's, so what is
made here runs anywhere; `BLOCK` is what fits the registers of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils

Value = Any  # an LLVM value: llvmlite ships no types
INDEX = ir.IntType(64)


@dataclass(frozen=True, slots=True)
class Block:
    """How much of a product is held in registers at a time; sums and what is multiplied fit in together."""

    vector_bytes: int
    rows: int  # of the large matrix against five vectors: a sum for each pair
    column_vectors: tuple[int, ...]  # columns of the large matrix, in vectors, against 0 to 5 vectors
    tile_rows: int  # of an update of the large matrix
    tile_vectors: int  # columns of it, in vectors


def block_for(features: Mapping[str, bool]) -> Block:
    """Return a processor's block: 32 registers of 64 bytes with AVX-512, 16 of 32 with AVX2, 32 of 16 with NEON."""
    vector_bytes = 64 if features.get("avx512f") else 32 if features.get("avx2") else 16
    if vector_bytes == 64 or features.get("neon"):
        return Block(vector_bytes, 4, (0, 16, 8, 6, 5, 4), tile_rows=8, tile_vectors=3)
    return Block(vector_bytes, 2, (0, 8, 4, 3, 2, 2), tile_rows=4, tile_vectors=3)


BLOCK = block_for(get_host_cpu_features())


class Lanes:
    """Instructions on vectors of `count` numbers of one type, appended to a builder's block."""

    def __init__(self, builder: Value, number: Value, count: int) -> None:
        self.builder, self.number, self.count = builder, number, count
        self.vector = ir.VectorType(number, count)
        self.bytes = 4 if number == ir.FloatType() else 8
        self.suffix = f"v{count}f{8 * self.bytes}"
        self.flags = ir.VectorType(ir.IntType(1), count)

    def at(self, pointer: Value, offset: Value) -> Value:
        """A pointer so many numbers further."""
        return self.builder.gep(pointer, [offset])

    def zero(self) -> Value:
        """A vector of zeros."""
        return ir.Constant(self.vector, [0.0] * self.count)

    def splat(self, number: Value) -> Value:
        """A vector that holds a number in every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, undefined, self._places([0] * self.count))

    def lane(self, vector: Value, place: int) -> Value:
        """The number in one lane."""
        return self.builder.extract_element(vector, ir.Constant(ir.IntType(32), place))

    def first(self, count: Value) -> Value:
        """The mask of the first `count` lanes: all of them where it is larger, none where it is negative."""
        lanes = ir.Constant(ir.VectorType(INDEX, self.count), list(range(self.count)))
        undefined = ir.Constant(lanes.type, ir.Undefined)
        held = self.builder.insert_element(undefined, count, ir.Constant(ir.IntType(32), 0))
        return self.builder.icmp_signed(
            "<", lanes, self.builder.shuffle_vector(held, undefined, self._places([0] * self.count))
        )

    def multiply_add(self, one: Value, other: Value, addend: Value) -> Value:
        """one * other + addend, rounded once where the machine can."""
        function = self._declared(f"llvm.fmuladd.{self.suffix}", self.vector, [self.vector] * 3)
        return self.builder.call(function, [one, other, addend])

    def load(self, pointer: Value, mask: Value | None = None) -> Value:
        """The numbers at a pointer; zeros, and no access, outside the mask."""
        address = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            return self.builder.load(address, align=self.bytes)
        function = self._declared(
            f"llvm.masked.load.{self.suffix}.p0", self.vector, [address.type, ir.IntType(32), self.flags, self.vector]
        )
        return self.builder.call(function, [address, ir.Constant(ir.IntType(32), self.bytes), mask, self.zero()])

    def store(self, vector: Value, pointer: Value, mask: Value | None = None) -> None:
        """Write the numbers to a pointer; nothing outside the mask."""
        address = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            self.builder.store(vector, address, align=self.bytes)
        else:
            function = self._declared(
                f"llvm.masked.store.{self.suffix}.p0",
                ir.VoidType(),
                [self.vector, address.type, ir.IntType(32), self.flags],
            )
            self.builder.call(function, [vector, address, ir.Constant(ir.IntType(32), self.bytes), mask])

    def prefetch(self, pointer: Value) -> None:
        """Have a cache line brought to the second-level cache; a pointer beyond all arrays does no harm."""
        address, small = self.builder.bitcast(pointer, ir.IntType(8).as_pointer()), ir.IntType(32)
        function = self._declared("llvm.prefetch.p0", ir.VoidType(), [address.type, small, small, small])
        self.builder.call(function, [address, *(ir.Constant(small, flag) for flag in (0, 2, 1))])

    def variable(self, value: Value) -> Value:
        """A vector that changes in a loop; LLVM keeps it in a register."""
        return cgutils.alloca_once_value(self.builder, value)

    def accumulate(self, variable: Value, one: Value, other: Value) -> None:
        """Add one * other to a variable."""
        self.builder.store(self.multiply_add(one, other, self.builder.load(variable)), variable)

    def sweep(self, size: Value, body: Callable[[Value, Value | None], None]) -> None:
        """Go through `size` numbers, a vector at a time: body(offset, mask), with a mask where the last is short."""
        start, step = ir.Constant(INDEX, 0), ir.Constant(INDEX, self.count)
        whole = self.builder.and_(size, ir.Constant(INDEX, -self.count))
        with cgutils.for_range_slice(self.builder, start, whole, step, inc=True) as (offset, _):
            body(offset, None)
        with self.builder.if_then(self.builder.icmp_signed("<", whole, size), likely=False):
            body(whole, self.first(self.builder.sub(size, whole)))

    def sums(self, vectors: Sequence[Value]) -> Value:
        """The sums over the lanes of each vector, as one vector: neighbours in quarters of 16 bytes, then the quarters.

        The number of vectors is a power of two. The order within each sum is that of a vector alone.
        """
        level, near = list(vectors), 16 // self.bytes
        left = near
        while left > 1:
            left //= 2
            level = [self._neighbours(*pair, near) for pair in zip(level[::2], level[1::2] or level, strict=True)]
        level = [self._folded(each, near) for each in level]
        while len(level) > 1:
            level = [self._joined(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
        return self.builder.shuffle_vector(level[0], level[0], self._places(range(len(vectors))))

    def _neighbours(self, one: Value, other: Value, near: int) -> Value:
        """Sums of neighbours, in each `near` lanes those of `one` before those of `other`: no number goes far."""
        even = [
            start + lane + (0 if vector == 0 else self.count)
            for start in range(0, self.count, near)
            for vector in range(2)
            for lane in range(0, near, 2)
        ]
        evens, odds = (
            self.builder.shuffle_vector(one, other, self._places([place + k for place in even])) for k in (0, 1)
        )
        return self.builder.fadd(evens, odds)

    def _folded(self, vector: Value, lanes: int) -> Value:
        """The upper half added to the lower until so many lanes are left."""
        while vector.type.count > lanes:
            half = vector.type.count // 2
            halves = (self._places(range(start, start + half)) for start in (0, half))
            vector = self.builder.fadd(*(self.builder.shuffle_vector(vector, vector, places) for places in halves))
        return vector

    def _joined(self, one: Value, other: Value) -> Value:
        return self.builder.shuffle_vector(one, other, self._places(range(2 * one.type.count)))

    def _places(self, places: Sequence[int]) -> Value:
        return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))

    def _declared(self, name: str, result: Value, arguments: Sequence[Value]) -> Value:
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), name)
