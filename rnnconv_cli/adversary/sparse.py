"""Sparse vectors, and changes of few units in every layer, chosen to make a product of layers large.

A product is never formed: vectors go through it, forth and back. What is found is a lower bound of the worst case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.perturbation import State, product_norm, singular_triplet
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.elman import Instance

ALTERNATIONS = 8  # of truncated power iteration: twenty more gain 0.2%, seldom 2%, at widths 256 to 1024
LEAST_RANDOM_STARTS = 8  # 40 starts gain 1% from 8 nonzeros on, and 6% at 2
STARTING_NONZEROS = 64  # of all random starts together: the fewer nonzeros, the more supports have to be tried
POWER_STEPS = 4
ROUNDS = 5  # of ascent over changes of units: a sixth gains 2% where a tenth of the units may change, 8% at a quarter
ENTRIES_AT_ONCE = 64  # columns of a product that are looked at together


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The product D_K W ... D_1 W of consecutive layers of one sequence: W is (1 or K, m, m), diagonals (K, m)."""

    instance: Instance
    W: Array
    diagonals: Array

    @property
    def width(self) -> int:
        """Return m."""
        return int(self.diagonals.shape[1])


def chain_of(state: State, sequence: int, first: int, last: int, *, leading: bool) -> Chain:
    """Return D_last W ... D_first W of a sequence, with one more W to its left if `leading` (trap: (4.4) has it).

    Layers count from zero. With independent layers the leading W is that of layer last + 1.
    """
    diagonals = state.pattern[first : last + 1, sequence]
    if leading:
        diagonals = np.concatenate([diagonals, np.ones((1, diagonals.shape[1]), dtype=diagonals.dtype)])
    W = state.instance.W
    return Chain(
        state.instance, W if W.shape[0] == 1 else W[first : first + len(diagonals)], np.ascontiguousarray(diagonals)
    )


# --- bilinear forms of sparse vectors ---------------------------------------------------------------------------------


def largest_sparse_form(chain: Chain, sparsity: int, rng: np.random.Generator, backend: Backend) -> float:
    """Return the largest |y^T M z| found over unit y, z with at most `sparsity` nonzeros [1] (Lemma B.14).

    Truncated power iteration: y becomes the `sparsity` largest entries of M z, and z those of M^T y; the value never
    falls. It starts from random supports, from a vector near the top right singular ones, and from the columns and the
    rows of W with the largest norms. A single nonzero needs no search, and m of them make the spectral norm.
    """
    _refuse_sparsity(sparsity, chain.width)
    if sparsity == 1:
        return _largest_entry(chain, backend)
    if sparsity == chain.width:
        return product_norm(chain.instance, backend, chain.W, chain.diagonals)
    z, value = _starts(chain, sparsity, rng, backend), np.zeros(1)
    for _ in range(ALTERNATIONS):
        y, _ = largest_part(backend.apply_product(chain.W, chain.diagonals, z)[-1], sparsity)
        z, value = largest_part(backend.apply_product_adjoint(chain.W, chain.diagonals, y), sparsity)
    return float(np.max(value))


def random_sparse_form(chain: Chain, sparsity: int, rng: np.random.Generator, backend: Backend) -> float:
    """Return the largest |y^T M z| over unit y, z on two random supports of `sparsity` units [1], exactly."""
    _refuse_sparsity(sparsity, chain.width)
    if sparsity == chain.width:
        return product_norm(chain.instance, backend, chain.W, chain.diagonals)
    columns, rows = (rng.choice(chain.width, sparsity, replace=False) for _ in range(2))
    block = _columns(chain, columns, backend)[:, rows]
    return float(np.linalg.norm(block, 2)) if np.isfinite(block).all() else float("nan")


def largest_part(vectors: Array, sparsity: int) -> tuple[Array, Array]:
    """Return each row's `sparsity` entries of largest modulus, scaled to length 1, and their length before that.

    A row of zeros stays one.
    """
    chosen = np.argpartition(-np.abs(vectors), sparsity - 1, axis=1)[:, :sparsity]
    kept = np.zeros_like(vectors)
    np.put_along_axis(kept, chosen, np.take_along_axis(vectors, chosen, axis=1), axis=1)
    lengths = np.linalg.norm(kept, axis=1)
    return kept / np.where(lengths > 0, lengths, 1)[:, None], lengths


