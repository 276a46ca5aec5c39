"""The fake gradient of Section 6: for loss vectors fixed beforehand, for the worst ones, and under a perturbation.

The fake gradient is the true one with loss vectors {loss_{i,a}} in the place of B h - y* ((6.1), Definition E.1). Here
they are (L, n, d) with zeros at l = 1 and max ||loss_{i,a}||_2 = 1, so that every bound per unit of it is the number
itself. Fixed families do not depend on the network, nor on its width.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import DensePerturbation, Perturbation, State, Target, state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading, finite_state
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream, stream
from rnnconv_cli.problem.sequences import closest_two
from rnnconv_cli.records import Reading, Status, Trial

ALTERNATIONS = 8  # most end after three
POWER_STEPS = 20  # toward the top eigenvector, which is only a place to start from
ROUND_OFF = 450  # eps sum_l ||signals_{l+1}|| ||h_l||: below it a fake gradient is a sum that cancels exactly


# --- loss vectors fixed beforehand ------------------------------------------------------------------------------------


def one_hot_losses(instance: Instance) -> Array:
    """Return a random unit vector at (i*, l*) = (1, L), and zeros elsewhere, (L, n, d)."""
    losses = np.zeros_like(instance.labels)
    losses[-1, 0] = _directions(instance)[-1, 0]
    return losses


def all_ones_losses(instance: Instance) -> Array:
    """Return (1, ..., 1)/sqrt(d) at every l >= 2, (L, n, d)."""
    losses = np.full_like(instance.labels, 1 / np.sqrt(instance.setting.output_dim))
    losses[0] = 0
    return losses


def random_losses(instance: Instance) -> Array:
    """Return an independent uniform unit vector at every l >= 2, (L, n, d)."""
    return _directions(instance)


def antisymmetric_losses(instance: Instance) -> Array:
    """Return random unit vectors for one of the closest pair of sequences, minus them for the other, (L, n, d)."""
    if instance.setting.n_sequences < 2:
        raise MeasurementError("antisymmetric loss", "needs two sequences")
    i, j, _ = closest_two(instance.x)
    losses = np.zeros_like(instance.labels)
    losses[:, i] = _directions(instance)[:, i]
    losses[:, j] = -losses[:, i]
    return losses


def _directions(instance: Instance) -> Array:
    """Return unit vectors at l >= 2, the same at every width of a replicate, (L, n, d)."""
    rng = stream(instance.seed, Stream.LOSS_VECTORS, instance.replicate)
    vectors = np.asarray(rng.standard_normal(instance.labels.shape), dtype=instance.W.dtype)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    vectors[0] = 0  # the loss starts at l = 2 (footnote 6)
    return vectors


def gradient_one_hot(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||fake grad||_F^2 / m [1] for a loss at (i, l) = (1, L) alone; Theorem 5 says Omega(delta)."""
    return _gradient_per_width(finite_state(instance, trial, backend), one_hot_losses(instance), backend)


