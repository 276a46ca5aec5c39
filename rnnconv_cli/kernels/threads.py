"""One descent run on several threads: which rows are whose, and where they wait for each other.

Every thread runs the same compiled function on rows of its own and meets the others wherever it needs what they wrote.
No sum is split, so the number of threads changes no bit.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.jit import part, replaces
from rnnconv_cli.kernels.simd import Value

Result = TypeVar("Result")

ALIGNED_ROWS = 64  # a share begins at a multiple of it: no tile, and no cache line of float32, has two owners
ARRIVED, ROUND = 0, 8  # places in the counters, on cache lines of their own
LEAST_PRODUCTS = 2**19  # of two numbers, for a thread between two meetings; with fewer, it costs more than it saves
SPINS = 2000  # looks at the others before the processor is offered to somebody else

_counts = {"threads": 1}
_one_at_a_time = threading.Lock()


def use_threads(count: int) -> None:
    """Let descent runs in this process use up to so many threads, from now on."""
    _counts["threads"] = count


def threads_in_use() -> int:
    """Return how many threads a descent run may use."""
    return _counts["threads"]


def threads_for(width: int, n_sequences: int) -> int:
    """Return how many threads a descent run uses: few where a product of W with all sequences is small."""
    worth = min(width * width * n_sequences // LEAST_PRODUCTS, width // ALIGNED_ROWS)
    return max(1, min(threads_in_use(), worth))


def side_by_side(work: Callable[[int, Array], Result], parts: int) -> Result:
    """Return what work(part, counters) returns in every thread, the same in each."""
    counters = np.zeros(16, dtype=np.int64)
    if parts == 1:
        return work(0, counters)
    gate = threading.Barrier(parts)

    def begin(part: int) -> Result:
        gate.wait()
        return work(part, counters)

    with ThreadPoolExecutor(parts) as pool:
        try:
            running = [pool.submit(begin, part) for part in range(parts)]
        except RuntimeError:  # the system has no thread left: those that have begun must not wait for it
            gate.abort()
            raise
        results = [each.result() for each in running]
    return results[0]


@part
def share(width: int, part: int, parts: int) -> tuple[int, int]:
    """Return the rows [first, last) of a thread; the shares of all parts are all rows."""
    blocks = (width + ALIGNED_ROWS - 1) // ALIGNED_ROWS
    return blocks * part // parts * ALIGNED_ROWS, min(width, blocks * (part + 1) // parts * ALIGNED_ROWS)


def meet(counters: Array, parts: int) -> None:
    """Wait until all parts have come here; whatever one wrote before, all see after."""
    with _one_at_a_time:
        this_round = counters[ROUND]
        counters[ARRIVED] += 1
        if counters[ARRIVED] == parts:
            counters[ARRIVED] = 0
            counters[ROUND] += 1
    while counters[ROUND] == this_round:
        time.sleep(0)


@replaces(meet)
def _(counters: Array, parts: int) -> Callable[..., None]:
    def compiled(counters: Array, parts: int) -> None:
        this_round = look(counters, ROUND)
        if add(counters, ARRIVED, 1) == parts - 1:
            add(counters, ARRIVED, -parts)
            add(counters, ROUND, 1)
        spins = 0
        while look(counters, ROUND) == this_round:
            spins += 1
            if spins > SPINS:
                let_others_run()

    return compiled


@intrinsic
def add(typingctx: Any, counters: Any, place: Any, amount: Any) -> Any:
    """Add to a counter and return what it was before, as one act that all threads see in the same order."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(counters, types.intp, types.int64), emit


@intrinsic
def look(typingctx: Any, counters: Any, place: Any) -> Any:
    """Return a counter as it is now."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(builder.gep(data, [arguments[1]]), "seq_cst", 8)

    return types.int64(counters, types.intp), emit


@intrinsic
def let_others_run(typingctx: Any) -> Any:
    """Offer the processor to other threads."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), emit
