"""Forward pass, loss, backpropagation through time and layer products compiled by numba: `reference.py`, for speed.

Same functions, names, argument order and results as `reference.py`, whose docstrings state the mathematics, the shapes
and the sources; what is said here is only how the work is arranged. Products with W are those of `thin.py`. Arrays are
C-contiguous; compiled code is made per dtype on first use (`backend.warm_up`). Nothing raises: what goes wrong is a
status or a non-finite value.
"""

from __future__ import annotations

import numpy as np

from rnnconv_cli.kernels.activations import LINEAR, RELU
from rnnconv_cli.kernels.arrays import LINE_BYTES, Array, empty_aligned
from rnnconv_cli.kernels.jit import kernel, part, piece
from rnnconv_cli.kernels.reference import DIVERGED, REACHED, RUNNING
from rnnconv_cli.kernels.thin import adjoint_products_into, products_into, spare_size, step_down_into, tiles_of
from rnnconv_cli.kernels.threads import meet, share, side_by_side, threads_for

# --- pieces: each writes into an array that its caller owns -----------------------------------------------------------


@part
def weights_of_layer(W: Array, layer: int) -> Array:
    """Return the (m, m) matrix that produces layer `layer` + 1, counted from zero: a view."""
    matrix: Array = W[layer if W.shape[0] > 1 else 0]
    return matrix


@part
def rows_of_layers(array: Array, first: int, last: int) -> Array:
    """Return layers [first, last) of a C-contiguous (L, n, m) array as one (n (last - first), m) matrix: a view.

    The slice is taken in one dimension, where the compiler knows that it stays contiguous.
    """
    _, n_sequences, width = array.shape
    size = n_sequences * width
    return array.reshape(array.size)[first * size : last * size].reshape((last - first) * n_sequences, width)


@part
def flat(array: Array) -> Array:
    """Return all entries of a C-contiguous array in one dimension: a view.

    Elementwise work below is written as loops over such views: they compile several times faster than array expressions
    and run as fast.
    """
    return array.reshape(array.size)


