"""Forward pass, loss, backpropagation through time and layer products in NumPy: the oracle, written beside the paper.

Shape vocabulary, used by every function here and in `compiled.py`:

    L       horizon, n sequences, m width, d_x input dimension, d output dimension
    W       (K, m, m)   K = 1: one matrix shared over time; K = L: W[l - 1] belongs to layer l (feed-forward)
    A, B    (m, d_x), (d, m)
    x       (L, n, d_x)     x[l - 1, i] is token l of sequence i
    labels  (L, n, d)       labels[0] is never used: the loss starts at l = 2
    preactivation, hidden, pattern, signals   (L, n, m);   residual  (L, n, d)

All arrays of one call have one floating dtype and are C-contiguous. `activation` is a code from `activations.py`.
"""

from __future__ import annotations

import numpy as np

from rnnconv_cli.kernels.activations import LINEAR, RELU
from rnnconv_cli.kernels.arrays import Array

RUNNING, REACHED, DIVERGED = 0, 1, 2


def weights_of_layer(W: Array, layer: int) -> Array:
    """Return the (m, m) matrix that produces layer `layer` + 1, counted from zero."""
    matrix: Array = W[layer if W.shape[0] > 1 else 0]
    return matrix


def activate(preactivation: Array, activation: int) -> Array:
    """Return h = relu(g), g or tanh(g), by code."""
    if activation == RELU:
        return np.maximum(preactivation, 0)
    return preactivation.copy() if activation == LINEAR else np.tanh(preactivation)


def activation_pattern(preactivation: Array, activation: int) -> Array:
    """Return the diagonals of D: 1[g >= 0] for ReLU (Definition 2.2: zero counts as active), h'(g) otherwise."""
    if activation == RELU:
        return (preactivation >= 0).astype(preactivation.dtype)
    if activation == LINEAR:
        return np.ones_like(preactivation)
    return 1 - np.tanh(preactivation) ** 2


def forward(W: Array, A: Array, x: Array, activation: int) -> tuple[Array, Array]:
    """Return (g, h) with h_0 = 0, g_l = W h_{l-1} + A x_l, h_l = relu(g_l) (Section 2.1)."""
    none = np.zeros((x.shape[1], 0, W.shape[1]), dtype=W.dtype)
    return forward_low_rank(W, A, x, none, none, activation)


def forward_low_rank(W: Array, A: Array, x: Array, left: Array, right: Array, activation: int) -> tuple[Array, Array]:
    """Return (g, h) where sequence i runs through W + sum_r left_{i,r} right_{i,r}^T; left and right are (n, r, m)."""
    horizon, n_sequences, _ = x.shape
    preactivation = np.empty((horizon, n_sequences, W.shape[1]), dtype=W.dtype)
    hidden = np.empty_like(preactivation)
    previous = np.zeros_like(preactivation[0])
    for layer in range(horizon):
        overlaps = np.sum(right * previous[:, None], axis=2)
        kick = np.sum(left * overlaps[:, :, None], axis=1)
        preactivation[layer] = previous @ weights_of_layer(W, layer).T + kick + x[layer] @ A.T
        hidden[layer] = activate(preactivation[layer], activation)
        previous = hidden[layer]
    return preactivation, hidden


def residuals(B: Array, hidden: Array, labels: Array) -> Array:
    """Return loss_{i,l} = B h_{i,l} - y*_{i,l} for l >= 2 and zeros at l = 1 (footnote 6)."""
    residual = hidden @ B.T - labels
    residual[0] = 0
    return residual


def loss(residual: Array) -> float:
    """Return f = 1/2 sum_i sum_{l>=2} ||loss_{i,l}||^2: a sum, not a mean (Section 2.1)."""
    return float(0.5 * np.sum(residual * residual))


def backward(W: Array, B: Array, pattern: Array, residual: Array) -> Array:
    """Return signals_l = D_l sum_{a>=l} Back_{l->a}^T loss_a by the recursion down from l = L (Fact 2.5)."""
    signals = np.empty_like(pattern)
    carried = np.zeros_like(pattern[0])
    for layer in range(pattern.shape[0] - 1, -1, -1):
        signals[layer] = pattern[layer] * (carried + residual[layer] @ B)
        carried = signals[layer] @ weights_of_layer(W, layer)
    return signals


def weight_gradient(signals: Array, hidden: Array, n_matrices: int) -> Array:
    """Return grad f = sum_i sum_{l>=2} signals_{i,l} h_{i,l-1}^T, shape (K, m, m), K = n_matrices (Fact 2.5)."""
    horizon, _, width = hidden.shape
    gradient = np.zeros((n_matrices, width, width), dtype=hidden.dtype)
    for layer in range(1, horizon):
        weights_of_layer(gradient, layer)[:] += signals[layer].T @ hidden[layer - 1]
    return gradient


