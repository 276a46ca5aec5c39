"""The two steps by which Section 5 keeps a small change small, each alone (Claims C.3 to C.6)."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.adversary.perturbation import State, perturbed_weights
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.measure.perturbed import perturb, perturbation_of, targets_at
from rnnconv_cli.measure.reading import as_reading, finite_state, probed, probed_count
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

ASCENT_STEPS = 12  # toward the worst sparse x: twelve more gain 2% at most at widths 256 to 2048


def kicked_norm(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and l >= 1 of ||W' h_{i,l}|| sqrt m / (tau_0 (4 l + 12)) [1]; Claim C.3 says at most 1.

    The claim reads ||W' D g_{l-1}|| <= (tau_0/sqrt m)(4 l + 8 + (tau_1 + tau_2)/sqrt m); h is the perturbed state, and
    the last term, which only helps, is left out.
    """
    perturbed = perturb(instance, trial, backend, targets_at(instance, instance.setting.horizon - 1))
    size, ratios = perturbation_of(trial).size, []
    for t in range(len(perturbed.targets)):
        kick = perturbed_weights(perturbed.base.instance, perturbed.perturbation, t) - perturbed.base.instance.W
        for layer in range(1, instance.setting.horizon):
            pushed = weights_of_layer(kick, layer) @ perturbed.hidden[layer - 1, t]
            ratios.append(float(np.linalg.norm(pushed)) / (size * (4 * (layer + 1) + 8)))
    return (as_reading(float(np.max(ratios))),)


def flips_of_two_parts(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and l of the most ||D'||_0 over g' = g'_1 + g'_2, over 10 tau_1^(2/3) m^(2/3) [1]; C.4 says <= 1.

    ||g'_1|| <= tau_1/sqrt m and ||g'_2||_inf <= tau_2/m; the probe's kick is tau_1 and its deviation tau_2. The worst
    g' is known: g'_2 takes tau_2/m off every |g|, and g'_1 pays for what is left of the smallest ones.
    """
    euclidean, uniform = _parts(instance, trial)
    counts = []
    for g in _magnitudes(instance, trial, backend):
        left_over = np.maximum(np.sort(g) - uniform, 0)
        counts.append(int(np.searchsorted(np.cumsum(left_over**2), euclidean**2)))
    bound = 10 * (probed(trial, "kick") * instance.setting.width) ** (2 / 3)
    return (as_reading(max(counts) / bound),)


def mass_of_two_parts(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and l of the most ||D' g|| over g' = g'_1 + g'_2, over 3 tau_1/sqrt m [1]; Claim C.4 says at most 1.

    The parts are those of `flips_of_two_parts`; g is what g' makes of the pre-activation. Every unit within tau_2/m of
    its kink overshoots it by tau_2/m - |g|, and g'_1 along these overshoots adds its whole norm; where there are none,
    it goes to the unit nearest to its kink.
    """
    euclidean, uniform = _parts(instance, trial)
    masses = []
    for g in _magnitudes(instance, trial, backend):
        overshoot = float(np.linalg.norm(np.maximum(uniform - g, 0)))
        shortfall = max(float(np.min(g)) - uniform, 0.0)
        masses.append(max(overshoot + euclidean - shortfall, 0.0))
    return (as_reading(max(masses) / (3 * euclidean)),)


def rest_of_sparse_step(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of the largest ||y_1|| over unit k-sparse x, where W~ D~_L W~ ... D~_2 W~ x = y_1 + y_2 [1].

    y_2 is the part with ||y_2||_inf <= b log m/sqrt m, b being the probe's threshold, and k its sparsity. Claims C.5
    and C.6 have b = 4 and ||y_1|| <= 3 sqrt(k/m) log^2 m, scaled to ||x|| = 1. x is found by ascent on ||y_1||, from
    the x that is best for the first row of the product.
    """
    state, width = finite_state(instance, trial, backend), instance.setting.width
    sparsity = probed_count(trial, "sparsity")
    if sparsity > width:
        raise MeasurementError("sparsity", f"at most the width {width} entries can be nonzero, found {sparsity}")
    spread = probed(trial, "threshold") * math.log(width) / math.sqrt(width)
    rests = [_largest_rest(state, i, sparsity, spread, backend) for i in range(instance.setting.n_sequences)]
    return (as_reading(float(np.max(rests))),)


def _largest_rest(state: State, sequence: int, sparsity: int, spread: float, backend: Backend) -> float:
    W = state.instance.W if state.instance.W.shape[0] == 1 else state.instance.W[1:]
    final = weights_of_layer(state.instance.W, state.instance.setting.horizon - 1)
    pattern = np.ascontiguousarray(state.pattern[1:, sequence])

    def pulled(y: Array) -> Array:
        return np.asarray(backend.apply_product_adjoint(W, pattern, (y @ final)[None])[0])

    first = np.zeros_like(pattern[0])
    first[0] = 1
    x, largest = _sparse(pulled(first), sparsity), 0.0
    for _ in range(ASCENT_STEPS):
        y = final @ backend.apply_product(W, pattern, x[None])[-1, 0]
        rest = np.sign(y) * np.maximum(np.abs(y) - spread, 0)
        largest = float(np.maximum(largest, np.linalg.norm(rest)))  # NaN stays NaN
        x = _sparse(pulled(rest if largest > 0 else y), sparsity)
    return largest


def _sparse(vector: Array, sparsity: int) -> Array:
    """Return the unit vector along the largest entries of a vector; all zeros where it is zero."""
    kept = np.argsort(-np.abs(vector), kind="stable")[:sparsity]
    sparse = np.zeros_like(vector)
    sparse[kept] = vector[kept]
    return np.asarray(sparse / (float(np.linalg.norm(sparse)) or 1.0))


def _parts(instance: Instance, trial: Trial) -> tuple[float, float]:
    """Return the bounds tau_1/sqrt m of ||g'_1|| and tau_2/m of ||g'_2||_inf."""
    width = instance.setting.width
    return probed(trial, "kick") / math.sqrt(width), probed(trial, "deviation") / width


def _magnitudes(instance: Instance, trial: Trial, backend: Backend) -> Array:
    """Return |g| of every layer and sequence, (L n, m)."""
    state = finite_state(instance, trial, backend)
    return np.abs(state.preactivation).reshape(-1, instance.setting.width)
