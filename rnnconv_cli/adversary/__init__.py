"""INSTANCE + BACKEND → PERTURBATION: the table of adversaries that a claim file can name."""

from __future__ import annotations

from collections.abc import Callable

from rnnconv_cli.adversary.ascent import linearised_ascent
from rnnconv_cli.adversary.constructed import gaussian, gradient, kinks, single_row, weighted_kinks
from rnnconv_cli.adversary.perturbation import Perturbation, State, Target
from rnnconv_cli.kernels.backend import Backend

Adversary = Callable[[State, float, tuple[Target, ...], Backend], Perturbation]

ADVERSARIES: dict[str, Adversary] = {
    "gaussian": gaussian,
    "gradient": gradient,
    "kinks": kinks,
    "weighted-kinks": weighted_kinks,
    "single-row": single_row,
    "linearised-ascent": linearised_ascent,
}