@np.errstate(over="ignore", invalid="ignore")
def descend(
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
) -> tuple[int, int]:
    """Take steps W <- W - eta (n/|S|) sum_{i in S} grad f_i in place (Theorems 1 and 2); return (step, status).

    At each step t in [first_step, last_step) losses[t] = f(W_t) is recorded first; the run ends REACHED where it is at
    most `target` and DIVERGED where it is not finite or above `limit`, both before W_t is changed. `batches` is
    (last step of the whole run, |S|) int64, row t the sequences of step t; an empty second axis means gradient descent
    on all of them. gradient_norms[t] = ||the step's gradient||_F^2. `losses` and `gradient_norms` are float64.
    `segment` says for how many layers at a time a backend may hold states, 0 for all; here it is not needed. It costs
    memory or time and changes no bit.
    """
    n_sequences = x.shape[1]
    for step in range(first_step, last_step):
        preactivation, hidden = forward(W, A, x, activation)
        residual = residuals(B, hidden, labels)
        losses[step] = loss(residual)
        if not (np.isfinite(losses[step]) and losses[step] <= limit):
            return step, DIVERGED
        if losses[step] <= target:
            return step, REACHED
        if batches.shape[1] > 0:
            drawn = np.bincount(batches[step], minlength=n_sequences).astype(W.dtype)
            residual *= (drawn * (n_sequences / batches.shape[1]))[None, :, None]
        pattern = activation_pattern(preactivation, activation)
        gradient = weight_gradient(backward(W, B, pattern, residual), hidden, W.shape[0])
        gradient_norms[step] = np.sum(gradient * gradient)
        W -= W.dtype.type(learning_rate) * gradient
    return last_step, RUNNING


def products(W: Array, vectors: Array) -> Array:
    """Return W v for each row v: W (p, q), vectors (r, q) -> (r, p)."""
    return np.asarray(vectors @ W.T)


def adjoint_products(W: Array, vectors: Array) -> Array:
    """Return W^T v for each row v: W (p, q), vectors (r, p) -> (r, q)."""
    return np.asarray(vectors @ W)


def apply_product(W: Array, pattern: Array, vectors: Array) -> Array:
    """Return all partial products D_k W ... D_1 W z for k = 1..K of one sequence.

    pattern (K, m): the diagonals, first layer first; vectors (r, m): one z per row; result (K, r, m). With one matrix
    per layer, W[k - 1] goes with pattern[k - 1].
    """
    partial = np.empty((pattern.shape[0], *vectors.shape), dtype=vectors.dtype)
    current = vectors
    for layer in range(pattern.shape[0]):
        current = pattern[layer] * (current @ weights_of_layer(W, layer).T)
        partial[layer] = current
    return partial


def apply_product_adjoint(W: Array, pattern: Array, vectors: Array) -> Array:
    """Return (D_K W ... D_1 W)^T z for each row z of vectors (r, m); with vectors = B this is Back^T, row by row."""
    current = vectors
    for layer in range(pattern.shape[0] - 1, -1, -1):
        current = (pattern[layer] * current) @ weights_of_layer(W, layer)
    return current


@np.errstate(over="ignore", invalid="ignore")
def product_norm(
    W: Array, pattern: Array, W_other: Array, pattern_other: Array, start: Array, tolerance: float, max_steps: int
) -> tuple[float, float, Array]:
    """Return (||M - M'||_2, bound on its relative error, right singular vector) for M = D_K W ... D_1 W.

    M' is the product of the other arrays; an empty `pattern_other` (0, m) means M' = 0. (0, 0) for a zero operator and
    (nan, inf) on overflow, each with an arbitrary vector. Here the product is formed and decomposed densely, so the
    bound is the round-off of M and M', relative to their difference; `tolerance` and `max_steps` are not needed.
    """
    identity = np.eye(W.shape[1], dtype=W.dtype)
    product = apply_product(W, pattern, identity)[-1]
    reach = float(np.linalg.norm(product))
    if pattern_other.shape[0] > 0:
        other = apply_product(W_other, pattern_other, identity)[-1]
        reach, product = reach + float(np.linalg.norm(other)), product - other
    if not np.isfinite(product).all():
        return np.nan, np.inf, start
    _, values, vectors = np.linalg.svd(product.T)
    round_off = float(np.finfo(W.dtype).eps) * W.shape[1] * reach
    return float(values[0]), round_off / float(values[0]) if values[0] > 0 else 0.0, vectors[0]
