"""numba as a user writes it: a loop over time, np.dot, arrays made where they are needed; a thread for each core."""

from __future__ import annotations

import numpy as np
from numba import njit

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, on_threads
from rnnconv_cli.bench.data import Descended, stepped
from rnnconv_cli.kernels.arrays import Array, copy_aligned
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.sweep.machine import use_one_blas_thread


@njit(nogil=True, cache=True)
def descend(W: Array, B: Array, inputs: Array, labels: Array, learning_rate: float, steps: int) -> float:
    """Take steps in place; return the loss before the last. W (m, m), B (d, m), inputs (L, n, m), labels (L, n, d)."""
    horizon, loss = inputs.shape[0], 0.0
    hidden, signals = np.empty_like(inputs), np.empty_like(inputs)
    residual = np.empty_like(labels)
    for _ in range(steps):
        hidden[0] = np.maximum(inputs[0], 0)
        loss = 0.0
        for layer in range(1, horizon):
            hidden[layer] = np.maximum(np.dot(hidden[layer - 1], W.T) + inputs[layer], 0)
            residual[layer] = np.dot(hidden[layer], B.T) - labels[layer]
            loss += 0.5 * np.sum(residual[layer] ** 2)
        gradient = np.zeros_like(W)
        for layer in range(horizon - 1, 0, -1):
            carried = np.dot(residual[layer], B)
            if layer < horizon - 1:
                carried += np.dot(signals[layer + 1], W)
            signals[layer] = carried * (hidden[layer] > 0)
            gradient += np.dot(signals[layer].T, hidden[layer - 1])
        W -= W.dtype.type(learning_rate) * gradient
    return loss


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The replicates in numba, with one BLAS thread for each of its own."""
    use_one_blas_thread()
    before = np.concatenate([instance.W for instance in instances])
    weights = copy_aligned(before)
    inputs = [instance.x @ instance.A.T for instance in instances]

    def run_one(W: Array, k: int, learning_rate: float, steps: int) -> float:
        return descend(W, instances[k].B, inputs[k], instances[k].labels, learning_rate, steps)

    def run(count: int) -> None:
        for _ in range(count):
            on_threads(case.cores, lambda k: run_one(weights[k], k, TINY_RATE, case.steps), len(instances))

    def descend_all(learning_rate: float, steps: int) -> Descended:
        after = before.copy()
        losses = [run_one(after[k], k, learning_rate, steps) for k in range(len(instances))]
        return np.array(losses), after

    return Work(run, lambda: stepped(case, instances, descend_all))
