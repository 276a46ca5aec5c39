"""Rows of the fake gradient at initialisation: backward vectors, rows near a kink, large rows (Section 6).

Row k of the fake gradient is the sum over i and l of (u_{i,l+1})_k h_{i,l} 1[(g_{i,l+1})_k >= 0], with
u_{i,l} = sum over a >= l of Back_{i,l->a}^T loss_{i,a} (Lemma D.7's index; the printed one starts at a = l + 1).
Places are the uses of W: (i*, l*) stands for the sequence i* and the layer l* + 1, whose state before it is h_{i*,l*}.
Thresholds b_- and b_+ are in units of 1/sqrt(m), the size of a pre-activation: a scaled form, since the
literal beta_- = delta/rho^10 leaves no row at any width that fits in a computer.
"""

from __future__ import annotations

import numpy as np

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.fake_gradient import antisymmetric_losses, gradient_row_norms, random_losses
from rnnconv_cli.measure.reading import as_reading, finite_state, probed, probed_count
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Trial

LARGE_ROW = 6.0  # the constant of Omega(||loss*||/(n L sqrt(d))): so large that no row reaches it by delta alone


# --- (6.2), Lemma D.7: entries of the backward vectors ----------------------------------------------------------------


def small_backward_share(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """2 n L times the largest share over (i, l) of rows in N4 with |(u_{i,l})_k| < ||loss||/(6 sqrt(d) n L) [1].

    N4 is fixed beforehand, the losses are random unit vectors. Lemma D.7 says at most 1.
    """
    rows = chosen_rows(instance, trial)
    return _small_share(instance, np.abs(_backward_vectors(instance, trial, backend)[1:])[:, :, rows])


def small_backward_share_of_small_rows(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """2 n L times the largest share of rows with |(u_{i,l})_k| < ||loss||/(6 sqrt(d) n L) among the smallest [1].

    N4 are the rows whose entries are the smallest: a set that depends on B.
    """
    entries = np.sort(np.abs(_backward_vectors(instance, trial, backend)[1:]), axis=2)
    return _small_share(instance, entries[:, :, : probed_count(trial, "rows")])


def small_backward_share_as_printed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """2 n L times the share of rows in N4 with small |(u_{i,l})_k| [1], u summed over a >= l + 1, as (6.2) prints it.

    That sum is empty at l = L. Otherwise as `small_backward_share`.
    """
    rows, losses = chosen_rows(instance, trial), random_losses(instance)
    later = _backward_vectors(instance, trial, backend) - losses @ instance.B
    return _small_share(instance, np.abs(later[1:])[:, :, rows])


def typical_backward_entry(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Median over rows and (i, l >= 2) of |(u_{i,l})_k| for random losses of norm 1 [1]; of order d^(-1/2)."""
    return (as_reading(float(np.median(np.abs(_backward_vectors(instance, trial, backend)[1:])))),)


def _backward_vectors(instance: Instance, trial: Trial, backend: Backend) -> Array:
    """Return u_{i,l}, the signals before their mask, for random losses of norm 1, (L, n, m)."""
    state, losses = finite_state(instance, trial, backend), random_losses(instance)
    signals = backend.backward(instance.W, instance.B, state.pattern, losses)
    vectors = losses @ instance.B
    for layer in range(len(signals) - 1):
        vectors[layer] += signals[layer + 1] @ reference.weights_of_layer(instance.W, layer + 1)
    return np.asarray(vectors)


def _small_share(instance: Instance, entries: Array) -> tuple[Reading, ...]:
    setting = instance.setting
    tokens = setting.n_sequences * setting.horizon
    small = entries < 1 / (6 * np.sqrt(setting.output_dim) * tokens)
    return (Reading(2 * tokens * float(np.max(np.mean(small, axis=2)))),)


# --- (6.3), Lemma D.2: rows near one kink and away from the others ----------------------------------------------------


def near_kink_rows(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over (i*, l*) of the rows in N1 with |(g_{i*,l*+1})_k| <= b_-/sqrt(m) [rows]; linear in b_- (Claim D.3)."""
    near, _ = kinks_of_rows(instance, trial, backend)
    return (as_reading(float(np.mean(np.sum(near, axis=2)))),)


def near_kink_share(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over (i*, l*) of the rows in N1 with |(g_{i*,l*+1})_k| <= b_-/sqrt(m), over b_- |N1| / (16 L) [1].

    Claim D.3 says at least 1.
    """
    near, _ = kinks_of_rows(instance, trial, backend)
    least = probed(trial, "threshold") * near.shape[2] / (16 * instance.setting.horizon)
    return (Reading(float(np.min(np.sum(near, axis=2))) / least),)


def lone_kink_share(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over (i*, l*) of #N4 over b_- |N1| / (64 L) [1]; Lemma D.2 says at least 1.

    N4: rows in N1 with |(g_{i*,l*+1})_k| <= b_-/sqrt(m), and at least b_+/sqrt(m) for i != i* at l*, for all i later.
    """
    near, clearance = kinks_of_rows(instance, trial, backend)
    alone = near & (clearance >= probed(trial, "margin"))
    least = probed(trial, "threshold") * near.shape[2] / (64 * instance.setting.horizon)
    return (Reading(float(np.min(np.sum(alone, axis=2))) / least),)


def surviving_margin(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """The b_+ [1] that half of the rows near a kink of one of the closest sequences survive (Claims D.4 and D.5).

    Mean over l* of the median over these rows of sqrt(m) |(g_{i,l+1})_k|, the smallest over i != i* at l* and over all
    i at l > l*. D.4 and D.5 say Omega(delta/(n L)).
    """
    near, clearance = kinks_of_rows(instance, trial, backend)
    i = _closest_sequence(instance)
    if not np.all(np.any(near[:, i], axis=1)):
        raise MeasurementError(trial.quantity, "no row is near a kink; try a larger threshold or width")
    medians = [np.median(each[close]) for each, close in zip(clearance[:, i], near[:, i], strict=True)]
    return (as_reading(float(np.mean(medians))),)


def kinks_of_rows(instance: Instance, trial: Trial, backend: Backend) -> tuple[Array, Array]:
    """Return for each l*, i* and row of N1 whether it is near that kink, and its distance from the others [1].

    Both (L - 1, n, |N1|); the distance is sqrt(m) |g|, infinity for one sequence at the last l*.
    """
    state, rows = finite_state(instance, trial, backend), chosen_rows(instance, trial)
    g = np.sqrt(instance.setting.width) * np.abs(state.preactivation[1:, :, rows])
    later = np.full_like(g[0, 0], np.inf)
    clearance = np.empty_like(g)
    for layer in range(len(g) - 1, -1, -1):
        for i in range(g.shape[1]):
            others = np.delete(g[layer], i, axis=0)
            clearance[layer, i] = np.minimum(later, others.min(axis=0, initial=np.inf))
        later = np.minimum(later, g[layer].min(axis=0))
    return g <= probed(trial, "threshold"), clearance


# --- Lemma E.6: rows of the gradient ----------------------------------------------------------------------------------


def large_gradient_rows(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Rows k of N with ||row k of the fake gradient|| >= 6 ||loss||/(n L sqrt(d)) [rows], for opposite losses.

    Lemma E.6 says Omega(delta |N|): two close sequences cancel in every row except where their indicators differ.
    """
    state, rows, setting = finite_state(instance, trial, backend), chosen_rows(instance, trial), instance.setting
    signals = backend.backward(instance.W, instance.B, state.pattern, antisymmetric_losses(instance))
    norms = gradient_row_norms(instance, signals, state.hidden)
    bound = LARGE_ROW / (setting.n_sequences * setting.horizon * np.sqrt(setting.output_dim))
    return (as_reading(float(np.count_nonzero(norms[rows] >= bound))),)


# --- what they share --------------------------------------------------------------------------------------------------


def chosen_rows(instance: Instance, trial: Trial) -> Array:
    """Return `rows` different rows drawn beforehand, as far as there are as many."""
    count = min(probed_count(trial, "rows"), instance.setting.width)
    return np.asarray(instance.stream(Stream.PERTURBATION, 5).permutation(instance.setting.width)[:count])


def _closest_sequence(instance: Instance) -> int:
    """Return i, the first of the closest pair of sequences."""
    return int(np.argmax(np.linalg.norm(antisymmetric_losses(instance)[-1], axis=1) > 0))
