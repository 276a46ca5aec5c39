"""The spectral ball in factors, against dense singular value decompositions."""

from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.adversary.ball import clipped, inner_product, padded, random_point, scaled
from rnnconv_cli.kernels.arrays import Array


def factors(rank: int, width: int = 12, targets: int = 3, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((targets, rank, width)), rng.standard_normal((targets, rank, width))


def dense(left: Array, right: Array) -> Array:
    return left.transpose(0, 2, 1) @ right


@pytest.mark.parametrize("rank", [1, 3, 12, 20])
@pytest.mark.parametrize("size", [0.5, 8.0, 1e3])
def test_clipping_is_the_projection_on_the_ball(rank: int, size: float) -> None:
    left, right = factors(rank)
    found = dense(*clipped(left, right, size, 20))
    U, values, Vt = np.linalg.svd(dense(left, right))
    np.testing.assert_allclose(found, (U * np.minimum(values, size)[:, None]) @ Vt, atol=1e-11)


def test_of_many_terms_the_largest_are_kept() -> None:
    left, right = factors(5)
    kept_left, kept_right = clipped(left, right, np.inf, 2)
    assert kept_left.shape == kept_right.shape == (3, 2, 12)
    U, values, Vt = np.linalg.svd(dense(left, right))
    np.testing.assert_allclose(
        dense(kept_left, kept_right), (U[:, :, :2] * values[:, None, :2]) @ Vt[:, :2], atol=1e-11
    )


def test_a_diagonal_by_hand() -> None:
    left, right = np.array([[[3.0, 0.0], [0.0, 0.25]]]), np.eye(2)[None]
    found = dense(*clipped(left, right, 0.5, 2))
    np.testing.assert_allclose(found, [[[0.5, 0.0], [0.0, 0.25]]], atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nothing_leaves_the_ball_and_the_kind_of_number_stays(dtype: str) -> None:
    left, right = (factor.astype(dtype) for factor in factors(4, width=60))
    found = clipped(left, right, 0.3, 4)
    assert found[0].dtype == found[1].dtype == np.dtype(dtype)
    norms = np.linalg.norm(dense(*(factor.astype(np.float64) for factor in found)), 2, axis=(1, 2))
    assert norms.max() <= 0.3 * (1 + 8 * np.finfo(dtype).eps)


def test_rotating_the_units_rotates_the_projection() -> None:
    left, right = factors(4)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((12, 12)))[0]
    once = dense(*clipped(left, right, 2.0, 4))
    np.testing.assert_allclose(dense(*clipped(left @ turn, right @ turn, 2.0, 4)), turn.T @ once @ turn, atol=1e-11)


@pytest.mark.parametrize("size", [1e-8, 2.0, -2.0])
def test_scaled_points_lie_on_the_sphere(size: float) -> None:
    left, right = factors(4)
    found = dense(*scaled(left, right, size))
    np.testing.assert_allclose(np.linalg.norm(found, 2, axis=(1, 2)), abs(size), rtol=1e-12)
    assert np.all(np.sum(found * dense(left, right), axis=(1, 2)) * size > 0)
    drawn = dense(*random_point(np.random.default_rng(0), (3, 4, 12), 0.7))
    np.testing.assert_allclose(np.linalg.norm(drawn, 2, axis=(1, 2)), 0.7, rtol=1e-12)


def test_zero_stays_zero() -> None:
    left, right = factors(2)
    assert not scaled(0 * left, right, 1.0)[0].any()
    assert not clipped(0 * left, right, 1.0, 2)[0].any()


def test_inner_product_is_the_trace() -> None:
    one, other = factors(3), factors(5, seed=1)
    expected = np.sum(dense(*one) * dense(*other), axis=(1, 2))
    np.testing.assert_allclose(inner_product(*one, *other), expected, rtol=1e-12)


def test_padding_adds_terms_of_zero() -> None:
    left, _ = factors(2)
    full = padded(left, 5)
    np.testing.assert_array_equal(full[:, :2], left)
    assert full.shape == (3, 5, 12)
    assert not full[:, 2:].any()