@part
def empty_like_aligned(array: Array) -> Array:
    """Return an array of the same shape, not filled, that begins on a cache line."""
    room = np.empty(array.size + LINE_BYTES // array.itemsize, dtype=array.dtype)
    start = -room.ctypes.data % LINE_BYTES // array.itemsize
    return room[start : start + array.size].reshape(array.shape)


@part
def zero(target: Array) -> None:
    """Write zeros."""
    for k in range(target.size):
        target[k] = 0


@part
def copy_into(target: Array, source: Array) -> None:
    """Write a copy, entry by entry."""
    for k in range(target.size):
        target[k] = source[k]


@part
def add_into(target: Array, factor: float, addend: Array) -> None:
    """Add factor * addend, entry by entry, in place."""
    for k in range(target.size):
        target[k] += factor * addend[k]


@part
def scale_into(target: Array, factors: Array) -> None:
    """Multiply entry by entry, in place."""
    for k in range(target.size):
        target[k] *= factors[k]


@part
def activate_into(g: Array, activation: int, h: Array) -> None:
    """Write h = relu(g), g or tanh(g). A NaN stays a NaN: it is not below zero."""
    if activation == RELU:
        for k in range(g.size):
            h[k] = 0 if g[k] <= 0 else g[k]
    elif activation == LINEAR:
        copy_into(h, g)
    else:
        for k in range(g.size):
            h[k] = np.tanh(g[k])


@part
def pattern_into(g: Array, activation: int, slope: Array) -> None:
    """Write the diagonals of D: 1[g >= 0] for ReLU, h'(g) otherwise."""
    if activation == RELU:
        for k in range(g.size):
            slope[k] = 1 if g[k] >= 0 else 0
    elif activation == LINEAR:
        for k in range(g.size):
            slope[k] = 1
    else:
        for k in range(g.size):
            slope[k] = 1 - np.tanh(g[k]) ** 2


@piece
def carry_back_into(
    W: Array, B: Array, residual: Array, layer: int, signals: Array, later: int, first: int, last: int, carried: Array
) -> None:
    """Write neurons [first, last) of B^T loss_l + W^T signals_{l+1}; signals_{l+1}, where there is one, at `later`."""
    for i in range(carried.shape[0]):
        zero(carried[i][first:last])
    adjoint_products_into(B, residual[layer], first, last, carried)
    if layer < residual.shape[0] - 1:
        adjoint_products_into(weights_of_layer(W, layer + 1), signals[later], first, last, carried)


@piece
def residuals_into(
    B: Array, hidden: Array, place: int, minus_labels: Array, first: int, last: int, residual: Array
) -> None:
    """Write B h_l - y*_l for layers [first, last) and all sequences; the h of the first lies at `place`."""
    products_into(
        B,
        rows_of_layers(hidden, place, place + last - first),
        rows_of_layers(minus_labels, first, last),
        0,
        B.shape[0],
        rows_of_layers(residual, first, last),
    )


@piece
def weight_gradient_into(signals: Array, hidden: Array, gradient: Array) -> None:
    """Write the gradient: one product over all steps and sequences, or one per layer where each has its own matrix."""
    horizon = hidden.shape[0]
    if gradient.shape[0] == 1:
        np.dot(rows_of_layers(signals, 1, horizon).T, rows_of_layers(hidden, 0, horizon - 1), out=gradient[0])
    else:
        zero(flat(gradient[0]))
        for layer in range(1, horizon):
            np.dot(signals[layer].T, hidden[layer - 1], out=gradient[layer])


def input_products(A: Array, x: Array) -> Array:
    """Return A x_l for all layers and sequences, (L, n, m)."""
    horizon, n_sequences, input_dim = x.shape
    tokens = x.reshape(horizon * n_sequences, input_dim)
    return adjoint_products(np.ascontiguousarray(A.T), tokens).reshape(horizon, n_sequences, A.shape[0])


@piece
def input_products_into(columns: Array, tokens: Array, first: int, last: int, result: Array) -> None:
    """Write neurons [first, last) of A x_l; `columns` are those of A, as rows: the sums run along them."""
    for i in range(result.shape[0]):
        zero(result[i][first:last])
    adjoint_products_into(columns, tokens, first, last, result)


# --- the kernels ------------------------------------------------------------------------------------------------------


def activate(preactivation: Array, activation: int) -> Array:
    """Return h = relu(g), g or tanh(g), by code."""
    return activated(preactivation.reshape(preactivation.size), activation).reshape(preactivation.shape)


@kernel
def activated(g: Array, activation: int) -> Array:
    """Return h of neurons in a row: arrays of any number of dimensions need no code of their own."""
    h = np.empty_like(g)
    activate_into(g, activation, h)
    return h


def activation_pattern(preactivation: Array, activation: int) -> Array:
    """Return the diagonals of D: 1[g >= 0] for ReLU (Definition 2.2), h'(g) otherwise."""
    return slopes(preactivation.reshape(preactivation.size), activation).reshape(preactivation.shape)


@kernel
def slopes(g: Array, activation: int) -> Array:
    """Return the diagonal of D of neurons in a row."""
    slope = np.empty_like(g)
    pattern_into(g, activation, slope)
    return slope


def forward(W: Array, A: Array, x: Array, activation: int) -> tuple[Array, Array]:
    """Return (g, h) with h_0 = 0, g_l = W h_{l-1} + A x_l (Section 2.1)."""
    none = np.empty((0, 0, W.shape[1]), dtype=W.dtype)
    return forward_low_rank(W, A, x, none, none, activation)


def forward_low_rank(W: Array, A: Array, x: Array, left: Array, right: Array, activation: int) -> tuple[Array, Array]:
    """Return (g, h) where sequence i runs through W + sum_r left_{i,r} right_{i,r}^T."""
    return run_through(W, input_products(A, x), left, right, activation)


@kernel
def run_through(W: Array, inputs: Array, left: Array, right: Array, activation: int) -> tuple[Array, Array]:
    """Return (g, h) where sequence i runs through W + sum_r left_{i,r} right_{i,r}^T, `inputs` being A x."""
    preactivation, hidden = np.empty_like(inputs), empty_like_aligned(inputs)
    for layer in range(inputs.shape[0]):
        g = preactivation[layer]
        if layer == 0:
            copy_into(flat(g), flat(inputs[0]))
        else:
            products_into(weights_of_layer(W, layer), hidden[layer - 1], inputs[layer], 0, W.shape[1], g)
            for i in range(left.shape[0]):
                for r in range(left.shape[1]):
                    add_into(g[i], np.dot(right[i, r], hidden[layer - 1, i]), left[i, r])
        activate_into(flat(g), activation, flat(hidden[layer]))
    return preactivation, hidden


def residuals(B: Array, hidden: Array, labels: Array) -> Array:
    """Return B h_{i,l} - y*_{i,l} for l >= 2 and zeros at l = 1 (footnote 6)."""
    horizon, n_sequences, output_dim = labels.shape
    minus_labels = np.negative(labels, order="C").reshape(horizon * n_sequences, output_dim)
    residual = products_plus(B, hidden.reshape(horizon * n_sequences, B.shape[1]), minus_labels).reshape(labels.shape)
    residual[0] = 0
    return residual


@kernel
def loss(residual: Array) -> float:
    """Return f = 1/2 sum_i sum_{l>=2} ||loss_{i,l}||^2, summed in float64."""
    total = 0.0
    for entry in flat(residual):
        total += float(entry) * float(entry)
    return 0.5 * total


def backward(W: Array, B: Array, pattern: Array, residual: Array) -> Array:
    """Return signals_l = D_l sum_{a>=l} Back_{l->a}^T loss_a by the recursion down from l = L (Fact 2.5)."""
    signals = pattern.copy()
    backward_into(W, B, residual, signals, np.empty_like(signals[0]))
    return signals


@kernel
def backward_into(W: Array, B: Array, residual: Array, signals: Array, carried: Array) -> None:
    """Turn the diagonals of D in `signals` into the signals; leave in `carried` what l = 1 is reached by, before D."""
    for layer in range(residual.shape[0] - 1, -1, -1):
        carry_back_into(W, B, residual, layer, signals, layer + 1, 0, carried.shape[1], carried)
        if layer < signals.shape[0]:
            scale_into(flat(signals[layer]), flat(carried))


@kernel
def weight_gradient(signals: Array, hidden: Array, n_matrices: int) -> Array:
    """Return grad f = sum_i sum_{l>=2} signals_{i,l} h_{i,l-1}^T, shape (K, m, m) (Fact 2.5)."""
    width = hidden.shape[2]
    gradient = np.empty((n_matrices, width, width), dtype=hidden.dtype)
    weight_gradient_into(signals, hidden, gradient)
    return gradient


@piece
def weigh_batch(batch: Array, residual: Array) -> None:
    """Multiply the residuals of sequence i by n/|S| times the number of times that i was drawn."""
    horizon, n_sequences, output_dim = residual.shape
    drawn = np.zeros(n_sequences)
    for i in batch:
        drawn[i] += n_sequences / batch.size
    for layer in range(horizon):
        for i in range(n_sequences):
            for k in range(output_dim):
                residual[layer, i, k] *= drawn[i]


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

    Buffers are made once. Beside W there are three numbers for each layer, sequence and neuron: A x, which is made
    once, h, and `signals`, which holds g on the way forward and the signals on the way back.

    Of a run in segments of k layers, h and `signals` hold one segment, A x one layer. The way forward leaves in
    `starts` the h before each segment; the way back goes forward through each but the last segment again, from there.
    It sums up the gradient in one more copy of a W that is shared over time. The bits are those of a run without.
    """
    horizon, n_sequences, _ = x.shape
    (n_matrices, width, _), layers = W.shape, max(1, horizon - 1)  # the first layer is the same at every step
    held = min(segment, layers) if segment > 0 else layers
    n_segments = (layers + held - 1) // held
    inputs = input_products(A, x) if n_segments == 1 else np.empty((1, n_sequences, width), dtype=W.dtype)
    hidden = empty_aligned((held + 1, n_sequences, width), W.dtype)
    signals = np.empty((held, n_sequences, width), dtype=W.dtype)
    starts = np.empty((n_segments - 1, n_sequences, width), dtype=W.dtype)
    gradient = empty_aligned((width if n_segments > 1 and n_matrices == 1 else 0, width), W.dtype)
    squares, columns = np.zeros((n_matrices, tiles_of(width))), np.ascontiguousarray(A.T)
    minus_labels, residual = -labels, np.zeros_like(labels)
    carried, parts = empty_aligned((n_sequences, width), W.dtype), threads_for(width, n_sequences)
    depth = n_sequences * (held if n_matrices == 1 else 1)
    spares = empty_aligned((parts, spare_size(depth, W.itemsize)), W.dtype)

    def run(part: int, counters: Array) -> tuple[int, int]:
        return take_steps(
            part,
            parts,
            counters,
            W,
            columns,
            B,
            x,
            minus_labels,
            activation,
            learning_rate,
            batches,
            first_step,
            last_step,
            target,
            limit,
            losses,
            gradient_norms,
            inputs,
            hidden,
            signals,
            starts,
            gradient,
            squares,
            residual,
            carried,
            spares[part],
        )

    return side_by_side(run, parts)


@piece
def segment_into(
    W: Array,
    columns: Array,
    x: Array,
    activation: int,
    begin: int,
    end: int,
    first: int,
    last: int,
    parts: int,
    counters: Array,
    inputs: Array,
    hidden: Array,
    signals: Array,
) -> None:
    """Write neurons [first, last) of layers [begin, end), g to `signals` and h to `hidden` after h_{begin - 1}.

    `inputs` holds A x for all layers, or is room for one.
    """
    for layer in range(begin, end):
        g, h, place = signals[layer - begin], hidden[layer - begin + 1], layer
        if inputs.shape[0] < x.shape[0]:
            place = 0
            input_products_into(columns, x[layer], first, last, inputs[0])
        products_into(weights_of_layer(W, layer), hidden[layer - begin], inputs[place], first, last, g)
        for i in range(g.shape[0]):
            activate_into(g[i][first:last], activation, h[i][first:last])
        if parts > 1:
            meet(counters, parts)


@piece
def update_into(
    W: Array,
    learning_rate: float,
    begin: int,
    end: int,
    hidden: Array,
    signals: Array,
    gradient: Array,
    first: int,
    last: int,
    spare: Array,
    squares: Array,
) -> None:
    """Take the step of rows [first, last) of the matrices of layers [begin, end), which come from last to first.

    Where one matrix is shared over time, `gradient` gathers its part of each segment, and the first takes the step.
    """
    if W.shape[0] == 1:
        left, right = rows_of_layers(signals, 0, end - begin), rows_of_layers(hidden, 0, end - begin)
        step_down_into(W[0], learning_rate, left, right, gradient, begin == 1, first, last, spare, squares[0])
    else:
        for k in range(begin, end):
            left, right = signals[k - begin], hidden[k - begin]
            step_down_into(W[k], learning_rate, left, right, gradient, True, first, last, spare, squares[k])


@part
def copy_neurons_into(target: Array, source: Array, first: int, last: int) -> None:
    """Write a copy of neurons [first, last) of a layer."""
    for i in range(target.shape[0]):
        copy_into(target[i][first:last], source[i][first:last])


@kernel
def take_steps(
    part: int,
    parts: int,
    counters: Array,
    W: Array,
    columns: Array,
    B: Array,
    x: Array,
    minus_labels: Array,
    activation: int,
    learning_rate: float,
    batches: Array,
    first_step: int,
    last_step: int,
    target: float,
    limit: float,
    losses: Array,
    gradient_norms: Array,
    inputs: Array,
    hidden: Array,
    signals: Array,
    starts: Array,
    gradient: Array,
    squares: Array,
    residual: Array,
    carried: Array,
    spare: Array,
) -> tuple[int, int]:
    """Do a thread's share of `descend`: its neurons in every layer, its rows of W.

    Residuals and loss are work for the first; all read the loss, and come to the same decision. Nothing is allocated
    that grows with the problem: for want of memory one thread would leave the others waiting. Signals of l = 1 are not
    needed.
    """
    horizon, n_sequences, _ = x.shape
    held, n_segments, width = signals.shape[0], starts.shape[0] + 1, W.shape[1]
    first, last = share(width, part, parts)
    input_products_into(columns, x[0], first, last, carried)
    for i in range(n_sequences):
        activate_into(carried[i][first:last], activation, hidden[0, i][first:last])
    if n_segments > 1:
        copy_neurons_into(starts[0], hidden[0], first, last)
    if parts > 1:
        meet(counters, parts)
    for step in range(first_step, last_step):
        for s in range(n_segments):
            begin, end = 1 + s * held, min(1 + (s + 1) * held, horizon)
            if s > 0:
                copy_neurons_into(hidden[0], hidden[held], first, last)
                if s < n_segments - 1:
                    copy_neurons_into(starts[s], hidden[0], first, last)
                if parts > 1:
                    meet(counters, parts)
            segment_into(W, columns, x, activation, begin, end, first, last, parts, counters, inputs, hidden, signals)
            if part == 0:
                residuals_into(B, hidden, 1, minus_labels, begin, end, residual)
        if part == 0:
            losses[step] = loss(residual)
            if batches.shape[1] > 0:
                weigh_batch(batches[step], residual)
        if parts > 1:
            meet(counters, parts)
        value = losses[step]
        if not (np.isfinite(value) and value <= limit):
            return step, DIVERGED
        if value <= target:
            return step, REACHED
        zero(flat(gradient)[first * width : last * width])
        carry_back_into(W, B, residual, horizon - 1, signals, 0, first, last, carried)
        for s in range(n_segments - 1, -1, -1):
            begin, end = 1 + s * held, min(1 + (s + 1) * held, horizon)
            if s < n_segments - 1:
                copy_neurons_into(hidden[0], starts[s], first, last)
                if parts > 1:
                    meet(counters, parts)
                segment_into(
                    W, columns, x, activation, begin, end, first, last, parts, counters, inputs, hidden, signals
                )
            for layer in range(end - 1, begin - 1, -1):
                signal = signals[layer - begin]
                for i in range(n_sequences):
                    pattern_into(signal[i][first:last], activation, signal[i][first:last])
                    scale_into(signal[i][first:last], carried[i][first:last])
                if parts > 1:
                    meet(counters, parts)
                if layer > 1:
                    carry_back_into(W, B, residual, layer - 1, signals, layer - begin, first, last, carried)
            if parts > 1 and begin > 1 and W.shape[0] > 1:
                meet(counters, parts)  # all have read W of the segment's first layer
            update_into(W, learning_rate, begin, end, hidden, signals, gradient, first, last, spare, squares)
            if parts > 1:
                meet(counters, parts)
        if part == 0:
            gradient_norms[step] = np.sum(squares)
    return last_step, RUNNING


@kernel
def products_plus(W: Array, vectors: Array, addend: Array) -> Array:
    """Return W v + u for each row v of `vectors` and u of `addend`."""
    results = np.empty_like(addend)
    products_into(W, vectors, addend, 0, W.shape[0], results)
    return results


def products(W: Array, vectors: Array) -> Array:
    """Return W v for each row v of `vectors`."""
    return products_plus(W, vectors, np.zeros((vectors.shape[0], W.shape[0]), dtype=vectors.dtype))


def adjoint_products(W: Array, vectors: Array) -> Array:
    """Return W^T v for each row v of `vectors`: what reaches the only layer of a network whose B is W."""
    carried = np.empty((vectors.shape[0], W.shape[1]), dtype=vectors.dtype)
    backward_into(W[None], W, vectors[None], np.empty((0, *carried.shape), dtype=vectors.dtype), carried)
    return carried


@kernel
def apply_product(W: Array, pattern: Array, vectors: Array) -> Array:
    """Return all partial products D_k W ... D_1 W z for k = 1..K, one z per row of `vectors`; (K, r, m)."""
    n_layers = pattern.shape[0]
    partial = np.empty((n_layers, vectors.shape[0], vectors.shape[1]), dtype=vectors.dtype)
    nothing = np.zeros_like(vectors)
    for layer in range(n_layers):
        current = vectors if layer == 0 else partial[layer - 1]
        products_into(weights_of_layer(W, layer), current, nothing, 0, W.shape[1], partial[layer])
        for row in range(vectors.shape[0]):
            scale_into(partial[layer, row], pattern[layer])
    return partial


@kernel
def apply_product_adjoint(W: Array, pattern: Array, vectors: Array) -> Array:
    """Return (D_K W ... D_1 W)^T z for each row z of `vectors`."""
    current, carried = vectors.copy(), np.empty_like(vectors)
    for layer in range(pattern.shape[0] - 1, -1, -1):
        for row in range(vectors.shape[0]):
            scale_into(current[row], pattern[layer])
        zero(flat(carried))
        adjoint_products_into(weights_of_layer(W, layer), current, 0, W.shape[2], carried)
        current, carried = carried, current
    return current


# --- spectral norm of a product, never formed -------------------------------------------------------------------------


@part
def length(vector: Array) -> float:
    """Return the Euclidean norm in float64."""
    return float(np.sqrt(float(np.dot(vector, vector))))


@part
def product_into(W: Array, pattern: Array, adjoint: bool, vector: Array, spare: Array, result: Array) -> None:
    """Write D_K W ... D_1 W z, or its adjoint applied to z, for one vector z; `spare` has room for two."""
    n_layers, width = pattern.shape
    current, nothing, product = spare[0].reshape(1, width), spare[1].reshape(1, width), result.reshape(1, width)
    zero(spare[1])
    copy_into(result, vector)
    for step in range(n_layers):
        copy_into(spare[0], result)
        if adjoint:
            scale_into(spare[0], pattern[n_layers - 1 - step])
            zero(result)
            adjoint_products_into(weights_of_layer(W, n_layers - 1 - step), current, 0, width, product)
        else:
            products_into(weights_of_layer(W, step), current, nothing, 0, width, product)
            scale_into(result, pattern[step])


@part
def difference_into(
    W: Array,
    pattern: Array,
    W_other: Array,
    pattern_other: Array,
    adjoint: bool,
    vector: Array,
    spare: Array,
    result: Array,
) -> float:
    """Write (M - M') z, or its adjoint applied to z; return ||M z|| + ||M' z||, which round-off is relative to."""
    product_into(W, pattern, adjoint, vector, spare, result)
    reach = length(result)
    if pattern_other.shape[0] > 0:
        product_into(W_other, pattern_other, adjoint, vector, spare, spare[2])
        reach += length(spare[2])
        add_into(result, -1, spare[2])
    return reach


@part
def leading_rows(basis: Array, count: int) -> Array:
    """Return the first `count` rows of a C-contiguous matrix: a view that the compiler knows to be contiguous."""
    width = basis.shape[1]
    return basis.reshape(basis.size)[: count * width].reshape(count, width)


@part
def orthonormalise(basis: Array, count: int, spare: Array) -> float:
    """Make row `count` of `basis` orthogonal to the rows before it and of length 1; return its length in between.

    Gram-Schmidt twice: once leaves a component of the order of eps times the lost length. A zero row is left zero.
    """
    vector, rows, width = basis[count], leading_rows(basis, count), basis.shape[1]
    if count > 0:
        weights = np.empty(count, dtype=basis.dtype)
        for _ in range(2):
            np.dot(rows, vector, out=weights)
            np.dot(rows.T, weights, out=spare)
            add_into(vector, -1, spare)
    remaining = length(vector)
    if remaining > 0:
        for k in range(width):
            vector[k] /= remaining
    return remaining


@piece
def top_of_bidiagonal(diagonal: Array, above: Array, size: int) -> tuple[float, float, Array]:
    """Return (largest singular value, modulus of the last component of its left vector, its right vector)."""
    bidiagonal = np.zeros((size, size))
    for k in range(size):
        bidiagonal[k, k] = diagonal[k]
        if k > 0:
            bidiagonal[k - 1, k] = above[k - 1]
    left, values, right = np.linalg.svd(bidiagonal)
    return values[0], abs(left[size - 1, 0]), right[0].copy()


@kernel
def product_norm(
    W: Array, pattern: Array, W_other: Array, pattern_other: Array, start: Array, tolerance: float, max_steps: int
) -> tuple[float, float, Array]:
    """Return (||M - M'||_2, bound on its relative error, right singular vector) for M = D_K W ... D_1 W.

    Golub-Kahan-Lanczos bidiagonalisation from `start` (drawn at random, so that no singular vector is missed) with full
    reorthogonalisation: after k steps (M - M') V = U B and (M - M')^T U = V B^T + beta v e_k^T, so that the largest
    singular value of B lies within beta |last component of its left vector| of a singular value of M - M'. To this the
    round-off of applying M and M' is added, which counts where they nearly cancel. The run stops where the bound is at
    most `tolerance`, where only round-off is left, or after `max_steps`. B's value is never above the norm: a run that
    is too short makes it too small, and the bound says by how much. (0, 0) for a zero operator; (nan, inf) on overflow.
    """
    width, n_steps, eps = start.size, min(max_steps, start.size), np.finfo(start.dtype).eps
    lefts, rights = np.zeros((n_steps, width), dtype=start.dtype), np.zeros((n_steps + 1, width), dtype=start.dtype)
    diagonal, above, spare = np.zeros(n_steps), np.zeros(n_steps), np.empty((3, width), dtype=start.dtype)
    copy_into(rights[0], start)
    orthonormalise(rights, 0, spare[0])
    reach, next_look = 0.0, 1
    for step in range(n_steps):
        applied = difference_into(W, pattern, W_other, pattern_other, False, rights[step], spare, lefts[step])
        diagonal[step] = orthonormalise(lefts, step, spare[0])
        difference_into(W, pattern, W_other, pattern_other, True, lefts[step], spare, rights[step + 1])
        above[step] = orthonormalise(rights, step + 1, spare[0])
        if not np.isfinite(diagonal[step] + above[step]):
            break
        size, reach, exhausted = step + 1, max(reach, applied), above[step] == 0 or step + 1 == n_steps
        if size < next_look and not exhausted:
            continue
        norm, last, weights = top_of_bidiagonal(diagonal, above, size)
        residual, round_off = above[step] * last, eps * width * reach
        if exhausted or residual + round_off <= tolerance * norm or residual <= round_off:
            np.dot(leading_rows(rights, size).T, weights.astype(start.dtype), out=spare[0])
            return norm, (residual + round_off) / norm if norm > 0 else 0.0, spare[0].copy()
        next_look = size + max(1, size // 8)
    return np.nan, np.inf, rights[0].copy()