def _starts(chain: Chain, sparsity: int, rng: np.random.Generator, backend: Backend) -> Array:
    """Return sparse unit vectors to climb from, (r, m)."""
    width = chain.width
    n_random = max(LEAST_RANDOM_STARTS, STARTING_NONZEROS // sparsity)
    entries = rng.standard_normal((n_random + 2, sparsity))
    vectors = np.zeros((n_random + 3, width), dtype=chain.W.dtype)
    for start in range(n_random):
        vectors[start, rng.choice(width, sparsity, replace=False)] = entries[start]
    columns = np.linalg.norm(chain.diagonals[0][:, None] * weights_of_layer(chain.W, 0), axis=0)
    vectors[n_random, np.argsort(-columns, kind="stable")[:sparsity]] = entries[n_random]
    rows = np.linalg.norm(weights_of_layer(chain.W, len(chain.diagonals) - 1), axis=1) * chain.diagonals[-1]
    left = np.zeros((1, width), dtype=chain.W.dtype)
    left[0, np.argsort(-rows, kind="stable")[:sparsity]] = entries[n_random + 1]
    vectors[n_random + 1] = backend.apply_product_adjoint(chain.W, chain.diagonals, left)[0]
    vectors[n_random + 2] = _power_iterated(chain, rng.standard_normal((1, width)).astype(chain.W.dtype), backend)
    return largest_part(vectors, sparsity)[0]


def _power_iterated(chain: Chain, vector: Array, backend: Backend) -> Array:
    """Return a vector that leans toward the top right singular ones: a start needs no more."""
    for _ in range(POWER_STEPS):
        left = backend.apply_product(chain.W, chain.diagonals, vector)[-1]
        vector, _ = largest_part(backend.apply_product_adjoint(chain.W, chain.diagonals, left), chain.width)
    return np.asarray(vector[0])


def _largest_entry(chain: Chain, backend: Backend) -> float:
    """Return max |M_jk|, column by column: all of them are looked at, a few at a time."""
    largest = 0.0
    for first in range(0, chain.width, ENTRIES_AT_ONCE):
        block = _columns(chain, np.arange(first, min(first + ENTRIES_AT_ONCE, chain.width)), backend)
        largest = float(np.maximum(largest, np.max(np.abs(block))))  # a NaN stays one
    return largest


def _columns(chain: Chain, columns: Array, backend: Backend) -> Array:
    """Return columns of the product, one per row: (k, m)."""
    unit = np.zeros((len(columns), chain.width), dtype=chain.W.dtype)
    unit[np.arange(len(columns)), columns] = 1
    return np.asarray(backend.apply_product(chain.W, chain.diagonals, unit)[-1])


def _refuse_sparsity(sparsity: int, width: int) -> None:
    if not 1 <= sparsity <= width:
        raise MeasurementError("sparsity", f"found {sparsity} of {width} units, wanted between 1 and all of them")


# --- backward signals of sparse vectors -------------------------------------------------------------------------------


def backward_signals(chain: Chain, backend: Backend) -> Array:
    """Return B D_K W ... D_1 W, (d, m)."""
    return backend.apply_product_adjoint(chain.W, chain.diagonals, chain.instance.B)


def largest_columns(back: Array, sparsity: int) -> float:
    """Return the largest ||Back y|| found over unit y with at most `sparsity` nonzeros [1] (Corollary B.18).

    For a given output direction a the best y is the `sparsity` largest entries of Back^T a; for those columns the best
    a is their top left singular vector. It starts from each output and from the columns with the largest norms, and is
    exact for d = 1 and for a single nonzero.
    """
    _refuse_sparsity(sparsity, back.shape[1])
    norms = np.linalg.norm(back, axis=0)
    heaviest = np.argsort(-norms, kind="stable")[:sparsity]
    if not np.isfinite(norms).all() or sparsity == 1:
        return float(np.max(norms))
    supports = [heaviest, *(np.argsort(-np.abs(row), kind="stable")[:sparsity] for row in back)]
    return float(np.max([_climb_columns(back, support) for support in supports]))


def random_columns(back: Array, sparsity: int, rng: np.random.Generator) -> float:
    """Return the largest ||Back y|| over unit y on one random support of `sparsity` units [1]."""
    _refuse_sparsity(sparsity, back.shape[1])
    block = back[:, rng.choice(back.shape[1], sparsity, replace=False)]
    return float(np.linalg.norm(block, 2)) if np.isfinite(block).all() else float("nan")


def _climb_columns(back: Array, support: Array) -> float:
    value = 0.0
    for _ in range(ALTERNATIONS):
        outputs, values, _ = np.linalg.svd(back[:, support], full_matrices=False)
        value = float(np.maximum(value, float(values[0])))  # a NaN stays one
        support = np.argsort(-np.abs(outputs[:, 0] @ back), kind="stable")[: len(support)]
    return value


# --- changes of few units in every layer ------------------------------------------------------------------------------


def largest_changed_product(chain: Chain, sparsity: int, backend: Backend, *, only_flips: bool) -> float:
    """Return the largest ||(D_K + D'_K) W ... (D_1 + D'_1) W||_2 found over diagonal D' [1] (Claim C.8).

    Each D' has at most `sparsity` nonzeros, all of them -1 or 1: "arbitrary", so that D + D' may become -1 or 2. With
    `only_flips` it stays 0 or 1, which is all that a change of pre-activations can do. For the present top singular
    pair the form is linear in each D', and its best D' takes the units with the largest gains; layer after layer, then
    the pair anew. The norm never falls.
    """
    _refuse_sparsity(sparsity, chain.width)
    largest, diagonals = 0.0, chain.diagonals
    for _ in range(ROUNDS):
        value, _, right = singular_triplet(chain.instance, backend, chain.W, diagonals)
        if not np.isfinite(value) or value == 0:  # overflowed, or dead: there is no pair to climb from
            return value
        largest = max(largest, value)
        left = backend.apply_product(chain.W, diagonals, right[None, :])[-1, 0] / value
        diagonals = _change_layers(chain, diagonals, left, right, sparsity, only_flips=only_flips)
    return float(np.maximum(largest, product_norm(chain.instance, backend, chain.W, diagonals)))  # a NaN stays one


def random_changed_product(
    chain: Chain, sparsity: int, rng: np.random.Generator, backend: Backend, *, only_flips: bool
) -> float:
    """Return the same norm where `sparsity` random units of every layer change, by a random sign or by a flip [1]."""
    _refuse_sparsity(sparsity, chain.width)
    diagonals = chain.diagonals.copy()
    for diagonal in diagonals:
        chosen = rng.choice(chain.width, sparsity, replace=False)
        signs = rng.choice(np.array([-1.0, 1.0]), size=sparsity)
        diagonal[chosen] += 1 - 2 * diagonal[chosen] if only_flips else signs
    return product_norm(chain.instance, backend, chain.W, diagonals)


def _change_layers(
    chain: Chain, diagonals: Array, left: Array, right: Array, sparsity: int, *, only_flips: bool
) -> Array:
    """Return diagonals under which the image of `right` is at least as long, changed from the first layer to the last.

    The last change is chosen for the image's length itself: `left` is zero wherever the last pattern is, and would
    never switch a unit on there.
    """
    signals = [left]
    for layer in range(len(diagonals) - 1, 0, -1):
        signals.append(weights_of_layer(chain.W, layer).T @ (diagonals[layer] * signals[-1]))
    changed, vector = chain.diagonals.copy(), right
    for layer, signal in enumerate(reversed(signals)):
        entered = weights_of_layer(chain.W, layer) @ vector
        slope = signal * entered  # of the form in the diagonal of this layer
        base, is_last = chain.diagonals[layer], layer == len(signals) - 1
        raised = np.ones_like(base) if is_last else np.sign(slope)
        change = 1 - 2 * base if only_flips else raised
        gain = ((base + change) ** 2 - base**2) * entered**2 if is_last else change * slope
        chosen = np.argsort(-gain, kind="stable")[:sparsity]
        chosen = chosen[gain[chosen] > 0]
        changed[layer, chosen] += change[chosen]
        vector = changed[layer] * entered
    return changed