def gradient_all_ones(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||fake grad||_F^2 / m [1] for equal losses at every token."""
    return _gradient_per_width(finite_state(instance, trial, backend), all_ones_losses(instance), backend)


def gradient_random(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||fake grad||_F^2 / m [1] for independent random losses."""
    return _gradient_per_width(finite_state(instance, trial, backend), random_losses(instance), backend)


def gradient_antisymmetric(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||fake grad||_F^2 / m [1] for opposite losses on the closest two sequences: what close sequences can cancel."""
    return _gradient_per_width(finite_state(instance, trial, backend), antisymmetric_losses(instance), backend)


def _gradient_per_width(state: State, losses: Array, backend: Backend) -> tuple[Reading, ...]:
    """A sum that cancels to rounding is zero: copies with opposite losses have no gradient at all.

    Rounding is that of its terms, layer by layer: ||signals|| ||h|| over all layers is beyond all of them where signals
    grow backward by as much as states do forward. Where a norm has overflowed, nothing can be told: diverged.
    """
    instance = state.instance
    signals = backend.backward(instance.W, instance.B, state.pattern, losses)
    norm = fake_gradient_norm(instance, signals, state.hidden)
    terms = np.linalg.norm(signals[1:], axis=(1, 2)) * np.linalg.norm(state.hidden[:-1], axis=(1, 2))
    largest = float(np.sum(terms))
    if not math.isfinite(norm + largest):
        return (Reading(None, Status.DIVERGED),)
    floor = ROUND_OFF * float(np.finfo(signals.dtype).eps) * largest
    return (as_reading(0.0 if norm <= floor else norm**2 / instance.setting.width),)


def fake_gradient_norm(instance: Instance, signals: Array, hidden: Array) -> float:
    """Return ||sum over i, l of signals_{i,l+1} h_{i,l}^T||_F [1] from (L, n, m) signals and states."""
    return float(np.linalg.norm(gradient_row_norms(instance, signals, hidden)))


def gradient_row_norms(instance: Instance, signals: Array, hidden: Array) -> Array:
    """Return ||sum over i, l of (signals_{i,l+1})_k h_{i,l}||_2 for every k, (m,), without an m x m matrix.

    With a W for each layer, row k is that of all their gradients together.
    """
    return np.asarray(np.linalg.norm(_in_basis(_coordinates(instance, hidden), signals), axis=0))


def _coordinates(instance: Instance, hidden: Array) -> Array:
    """Return h_{i,l}, l < L, in an orthonormal basis of their span, (q, L - 1, n): R of their QR decomposition.

    With a W for each layer, every layer's states have a basis of their own, since their gradients do not add up.
    """
    layers, n_sequences, width = hidden[:-1].shape
    if instance.W.shape[0] == 1:
        factor = np.asarray(np.linalg.qr(hidden[:-1].reshape(-1, width).T, mode="r"))
        return factor.reshape(-1, layers, n_sequences)
    blocks = [np.linalg.qr(states.T, mode="r") for states in hidden[:-1]]
    coordinates = np.zeros((layers, len(blocks[0]), layers, n_sequences), dtype=hidden.dtype)
    for layer, block in enumerate(blocks):
        coordinates[layer, :, layer] = block
    return coordinates.reshape(-1, layers, n_sequences)


def _in_basis(coordinates: Array, signals: Array) -> Array:
    """Return the fake gradient's rows in the basis, (q, m)."""
    return np.tensordot(coordinates, signals[1:], axes=([1, 2], [0, 1]))


# --- the worst loss vectors -------------------------------------------------------------------------------------------


def largest_gradient(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max of ||fake grad||_F over losses of norm at most 1 at each token [1]; Lemma E.2 says O(n L^6 sqrt m)."""
    responses = _responses(instance, trial, backend)
    return (as_reading(float(_worst(_gram(responses), responses.shape[:3])[0])),)


def largest_gradient_of_a_sequence(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and such losses of ||fake grad of f_i||_F [1]; Lemma E.2 says O(L^6 sqrt m), whatever n is."""
    responses = _responses(instance, trial, backend)
    alone = (responses[:, i : i + 1] for i in range(responses.shape[1]))
    return (as_reading(float(np.max([_worst(_gram(each), each.shape[:3])[0] for each in alone]))),)


def largest_gradient_row(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over rows k and such losses of ||row k of the fake gradient||_2 [1]; Lemma E.2 says O(n rho L^3)."""
    responses = _responses(instance, trial, backend)
    rows = responses.reshape(-1, *responses.shape[3:]).transpose(2, 0, 1)
    return (as_reading(float(np.max(_worst(rows @ rows.transpose(0, 2, 1), responses.shape[:3])))),)


def _responses(instance: Instance, trial: Trial, backend: Backend) -> Array:
    """Return the gradient of each single output (l, i, c), l >= 2, in the states' basis, (L - 1, n, d, q, m).

    The fake gradient is their sum, weighted with the losses.
    """
    state = finite_state(instance, trial, backend)
    horizon, n_sequences, output_dim = instance.labels.shape
    losses = np.zeros((horizon, horizon - 1, output_dim, n_sequences, output_dim), dtype=instance.W.dtype)
    for layer, c in itertools.product(range(1, horizon), range(output_dim)):
        losses[layer, layer - 1, c, :, c] = 1
    copies = (horizon - 1) * output_dim
    pattern = np.tile(state.pattern, (1, copies, 1))
    signals = backend.backward(instance.W, instance.B, pattern, losses.reshape(horizon, -1, output_dim))
    signals = signals.reshape(*losses.shape[:4], -1)
    coordinates = _coordinates(instance, state.hidden)
    return np.asarray(np.einsum("qai,alcim->licqm", coordinates, signals[1:], optimize=True))


def _gram(responses: Array) -> Array:
    """Return <grad of output, grad of output'>, the tangent Gram matrix in the order (l, i, c), (1, N, N)."""
    flat = responses.reshape(int(np.prod(responses.shape[:3])), -1)
    return np.asarray((flat @ flat.T)[None])


def _worst(grams: Array, tokens: tuple[int, ...]) -> Array:
    """Return for each Gram matrix K, (k, N, N), the largest norm that alternation reaches, (k,).

    The norm sqrt(loss^T K loss) is convex in the losses, so that going to the directions of K loss, token by token,
    never lowers it. It starts from equal losses, from the top eigenvector, and from every output by itself.
    """
    equal = np.full((len(grams), grams.shape[1], 1), 1 / np.sqrt(tokens[2]))
    top = equal
    for _ in range(POWER_STEPS):
        top = grams @ top
        top = top / np.maximum(np.linalg.norm(top, axis=1, keepdims=True), np.finfo(top.dtype).tiny)
    losses = np.concatenate([grams @ equal, top, grams], axis=2)
    for _ in range(ALTERNATIONS):
        losses = grams @ _unit_tokens(losses, tokens[2])
    losses = _unit_tokens(losses, tokens[2])
    squares = np.sum(losses * (grams @ losses), axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)).max(axis=1))


def _unit_tokens(losses: Array, output_dim: int) -> Array:
    """Return the columns of losses (k, N, s) with norm 1 at each token; zeros stay zeros."""
    blocks = losses.reshape(len(losses), -1, output_dim, losses.shape[2])
    lengths = np.linalg.norm(blocks, axis=2, keepdims=True)
    return np.asarray((blocks / np.where(lengths > 0, lengths, 1)).reshape(losses.shape))


# --- under a perturbation ---------------------------------------------------------------------------------------------


def gradient_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the targets (l >= 2, i) of ||fake grad(W~ + W') - fake grad(W~)||_F [1] for fixed random losses.

    (F.1) says O(rho^8 tau_0^(1/3) m^(1/3)); W' is the one that is aimed at the target, and acts on every sequence.
    """
    if trial.perturbation is None:
        raise MeasurementError(trial.quantity, "needs a perturbation section")
    state, losses = finite_state(instance, trial, backend), random_losses(instance)
    sequences = range(instance.setting.n_sequences)
    targets = tuple(Target(layer, i) for layer in range(1, instance.setting.horizon) for i in sequences)
    found = ADVERSARIES[trial.perturbation.adversary](state, trial.perturbation.size, targets, backend)
    signals = backend.backward(instance.W, instance.B, state.pattern, losses)
    norms = []
    for signals_after, hidden_after in signals_under(state, found, losses, backend):
        moved = np.concatenate([signals_after - signals, signals], axis=1)
        along = np.concatenate([hidden_after, hidden_after - state.hidden], axis=1)
        norms.append(fake_gradient_norm(instance, moved, along))
    return (as_reading(float(np.max(norms))),)


def signals_under(state: State, found: Perturbation, losses: Array, backend: Backend) -> Iterator[tuple[Array, Array]]:
    """Yield the signals and states (L, n, m) of all sequences under each W', one for each target of low rank."""
    instance = state.instance
    if isinstance(found, DensePerturbation):
        after = state_of(replace(instance, W=instance.W + found.matrix), backend)
        yield backend.backward(after.instance.W, instance.B, after.pattern, losses), after.hidden
        return
    count, n_sequences = len(found.left), instance.setting.n_sequences
    left, right = (np.repeat(each, n_sequences, axis=0) for each in (found.left, found.right))
    x = np.tile(instance.x, (1, count, 1))
    preactivation, hidden = backend.forward_low_rank(instance.W, instance.A, x, left, right, instance.activation)
    pattern = reference.activation_pattern(preactivation, instance.activation)
    signals = _backward_low_rank(instance, pattern, np.tile(losses, (1, count, 1)), left, right)
    for t in range(count):
        own = slice(t * n_sequences, (t + 1) * n_sequences)
        yield signals[:, own], hidden[:, own]


def _backward_low_rank(instance: Instance, pattern: Array, losses: Array, left: Array, right: Array) -> Array:
    """Return the signals where sequence i runs through W + sum_r left_{i,r} right_{i,r}^T, as `backward` does for W."""
    signals, carried = np.empty_like(pattern), np.zeros_like(pattern[0])
    for layer in range(len(pattern) - 1, -1, -1):
        signals[layer] = pattern[layer] * (carried + losses[layer] @ instance.B)
        overlaps = np.einsum("irm,im->ir", left, signals[layer])
        carried = signals[layer] @ reference.weights_of_layer(instance.W, layer)
        carried += np.einsum("ir,irm->im", overlaps, right)
    return signals
