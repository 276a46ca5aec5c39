"""Products of layers between sparse vectors, and under sparse changes of their patterns ((4.5), (4.6), Claim C.8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from rnnconv_cli.adversary.sparse import (
    backward_signals,
    chain_of,
    largest_changed_product,
    largest_columns,
    largest_sparse_form,
    random_changed_product,
    random_columns,
    random_sparse_form,
)
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading, finite_state, probed
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Trial

SUPPORTS = 3  # coordinate of the stream of random supports, beside those of the constructed adversaries
LEAST_T = 2.0  # Lemma B.14 says t >= 2

Place = tuple[int, int, int]  # sequence, first and last layer, counted from zero


def sparse_form(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and k-sparse unit y, z of |y^T W D_{L-1} W ... D_1 W z| [1], the longest product of (4.5).

    Corollary B.15 says at most sqrt(k/m) log m.
    """
    return (as_reading(_largest_form(instance, trial, backend, _longest(instance, trial, leading=True))),)


def sparse_form_over_corollary(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and k-sparse unit y, z of |y^T W D_{L-1} W ... D_1 W z| / (sqrt(k/m) log m) [1].

    Corollary B.15, whose constant is 1.
    """
    value = _largest_form(instance, trial, backend, _longest(instance, trial, leading=True))
    width = instance.setting.width
    return (as_reading(value / (math.sqrt(_sparsity(trial) / width) * math.log(width))),)


def sparse_form_over_bound(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, L > l2 >= l1 and k-sparse unit y, z of |y^T W D_{l2} W ... D_{l1} W z| / (5 t sqrt(n L / m)) [1].

    Lemma B.14 says at most 1, for t >= 2; here t = 2.
    """
    value = _largest_form(instance, trial, backend, _all_places(instance, trial, leading=True))
    setting = instance.setting
    bound = 5 * LEAST_T * math.sqrt(setting.n_sequences * setting.horizon / setting.width)
    return (as_reading(value / bound),)


def sparse_form_over_entry_bound(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, L > l2 >= l1 and k-sparse unit y, z of |y^T W D_{l2} W ... D_{l1} W z| over rho / sqrt(m) [1].

    rho = n L d log m; Corollary B.16 says at most 1 for k = 1.
    """
    value = _largest_form(instance, trial, backend, _all_places(instance, trial, leading=True))
    return (as_reading(value * math.sqrt(instance.setting.width) / _rho(instance)),)


def sparse_backward(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, unit a and k-sparse unit y of |a^T B D_L W ... D_1 W y| [1]; Corollary B.18 says sqrt(k) log m."""
    return (as_reading(_largest_backward(instance, trial, backend, _longest(instance, trial, leading=False))),)


def sparse_backward_of_fixed_output(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and k-sparse unit y of |a^T B D_L W ... D_1 W y| [1], one random unit a drawn apart from the network.

    Lemma B.17 says O(d^-1/2).
    """
    a = instance.stream(Stream.START_VECTOR, 2).standard_normal(instance.setting.output_dim)
    a = (a / np.linalg.norm(a)).astype(instance.B.dtype)

    def seen_from(back: Array) -> Array:
        return np.asarray(a @ back)[None, :]

    places = _longest(instance, trial, leading=False)
    return (as_reading(_largest_backward(instance, trial, backend, places, seen_from)),)


def sparse_backward_over_entry_bound(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l2 >= l1, a and k-sparse y of |a^T B D_{l2} W ... D_{l1} W y| / rho [1]; B.19 says <= 1 for k = 1."""
    value = _largest_backward(instance, trial, backend, _all_places(instance, trial, leading=False))
    return (as_reading(value / _rho(instance)),)


def changed_product(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and D' of ||(D_L + D'_L) W ... (D_1 + D'_1) W||_2 [1], k entries -1 or 1 in each D'.

    Claim C.8 says O(L^7). D' is arbitrary: D + D' may be -1 or 2.
    """
    return _changed_product(instance, trial, backend, only_flips=False)


def flipped_product(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i and D' of ||(D_L + D'_L) W ... (D_1 + D'_1) W||_2 [1], D' flips k units of every layer.

    D + D' stays a pattern of zeros and ones.
    """
    return _changed_product(instance, trial, backend, only_flips=True)


def _changed_product(instance: Instance, trial: Trial, backend: Backend, *, only_flips: bool) -> tuple[Reading, ...]:
    state, sparsity, values = finite_state(instance, trial, backend), _sparsity(trial), []
    for place in _longest(instance, trial, leading=False):
        chain = chain_of(state, *place, leading=False)
        if _is_adversarial(trial):
            values.append(largest_changed_product(chain, sparsity, backend, only_flips=only_flips))
        else:
            rng = _supports(instance, place)
            values.append(random_changed_product(chain, sparsity, rng, backend, only_flips=only_flips))
    return (as_reading(float(np.max(values))),)


def _largest_form(instance: Instance, trial: Trial, backend: Backend, places: Iterator[Place]) -> float:
    state, sparsity = finite_state(instance, trial, backend), _sparsity(trial)
    search = largest_sparse_form if _is_adversarial(trial) else random_sparse_form
    values = [
        search(chain_of(state, *place, leading=True), sparsity, _supports(instance, place), backend) for place in places
    ]
    return float(np.max(values))


def _largest_backward(
    instance: Instance,
    trial: Trial,
    backend: Backend,
    places: Iterator[Place],
    seen_from: Callable[[Array], Array] = np.asarray,
) -> float:
    state, sparsity, values = finite_state(instance, trial, backend), _sparsity(trial), []
    for place in places:
        back = seen_from(backward_signals(chain_of(state, *place, leading=False), backend))
        if _is_adversarial(trial):
            values.append(largest_columns(back, sparsity))
        else:
            values.append(random_columns(back, sparsity, _supports(instance, place)))
    return float(np.max(values))


def _longest(instance: Instance, trial: Trial, *, leading: bool) -> Iterator[Place]:
    """Yield the longest product of every sequence: l1 = 1, and l2 = L, or L - 1 where one more W leads."""
    last = _last_layer(instance, trial, leading=leading)
    return ((i, 0, last) for i in range(instance.setting.n_sequences))


def _all_places(instance: Instance, trial: Trial, *, leading: bool) -> Iterator[Place]:
    """Yield every product: all i and all l1 <= l2."""
    last = _last_layer(instance, trial, leading=leading)
    for i in range(instance.setting.n_sequences):
        yield from ((i, l1, l2) for l2 in range(last + 1) for l1 in range(l2 + 1))


def _last_layer(instance: Instance, trial: Trial, *, leading: bool) -> int:
    last = instance.setting.horizon - (2 if leading else 1)
    if last < 0:
        raise MeasurementError(trial.quantity, "needs L > l2 >= 1, found L = 1")
    return last


def _sparsity(trial: Trial) -> int:
    return round(probed(trial, "sparsity"))


def _is_adversarial(trial: Trial) -> bool:
    return trial.probe is not None and trial.probe.search == "adversarial"


def _supports(instance: Instance, place: Place) -> np.random.Generator:
    return instance.stream(Stream.PERTURBATION, SUPPORTS, *place)


def _rho(instance: Instance) -> float:
    """Return rho = n L d log m, with the natural logarithm."""
    setting = instance.setting
    return setting.n_sequences * setting.horizon * setting.output_dim * math.log(setting.width)
