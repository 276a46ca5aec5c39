from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.kernel_calls import descended
from rnnconv_cli.bench.data import Descended, Outcome
from rnnconv_cli.bench.rounds import wrong
from rnnconv_cli.bench.timer import errors
from rnnconv_cli.kernels import reference

CASE = Case("gradient", 6, 2, 4, 1, "float32", replicates=2)


def test_a_draw_depends_on_the_seed_alone() -> None:
    first, again, other = data.draw(CASE, 3), data.draw(CASE, 3), data.draw(CASE, 4)
    assert all(np.array_equal(one.W, two.W) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0].W, other[0].W)
    assert len(first) == 2
    assert first[0].W.dtype == np.float32


def test_the_expected_gradient_is_that_of_central_differences() -> None:
    instance = data.draw(Case("gradient", 6, 2, 4, 1, "float64"), 0)[0]
    found = data.expected(CASE, (instance,))
    assert found.gradients is not None
    direction, step = np.random.default_rng(0).standard_normal((1, 6, 6)), 1e-6

    def loss(W: np.ndarray) -> float:
        hidden = reference.forward(W, instance.A, instance.x, instance.activation)[1]
        return reference.loss(reference.residuals(instance.B, hidden, instance.labels))

    slope = (loss(instance.W + step * direction) - loss(instance.W - step * direction)) / (2 * step)
    assert np.isclose(slope, np.sum(found.gradients * direction), rtol=1e-5)
    assert np.isclose(found.losses[0], loss(instance.W))


def test_outcomes_are_stored_and_read_back(tmp_path: Path) -> None:
    outcome = data.expected(CASE, data.draw(CASE, 0))
    outcome.save(tmp_path / "outcome.npz")
    found = Outcome.load(tmp_path / "outcome.npz")
    assert found.gradients is not None
    assert outcome.gradients is not None
    assert np.array_equal(found.losses, outcome.losses)
    assert np.array_equal(found.gradients, outcome.gradients)
    assert found.last_losses is not None
    assert outcome.last_losses is not None
    assert np.array_equal(found.last_losses, outcome.last_losses)


def test_an_outcome_without_gradient_stays_one(tmp_path: Path) -> None:
    Outcome(np.ones(2)).save(tmp_path / "outcome.npz")
    found = Outcome.load(tmp_path / "outcome.npz")
    assert (found.gradients, found.last_losses) == (None, None)


def test_the_short_run_is_that_of_the_reference_kernels() -> None:
    instances = data.draw(replace(CASE, dtype="float64"), 0)
    found = data.expected(CASE, instances)
    assert found.gradients is not None
    assert found.last_losses is not None
    rate = data.short_rate(found.losses, found.gradients)
    for instance, loss, last_loss in zip(instances, found.losses, found.last_losses, strict=True):
        W = instance.W.copy()
        losses = descended(reference, instance, W, rate, data.SHORT_STEPS)
        assert np.allclose(losses[[0, -1]], [loss, last_loss], rtol=1e-12)
        assert 0.01 < 1 - last_loss / loss < 0.5


def test_a_short_run_takes_the_smallest_of_the_replicates_rates() -> None:
    gradients = np.stack([np.ones((2, 2)), 2 * np.ones((2, 2))])
    assert data.short_rate(np.array([4.0, 8.0]), gradients) == pytest.approx(0.1 * 8 / 16)


def test_the_machine_makes_its_first_call_and_has_no_outcome() -> None:
    calls: list[int] = []
    assert data.nothing_after(calls.append).losses.size == 0
    assert calls == [1]


def test_a_step_that_takes_long_has_no_short_run() -> None:
    large = Case("step", 4096, 10, 50, 1, "float32")
    assert data.has_short_run(CASE)
    assert data.has_short_run(replace(large, n_sequences=1, horizon=10))
    assert not data.has_short_run(large)
    assert data.has_short_run(Case("replicates", 128, 10, 10, 2, "float32", replicates=64, steps=200))


def test_steps_that_forget_what_they_learnt_are_found_out() -> None:
    case = replace(CASE, dtype="float64", task="step", replicates=1)
    instances = data.draw(case, 0)

    def right(learning_rate: float, steps: int) -> Descended:
        W = instances[0].W.copy()
        return descended(reference, instances[0], W, learning_rate, steps)[-1:], W

    def forgetful(learning_rate: float, steps: int) -> Descended:
        return right(learning_rate, 1)

    wanted = data.expected(case, instances)
    assert wrong(errors(data.stepped(case, instances, right), wanted), 1e-8) == ""
    assert "loss after steps" in wrong(errors(data.stepped(case, instances, forgetful), wanted), 1e-2)


def test_a_gradient_is_read_off_a_long_step() -> None:
    W, gradient = np.ones((1, 2, 2)), np.array([[[1.0, -2.0], [3.0, 0.0]]])
    assert np.array_equal(data.read_off(W, W - 2.0**40 * gradient, 2.0**40), gradient)
