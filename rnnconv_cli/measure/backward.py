"""What one perturbation W' changes in the backward signals: its weights, its masks, or both (Lemma C.9)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import Target, perturbed_weights
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.perturbed import Perturbed, every_target, perturb, targets_at
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial


def backward_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over the targets (l >= 2, i) of ||B D~_L W~ ... D~_l W~ - B D_L W~ ... D_l W~||_F / sqrt(d) [1].

    Only the masks change, and they are those of an actual perturbation (Lemma C.9a: O(m^(1/3) log m)).
    """
    return _change_of_masks(instance, trial, backend, new_weights=False)


def backward_change_under_new_weights(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over the targets (l >= 2, i) of ||B D_L W ... D_l W - B D~_L W ... D~_l W||_F / sqrt(d) [1], W = W~ + W'.

    Only the masks change, around the new weights (Lemma C.9d: O(m^(1/3) log m), too).
    """
    return _change_of_masks(instance, trial, backend, new_weights=True)


def weights_change_under_new_masks(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and unit a of ||a^T B D_L W~ ... D_2 W~ - a^T B D_L W ... D_2 W|| [1].

    Only the weights change; the masks D are those under W' (Lemma C.9b: O(tau_0 L^15), at every width).
    """
    return _change_of_weights(instance, trial, backend, new_masks=True)


def weights_change_under_old_masks(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and unit a of ||a^T B D~_L W~ ... D~_2 W~ - a^T B D~_L W ... D~_2 W|| [1].

    Only the weights change; the masks D~ are those of the unperturbed network (Lemma C.9c: O(tau_0 L^7), at every
    width).
    """
    return _change_of_weights(instance, trial, backend, new_masks=False)


def _change_of_masks(instance: Instance, trial: Trial, backend: Backend, *, new_weights: bool) -> tuple[Reading, ...]:
    perturbed = perturb(instance, trial, backend, every_target(instance))
    masks = perturbed.pattern
    changes = []
    for t, target in enumerate(perturbed.targets):
        W = _weights(perturbed, t) if new_weights else perturbed.base.instance.W
        before = _signal(perturbed, target, W, perturbed.base.pattern[:, target.sequence], backend)
        after = _signal(perturbed, target, W, masks[:, t], backend)
        changes.append(float(np.linalg.norm(after - before)) / np.sqrt(instance.setting.output_dim))
    return (as_reading(float(np.mean(changes))),)


def _change_of_weights(instance: Instance, trial: Trial, backend: Backend, *, new_masks: bool) -> tuple[Reading, ...]:
    perturbed = perturb(instance, trial, backend, targets_at(instance, 1))
    masks = perturbed.pattern if new_masks else perturbed.base.pattern[:, perturbed.sequences]
    changes = []
    for t, target in enumerate(perturbed.targets):
        before = _signal(perturbed, target, perturbed.base.instance.W, masks[:, t], backend)
        after = _signal(perturbed, target, _weights(perturbed, t), masks[:, t], backend)
        changes.append(_largest_over_outputs(after - before))
    return (as_reading(float(np.max(changes))),)


def _signal(perturbed: Perturbed, target: Target, W: Array, masks: Array, backend: Backend) -> Array:
    """Return B D_L W ... D_l W (d, m) from the target's layer l on; masks are (L, m)."""
    later = W if W.shape[0] == 1 else W[target.layer :]
    rest = np.ascontiguousarray(masks[target.layer :])
    return backend.apply_product_adjoint(later, rest, perturbed.base.instance.B)


def _weights(perturbed: Perturbed, target: int) -> Array:
    return perturbed_weights(perturbed.base.instance, perturbed.perturbation, target)


def _largest_over_outputs(change: Array) -> float:
    """Return max over unit a of ||a^T M||; infinite where M (d, m) is not finite, which has no singular values."""
    return float(np.linalg.norm(change, 2)) if np.isfinite(change).all() else np.inf
