from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.data import Outcome
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


def test_an_outcome_without_gradient_stays_one(tmp_path: Path) -> None:
    Outcome(np.ones(2)).save(tmp_path / "outcome.npz")
    assert Outcome.load(tmp_path / "outcome.npz").gradients is None


def test_a_gradient_is_read_off_a_long_step() -> None:
    W, gradient = np.ones((1, 2, 2)), np.array([[[1.0, -2.0], [3.0, 0.0]]])
    assert np.array_equal(data.read_off(W, W - 2.0**40 * gradient, 2.0**40), gradient)
