"""How many first tokens the sphere can hold at a given separation (Section 2.1, Assumption 2.1).

With the last coordinate fixed at 1/sqrt(2), the others lie on the sphere of radius 1/sqrt(2) in R^k, k = d_x - 1. Two
points at distance delta are seen from its centre under the angle theta with sin(theta/2) = delta/sqrt(2).
"""

from __future__ import annotations

import functools
import math

SERIES_TERMS = 200  # sin^2 <= 1/2 at delta <= 1: each term is less than half of the one before


@functools.lru_cache(maxsize=1024)  # a claim asks the same of many points
def most_points(input_dim: int, separation: float) -> float:
    """An upper bound on n [1] for pairwise distances >= delta, delta in (0, 1]; infinite where float64 cannot say.

    Up to 2k points always fit (the cross-polytope). Beyond 2k, delta = 1 is impossible (Rankin), and for delta < 1
    disjoint caps of angular radius theta/2 around the points cannot cover more than the sphere.
    """
    k = input_dim - 1
    if k == 1 or separation >= 1.0:
        return 2.0 * k
    log_caps = -log_cap_share(k, math.asin(separation / math.sqrt(2)))
    caps = math.exp(log_caps) if log_caps < 700 else math.inf
    return max(2.0 * k, math.floor(caps * (1 + 1e-9))) if math.isfinite(caps) else caps


def log_cap_share(k: int, radius: float) -> float:
    """log of the share of the sphere's area in R^k, k >= 2, within an angular radius in (0, pi/4] [1].

    The share is I(phi)/I(pi) with I(phi) = int_0^phi sin^p and p = k - 2. I(phi) = sin^(p+1)(phi) cos(phi)/(p+1)
    sum_j sin^(2j)(phi) prod_{i<=j} (p+2i)/(p+1+2i): positive terms, so nothing cancels at small angles.
    """
    p = k - 2
    sine = math.sin(radius)
    term, total = 1.0, 1.0
    for i in range(1, SERIES_TERMS):
        term *= sine * sine * (p + 2 * i) / (p + 1 + 2 * i)
        total += term
    log_cap = (p + 1) * math.log(sine) + math.log(math.cos(radius) * total / (p + 1))
    log_sphere = 0.5 * math.log(math.pi) + math.lgamma((p + 1) / 2) - math.lgamma(p / 2 + 1)
    return log_cap - log_sphere
