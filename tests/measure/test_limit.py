"""The kernel at infinite width: by hand, against wide networks, and what it must not change under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure.limit import limit_gram, token_covariances
from rnnconv_cli.measure.tangent import tangent_gram
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import ProblemSetting, Reading, Status

DrawInstance = Callable[..., Instance]
MakeSetting = Callable[..., ProblemSetting]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

QUARTER = np.array([[[1.0, 0.0], [0.0, 1.0]]])  # two first tokens at a right angle


def test_two_tokens_at_a_right_angle_by_hand(make_setting: MakeSetting) -> None:
    """S_1 = 2 I: P(1, 1) = 1/4 and H(1, 1) = 2 / 2 pi between them. Then S_2 = 2 H_1, at cos theta = 1 / pi."""
    x = np.concatenate([QUARTER, np.zeros((1, 2, 2))])
    setting = make_setting(horizon=2, n_sequences=2, output_dim=1)
    hidden, patterns = token_covariances(x, setting)
    np.testing.assert_allclose(hidden[0, 0], [[1, 1 / np.pi], [1 / np.pi, 1]], rtol=1e-14)
    np.testing.assert_allclose(patterns[0, 0], [[0.5, 0.25], [0.25, 0.5]], rtol=1e-14)
    angle = np.arccos(1 / np.pi)
    assert patterns[1, 1, 0, 1] == pytest.approx((np.pi - angle) / (2 * np.pi), rel=1e-14)
    expected = patterns[1, 1] * hidden[0, 0]
    np.testing.assert_allclose(limit_gram(x, setting), expected, rtol=1e-14)
    np.testing.assert_allclose(limit_gram(x, replace(setting, output_dim=4)), expected / 4, rtol=1e-14)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_zero_tokens_keep_the_norm(make_setting: MakeSetting, layers: str) -> None:
    """One sequence: Theta(l, l) = 1/2 (1/d + 2 Theta(l - 1, l - 1)) = (l - 1) / 2 d."""
    x = np.zeros((5, 1, 2))
    x[0, 0, 0] = 1
    setting = make_setting(horizon=5, n_sequences=1, output_dim=2, layers=layers)
    hidden, _ = token_covariances(x, setting)
    np.testing.assert_allclose(np.einsum("llii->li", hidden)[:, 0], 1, rtol=1e-14)
    np.testing.assert_allclose(np.diag(limit_gram(x, setting)), np.arange(1, 5) / 4, rtol=1e-14)


def test_times_are_correlated_only_where_the_weights_are_shared(make_setting: MakeSetting) -> None:
    """A linear network, one unit token: without it, W_2 h_1 and W_3 h_2 have nothing in common."""
    x = np.zeros((3, 1, 2))
    x[0, 0, 0] = 1
    shared, apart = (
        make_setting(horizon=3, n_sequences=1, output_dim=1, activation="linear", layers=layers)
        for layers in ("shared", "independent")
    )
    # g_2 = W A x, g_3 = W W A x: H doubles in each layer, and H(3, 2) = 2 H(2, 1) = 4 H(1, 0) = 0
    hidden, _ = token_covariances(x, shared)
    np.testing.assert_array_equal(hidden[:, :, 0, 0], np.diag([2.0, 4.0, 8.0]))
    # Theta(2, 2) = H(1, 1), Theta(3, 3) = H(2, 2) + 2 Theta(2, 2), Theta(3, 2) = H(2, 1) = 0
    np.testing.assert_array_equal(limit_gram(x, shared), np.diag([2.0, 8.0]))
    x[1] = x[0]  # now H(1, 2) = 2 x.x = 2, so that S(2, 3) = 2 (H(1, 2) + 0) = 4
    np.testing.assert_array_equal(token_covariances(x, shared)[0][1, 2], [[4.0]])
    np.testing.assert_array_equal(token_covariances(x, apart)[0][1, 2], [[0.0]])
    assert limit_gram(x, shared)[0, 1] == token_covariances(x, shared)[0][0, 1, 0, 0] == 2.0
    assert limit_gram(x, apart)[0, 1] == 0.0


WORLDS: dict[str, dict[str, Any]] = {
    "fresh": {},
    "zero": {"later_tokens": "zero"},
    "independent layers": {"layers": "independent"},
    "independent layers, shared tokens": {"layers": "independent", "later_tokens": "shared"},
    "linear": {"activation": "linear"},
    "variance 3/m": {"weight_variance": 3.0, "later_tokens": "shared"},
    "output variance 1/m": {"output_variance": "1/m"},
}


@pytest.mark.parametrize("world", WORLDS)
def test_the_mean_over_wide_networks_is_the_limit(draw_instance: DrawInstance, world: str) -> None:
    """64 networks of width 256: every entry lies within 5 standard errors and what is left of the bias in 1/m."""
    backend = BACKENDS["compiled"]
    grams = []
    for replicate in range(64):
        instance = draw_instance(
            **{"width": 256, "horizon": 4, "output_dim": 1, "replicate": replicate, **WORLDS[world]}
        )
        tokens = draw_instance(width=4, horizon=4, output_dim=1, **WORLDS[world]).x  # those of replicate 0
        grams.append(tangent_gram(state_of(replace(instance, x=tokens), backend), backend) / 256)
    mean, error = np.mean(grams, axis=0), np.std(grams, axis=0) / 8
    limit = limit_gram(tokens, instance.setting)
    assert np.all(np.abs(mean - limit) < 5 * error + 0.03 * limit.max())
    other = "shared" if instance.setting.layers == "independent" else "independent"
    wrong = limit_gram(tokens, replace(instance.setting, layers=other))
    assert np.any(np.abs(mean - wrong) > 5 * error + 0.03 * limit.max())


def test_order_of_sequences_and_rotation_of_tokens_change_nothing(draw_instance: DrawInstance) -> None:
    instance = draw_instance(n_sequences=3, horizon=3, input_dim=5)
    limit = limit_gram(instance.x, instance.setting).reshape(2, 3, 2, 3)
    order = [2, 0, 1]
    moved = limit_gram(instance.x[:, order], instance.setting).reshape(2, 3, 2, 3)
    np.testing.assert_allclose(moved, limit[:, order][:, :, :, order], rtol=1e-12)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    turned = limit_gram(instance.x @ rotation, instance.setting).reshape(2, 3, 2, 3)
    np.testing.assert_allclose(turned, limit, rtol=1e-10)


def test_the_limit_is_quadratic_in_the_tokens(draw_instance: DrawInstance) -> None:
    instance = draw_instance()
    one, two = (limit_gram(instance.x * factor, instance.setting) for factor in (1.0, 2.0))
    np.testing.assert_allclose(two, 4 * one, rtol=1e-12)


def test_smallest_eigenvalue_of_the_limit_is_proportional_to_the_separation(draw_instance: DrawInstance) -> None:
    def smallest(separation: float, **changes: Any) -> float:
        instance = draw_instance(width=4, later_tokens="zero", separation=separation, output_dim=1, **changes)
        return float(np.linalg.eigvalsh(limit_gram(instance.x, instance.setting))[0])

    assert smallest(1e-3) / smallest(1e-4) == pytest.approx(10, rel=0.01)
    assert smallest(1e-3, activation="linear") / smallest(1e-4, activation="linear") == pytest.approx(100, rel=0.01)


def test_distance_counts_every_output_coordinate(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=64, output_dim=3)
    limit = limit_gram(instance.x, instance.setting).reshape(3, 2, 3, 2)
    whole = np.einsum("aibj,kq->akibqj", limit, np.eye(3)).reshape(18, 18)
    gram = tangent_gram(state_of(instance, backend), backend) / 64
    expected = np.linalg.norm(gram - whole) / np.linalg.norm(whole)
    assert value_of("distance-to-limit", instance, backend) == pytest.approx(expected, rel=1e-12)


def test_off_limit_is_the_factor_in_either_direction(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instances = [draw_instance(width=256, output_dim=1, seed=seed) for seed in range(6)]
    ratios = [value_of("smallest-eigenvalue-over-limit", each, backend) for each in instances]
    factors = [value_of("smallest-eigenvalue-off-limit", each, backend) for each in instances]
    assert min(ratios) < 1 < max(ratios)
    assert factors == pytest.approx([max(ratio, 1 / ratio) for ratio in ratios])


def test_a_dead_network_is_infinitely_far_from_its_limit(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    dead = replace(draw_instance(), A=np.zeros((32, 6)))
    assert measure("smallest-eigenvalue-off-limit", dead, backend) == (Reading(None, Status.DIVERGED),)
    assert measure("smallest-eigenvalue-over-limit", dead, backend) == (Reading(0.0, Status.ZERO),)


@pytest.mark.parametrize("quantity", ["smallest-eigenvalue-over-limit", "smallest-eigenvalue-off-limit"])
def test_copies_have_no_limit_to_compare_with(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match="Theta is singular"):
        measure(quantity, draw_instance(n_sequences=3, copies=2), backend)


def test_what_has_no_limit_here_is_refused(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    with pytest.raises(MeasurementError, match="infinite width: is worked out for relu and linear, found tanh"):
        measure("distance-to-limit", draw_instance(activation="tanh"), backend)
    instance = draw_instance()
    with pytest.raises(MeasurementError, match="infinite width: a first token is zero"):
        measure("distance-to-limit", replace(instance, x=np.zeros_like(instance.x)), backend)
