"""INSTANCE + BACKEND → PERTURBATION: the table of adversaries that a claim file can name."""

from __future__ import annotations

from collections.abc import Callable

from rnnconv_cli.adversary.alignment import aligned
from rnnconv_cli.adversary.ascent import linearised_ascent
from rnnconv_cli.adversary.constructed import (
    gaussian,
    gradient,
    kinks,
    loss_kinks,
    single_row,
    training_displacement,
    weighted_kinks,
)
from rnnconv_cli.adversary.perturbation import Perturbation, State, Target
from rnnconv_cli.adversary.search import (
    ascent_flips,
    ascent_flips_from_random,
    ascent_hidden,
    ascent_hidden_from_random,
    ascent_product,
    ascent_product_from_random,
    ascent_remainder,
    ascent_remainder_from_random,
)
from rnnconv_cli.kernels.backend import Backend

Adversary = Callable[[State, float, tuple[Target, ...], Backend], Perturbation]

ADVERSARIES: dict[str, Adversary] = {
    "gaussian": gaussian,
    "gradient": gradient,
    "kinks": kinks,
    "weighted-kinks": weighted_kinks,
    "single-row": single_row,
    "loss-kinks": loss_kinks,
    "linearised-ascent": linearised_ascent,
    "ascent-hidden": ascent_hidden,
    "ascent-hidden-from-random": ascent_hidden_from_random,
    "ascent-flips": ascent_flips,
    "ascent-flips-from-random": ascent_flips_from_random,
    "ascent-product": ascent_product,
    "ascent-product-from-random": ascent_product_from_random,
    "ascent-remainder": ascent_remainder,
    "ascent-remainder-from-random": ascent_remainder_from_random,
    "training-displacement": training_displacement,
    "aligned": aligned,
}
