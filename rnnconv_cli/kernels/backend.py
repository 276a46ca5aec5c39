"""The table of kernel implementations, and what each of them must offer."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rnnconv_cli.kernels import compiled, reference
from rnnconv_cli.kernels.activations import RELU
from rnnconv_cli.kernels.arrays import Array


class Backend(Protocol):
    """A module with the functions of `reference.py`, which says what each of them computes."""

    def __hash__(self) -> int: ...

    def activate(self, preactivation: Array, activation: int) -> Array: ...

    def activation_pattern(self, preactivation: Array, activation: int) -> Array: ...

    def forward(self, W: Array, A: Array, x: Array, activation: int) -> tuple[Array, Array]: ...

    def forward_low_rank(
        self, W: Array, A: Array, x: Array, left: Array, right: Array, activation: int
    ) -> tuple[Array, Array]: ...

    def residuals(self, B: Array, hidden: Array, labels: Array) -> Array: ...

    def loss(self, residual: Array) -> float: ...

    def backward(self, W: Array, B: Array, pattern: Array, residual: Array) -> Array: ...

    def weight_gradient(self, signals: Array, hidden: Array, n_matrices: int) -> Array: ...

    def descend(
        self,
        W: Array,
        A: Array,
        B: Array,
        x: Array,
        labels: Array,
        activation: int,
        learning_rate: float,
        batches: Array,
        first_step: int,
        last_step: int,
        target: float,
        limit: float,
        losses: Array,
        gradient_norms: Array,
        *,
        segment: int = 0,
    ) -> tuple[int, int]: ...

    def products(self, W: Array, vectors: Array) -> Array: ...

    def adjoint_products(self, W: Array, vectors: Array) -> Array: ...

    def apply_product(self, W: Array, pattern: Array, vectors: Array) -> Array: ...

    def apply_product_adjoint(self, W: Array, pattern: Array, vectors: Array) -> Array: ...

    def product_norm(
        self,
        W: Array,
        pattern: Array,
        W_other: Array,
        pattern_other: Array,
        start: Array,
        tolerance: float,
        max_steps: int,
    ) -> tuple[float, float, Array]: ...


BACKENDS: dict[str, Backend] = {"compiled": compiled, "reference": reference}


def warm_up(backend: Backend, dtype: str) -> None:
    """Call every kernel once on a network of width 2, so that what has to be compiled is compiled here and now.

    Compiled code lands in the disk cache, where worker processes find it; from a warm cache this takes a moment.
    `dtype` is float64 or float32.
    """
    width, horizon = 2, 2
    W = np.eye(width, dtype=dtype)[None]
    tokens = np.ones((horizon, 1, width), dtype=dtype)
    vector, none = tokens[0], np.empty((0, width), dtype=dtype)
    preactivation, hidden = backend.forward(W, W[0], tokens, RELU)
    backend.forward_low_rank(W, W[0], tokens, tokens[:1], tokens[:1], RELU)
    pattern = backend.activation_pattern(preactivation, RELU)
    backend.activate(preactivation, RELU)
    residual = backend.residuals(W[0], hidden, tokens)
    backend.loss(residual)
    signals = backend.backward(W, W[0], pattern, residual)
    backend.weight_gradient(signals, hidden, 1)
    batches, losses, norms = np.empty((1, 0), dtype=np.int64), np.empty(1), np.empty(1)
    backend.descend(W.copy(), W[0], W[0], tokens, tokens, RELU, 1.0, batches, 0, 1, 0.0, 1.0, losses, norms)
    backend.products(W[0], vector)
    backend.adjoint_products(W[0], vector)
    layers = pattern[:, 0].copy()
    backend.apply_product(W, layers, vector)
    backend.apply_product_adjoint(W, layers, vector)
    backend.product_norm(W, layers, W, none, vector[0], 1e-3, 1)
