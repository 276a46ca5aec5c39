"""What a rank-one W' = y z^T on N rows changes in single coordinates (Lemmas C.10 and C.11).

||z|| = 1, ||y||_0 <= N, ||y||_inf <= tau_0/sqrt m; N is the probe's `rows`, and the perturbation's size is the bound on
||y||_inf. Each W' aims at one layer and one sequence, and is looked at along that sequence.
"""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import LowRankPerturbations
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.measure.perturbed import Perturbed, base_of, every_target, perturbation_of, under
from rnnconv_cli.measure.reading import as_reading, probed
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial


def coordinate_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the targets, l and k of |((W~ + W') h'_{i,l})_k| [1].

    Lemma C.10 says O(rho^8 N^(2/3) tau_0^(5/6) m^(-2/3)).
    """
    perturbed, kick = _kick_rows(instance, trial, backend)
    moved = perturbed.hidden - perturbed.base.hidden[:, perturbed.sequences]
    overlaps = np.sum(moved * kick.right[:, 0], axis=2)
    weights = perturbed.base.instance.W
    last = len(weights) - 1
    largest = []
    for layer in range(instance.setting.horizon):
        pushed = moved[layer] @ weights[min(layer + 1, last)].T + overlaps[layer][:, None] * kick.left[:, 0]
        largest.append(np.max(np.abs(pushed)))
    return (as_reading(float(np.max(largest))),)


def column_change_by_masks(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the targets, l1 <= l2, k and unit a of |a^T B (prod D W~ - prod D~ W~) e_k|, l = l2, ..., l1 [1].

    Lemma C.11a says O(rho^3 tau_0^(1/3) N^(1/6) m^(-1/6)) for a W' that does not depend on B.
    """
    perturbed, _ = _kick_rows(instance, trial, backend)
    masks = perturbed.base.pattern[:, perturbed.sequences]
    return (_largest_column(_products(perturbed, perturbed.pattern) - _products(perturbed, masks)),)


def column_change_by_weights(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the targets, l1 <= l2, k and unit a of |a^T B (prod D W - prod D W~) e_k|, l = l2, ..., l1 [1].

    Lemma C.11b says O(rho^12 N^(5/6) tau_0^(5/3) m^(-1/3)) for a W' that does not depend on B.
    """
    perturbed, kick = _kick_rows(instance, trial, backend)
    masks = perturbed.pattern
    return (_largest_column(_products(perturbed, masks, kick) - _products(perturbed, masks)),)


def _kick_rows(instance: Instance, trial: Trial, backend: Backend) -> tuple[Perturbed, LowRankPerturbations]:
    """Return the instance under one W' for every layer l >= 2 and sequence, and these W'."""
    setting, base = perturbation_of(trial), base_of(instance, trial, backend)
    targets, rows = every_target(instance), round(probed(trial, "rows"))
    kick = SPARSE_ROW_ADVERSARIES[setting.adversary](base, setting.size, targets, backend, rows=rows)
    return under(base, kick, targets, trial, backend), kick


def _products(perturbed: Perturbed, masks: Array, kick: LowRankPerturbations | None = None) -> Array:
    """Return B D_{l2} W ... D_{l1} W for every target and all l1 <= l2, one after another: (t, pairs, d, m).

    masks are (L, t, m); W = W~ + y z^T where a kick is given, else W~.
    """
    instance = perturbed.base.instance
    width, n_targets = instance.setting.width, len(perturbed.targets)
    outputs = np.broadcast_to(instance.B, (n_targets, *instance.B.shape))
    rows, found = outputs[:, :0], []
    for layer in range(len(masks) - 1, -1, -1):
        masked = np.concatenate([rows, outputs], axis=1) * masks[layer][:, None]
        rows = (masked.reshape(-1, width) @ weights_of_layer(instance.W, layer)).reshape(masked.shape)
        if kick is not None:
            rows = rows + np.sum(masked * kick.left, axis=2)[:, :, None] * kick.right
        found.append(rows)
    return np.concatenate(found, axis=1).reshape(n_targets, -1, *instance.B.shape)


def _largest_column(change: Array) -> Reading:
    """Return max over targets, pairs and k of ||M e_k|| for changes M (t, pairs, d, m): the best unit a of each."""
    return as_reading(float(np.max(np.linalg.norm(change, axis=2))))
