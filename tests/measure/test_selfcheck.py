"""The self-check passes for every backend and kind of network, and fails for every gradient that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest

from rnnconv_cli.errors import SelfCheckError
from rnnconv_cli.kernels import compiled, reference
from rnnconv_cli.kernels.activations import ACTIVATIONS
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure.selfcheck import difference_error, gradient_of, one_step, self_check
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]

KINDS = [
    {"activation": activation, "layers": layers, "dtype": dtype}
    for activation in ACTIVATIONS
    for layers in ("shared", "independent")
    for dtype in ("float64", "float32")
]


@pytest.fixture
def break_backend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def replace_in(original: ModuleType, **functions: Any) -> str:
        """Enter a backend with these functions in the place of the original's, and return its name."""
        broken = ModuleType("broken")
        broken.__dict__.update({**vars(original), **functions})
        monkeypatch.setitem(BACKENDS, "broken", cast(Backend, broken))
        return "broken"

    return replace_in


@pytest.mark.parametrize("backend_name", BACKENDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
@pytest.mark.parametrize("seed", range(3))
def test_every_backend_passes_for_every_kind_of_network(
    draw_instance: DrawInstance, backend_name: str, kind: dict[str, str], seed: int
) -> None:
    self_check(backend_name, [draw_instance(**kind).setting], seed)


def test_one_small_problem_stands_for_all_that_differ_in_size_alone(
    draw_instance: DrawInstance, break_backend: Callable[..., str]
) -> None:
    drawn = []

    def counted(*arguments: Any) -> Any:
        drawn.append(arguments)
        return reference.weight_gradient(*arguments)

    settings = [
        replace(draw_instance().setting, width=width, horizon=horizon, separation=separation, later_tokens=tokens)
        for width, horizon, separation, tokens in (
            (4096, 4, 0.5, "fresh"),
            (64, 30, 1e-8, "zero"),
            (9, 2, 1.0, "shared"),
        )
    ]
    self_check(break_backend(reference, weight_gradient=counted), settings, 0)
    assert len(drawn) == 1
    self_check("reference", [], 0)


def shifted(signals: Array, hidden: Array, n_matrices: int) -> Array:
    """The classic slip: h_l in the place of h_{l-1}."""
    return reference.weight_gradient(signals, np.roll(hidden, -1, axis=0), n_matrices)


def negated(signals: Array, hidden: Array, n_matrices: int) -> Array:
    return -reference.weight_gradient(signals, hidden, n_matrices)


def slightly_off(signals: Array, hidden: Array, n_matrices: int) -> Array:
    return reference.weight_gradient(signals, hidden, n_matrices) * (1 + 1e-9)


def not_a_number(signals: Array, hidden: Array, n_matrices: int) -> Array:
    return np.nan * reference.weight_gradient(signals, hidden, n_matrices)


@pytest.mark.parametrize("wrong", [shifted, negated, slightly_off, not_a_number])
@pytest.mark.parametrize("original", [compiled, reference])
def test_a_gradient_unlike_the_reference_ends_the_run(
    draw_instance: DrawInstance, break_backend: Callable[..., str], original: ModuleType, wrong: Callable[..., Array]
) -> None:
    name = break_backend(original, weight_gradient=wrong)
    with pytest.raises(SelfCheckError, match="against the reference gradient") as refused:
        self_check(name, [draw_instance().setting], 0)
    assert refused.value.backend == "broken"
    assert not refused.value.error <= refused.value.allowed


def test_a_backward_pass_that_skips_a_layer_ends_the_run(
    draw_instance: DrawInstance, break_backend: Callable[..., str]
) -> None:
    def backward(W: Array, B: Array, pattern: Array, residual: Array) -> Array:
        return np.asarray(pattern * (residual @ B))

    with pytest.raises(SelfCheckError, match="the reference gradient"):
        self_check(break_backend(reference, backward=backward), [draw_instance().setting], 0)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_a_wrong_step_of_the_fused_kernel_ends_the_run(
    draw_instance: DrawInstance, break_backend: Callable[..., str], layers: str
) -> None:
    """Descent runs never call `weight_gradient`: their kernel is held against the reference by itself."""

    def half_a_step(W: Array, *arguments: Any) -> tuple[int, int]:
        before = W.copy()
        ended = reference.descend(W, *arguments)
        W += (before - W) / 2
        return ended

    name = break_backend(compiled, descend=half_a_step)
    with pytest.raises(SelfCheckError, match="a reference step") as refused:
        self_check(name, [draw_instance(layers=layers).setting], 0)
    assert refused.value.error == pytest.approx(0.5)


def test_a_loss_that_its_gradient_does_not_belong_to_ends_the_run(
    draw_instance: DrawInstance, break_backend: Callable[..., str]
) -> None:
    """Where backend and reference agree, the central differences still disagree."""
    name = break_backend(reference, loss=lambda residual: 2 * reference.loss(residual))
    with pytest.raises(SelfCheckError, match="central differences") as refused:
        self_check(name, [draw_instance().setting], 0)
    assert refused.value.error > refused.value.allowed == 1e-6


def test_a_reference_that_is_wrong_itself_ends_the_run(
    draw_instance: DrawInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        reference, "weight_gradient", lambda signals, hidden, n: compiled.weight_gradient(signals, 1.1 * hidden, n)
    )
    with pytest.raises(SelfCheckError, match="central differences"):
        self_check("reference", [draw_instance().setting], 0)


@pytest.mark.parametrize("kind", KINDS[::2], ids=lambda kind: "-".join(kind.values()))
def test_one_step_of_size_one_is_the_gradient(
    draw_instance: DrawInstance, backend: Backend, kind: dict[str, str]
) -> None:
    instance = draw_instance(**kind)
    before = instance.W.copy()
    np.testing.assert_allclose(one_step(instance, backend), gradient_of(instance, reference), rtol=1e-9, atol=1e-13)
    np.testing.assert_array_equal(instance.W, before)


def test_differences_see_the_smallest_slip_and_skip_kinks(draw_instance: DrawInstance, backend: Backend) -> None:
    instance = draw_instance(width=24)
    gradient = gradient_of(instance, backend)
    assert difference_error(instance, gradient, backend) < 1e-8
    wrong = gradient + 1e-3 * np.linalg.norm(gradient) * np.random.default_rng(0).standard_normal(gradient.shape) / 24
    assert difference_error(instance, wrong, backend) > 1e-6


def test_with_a_kink_in_every_direction_nothing_was_compared(draw_instance: DrawInstance, backend: Backend) -> None:
    instance = draw_instance(width=24)
    W, A = instance.W.copy(), instance.A.copy()
    W[0, 0], A[0] = 0, 0  # a unit that always stands at its kink
    at_kink = replace(instance, W=W, A=A)
    assert difference_error(at_kink, gradient_of(at_kink, backend), backend) == np.inf
