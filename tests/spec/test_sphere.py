"""The bound on the number of separated first tokens, against spheres whose caps are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betainc

from rnnconv_cli.spec.sphere import log_cap_share, most_points


@pytest.mark.parametrize("radius", [1e-3, 0.1, 0.5, math.pi / 4])
def test_caps_of_the_circle_and_of_the_sphere(radius: float) -> None:
    assert math.exp(log_cap_share(2, radius)) == pytest.approx(radius / math.pi, rel=1e-12)
    assert math.exp(log_cap_share(3, radius)) == pytest.approx((1 - math.cos(radius)) / 2, rel=1e-9)


@pytest.mark.parametrize("k", [4, 9, 15, 99, 9999])
def test_caps_against_the_incomplete_beta_function(k: int) -> None:
    radius = math.pi / 4
    share = betainc((k - 1) / 2, 0.5, math.sin(radius) ** 2) / 2
    assert log_cap_share(k, radius) == pytest.approx(np.log(share), rel=1e-9) if share > 0 else True


@pytest.mark.parametrize(
    ("input_dim", "separation", "most"),
    [
        (2, 1e-8, 2),  # the sphere is two points
        (2, 1.0, 2),
        (3, 1.0, 4),  # a circle of radius 1/sqrt(2): the square
        (3, 2 * math.sin(math.pi / 5) / math.sqrt(2), 5),  # the regular pentagon
        (3, 2 * math.sin(math.pi / 6) / math.sqrt(2) * 1.0001, 5),  # a hair beyond the hexagon
        (16, 1.0, 30),  # Rankin
    ],
)
def test_known_configurations(input_dim: int, separation: float, most: int) -> None:
    assert most_points(input_dim, separation) == most


def test_twelve_points_of_the_icosahedron_are_not_refused() -> None:
    edge_angle = math.acos(1 / math.sqrt(5))
    assert 12 <= most_points(4, math.sqrt(2) * math.sin(edge_angle / 2)) < 15


@pytest.mark.parametrize("separation", [1.0, 0.99, 0.5, 1e-8])
@pytest.mark.parametrize("input_dim", [3, 4, 16, 1000, 10_000])
def test_the_cross_polytope_always_fits(input_dim: int, separation: float) -> None:
    assert most_points(input_dim, separation) >= 2 * (input_dim - 1)


def test_the_bound_falls_with_the_separation() -> None:
    bounds = [most_points(5, separation) for separation in (1e-8, 1e-3, 0.1, 0.5, 0.9, 1.0)]
    assert bounds == sorted(bounds, reverse=True)
