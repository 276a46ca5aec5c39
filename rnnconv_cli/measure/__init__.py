"""INSTANCE + BACKEND → VALUE: the table of quantities that a claim file can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import convergence, cost, forward, gradient, memorization, products, stability
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

Measure = Callable[[Instance, Trial, Backend], tuple[Reading, ...]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity: the function that measures it, what it costs, and which sections of a check it reads."""

    measure: Measure
    seconds: Callable[[Trial], float]  # predicted core-seconds, without drawing the network
    reads_training: bool = False
    reads_perturbation: bool = False
    by_decade: bool = False  # one run is read at many accuracies
    first_decade: int = 0  # where its decades are counted from
    is_count: bool = False  # an integer count: it enters a fit from a mean of 20 on


def _forward(measure: Measure, seconds: Callable[[Trial], float] = cost.forward_cost) -> Measurement:
    return Measurement(measure, seconds)


def _descent(measure: Measure) -> Measurement:
    return Measurement(measure, cost.descent_cost, reads_training=True)


def _by_decade(measure: Measure, *, first_decade: int = 0) -> Measurement:
    return Measurement(measure, cost.descent_cost, reads_training=True, by_decade=True, first_decade=first_decade)


def _perturbed(
    measure: Measure, *, is_count: bool = False, seconds: Callable[[Trial], float] = cost.perturbed_cost
) -> Measurement:
    return Measurement(measure, seconds, reads_perturbation=True, is_count=is_count)


MEASUREMENTS: dict[str, Measurement] = {
    "hidden-norm-upper": _forward(forward.hidden_norm_upper),
    "hidden-norm-lower": _forward(forward.hidden_norm_lower),
    "hidden-norm-lower-as-printed": _forward(forward.hidden_norm_lower_as_printed),
    "hidden-norm-max": _forward(forward.hidden_norm_max),
    "hidden-norm-last": _forward(forward.hidden_norm_last),
    "product-norm": _forward(products.product_norm_over_all_layers, cost.product_norm_cost),
    "fixed-vector-product": _forward(products.fixed_vector_product, cost.all_pairs_cost),
    "top-vector-product": _forward(products.top_vector_product, cost.product_norm_cost),
    "gradient-energy": _forward(gradient.gradient_energy, cost.gradient_cost),
    "gradient-end-to-end": _forward(gradient.gradient_end_to_end, cost.product_norm_cost),
    "gradient-ratio-largest": _descent(gradient.gradient_ratio_largest),
    "gradient-ratio-smallest": _descent(gradient.gradient_ratio_smallest),
    "steps-to-decades": _by_decade(convergence.steps_to_decades),
    "steps-beyond-fourth-decade": _by_decade(
        convergence.steps_beyond_fourth_decade, first_decade=convergence.HEAD_DECADES
    ),
    "steps-to-accuracy": _descent(convergence.steps_to_accuracy),
    "largest-stable-step": Measurement(convergence.largest_stable_step, cost.stable_step_cost, reads_training=True),
    "stable-step-multiple": Measurement(convergence.stable_step_multiple, cost.stable_step_cost, reads_training=True),
    "movement": _descent(convergence.movement),
    "tail-rate-over-predicted": _descent(convergence.tail_rate_over_predicted),
    "final-loss-ratio": _descent(memorization.final_loss_ratio),
    "worst-token-error": _descent(memorization.worst_token_error),
    "floor-deviation": _descent(memorization.floor_deviation),
    "floor-deviation-by-pairs": _descent(memorization.floor_deviation_by_pairs),
    "lowest-loss-over-floor": _descent(memorization.lowest_loss_over_floor),
    "lowest-loss-over-floor-of-pairs": _descent(memorization.lowest_loss_over_floor_of_pairs),
    "pattern-flips": _perturbed(stability.pattern_flips, is_count=True),
    "flipped-mass": _perturbed(stability.flipped_mass),
    "hidden-change": _perturbed(stability.hidden_change),
    "hidden-change-per-size": _perturbed(stability.hidden_change_per_size),
    "hidden-change-from-start-per-size": _perturbed(stability.hidden_change_from_start_per_size),
    "backward-change": _perturbed(stability.backward_change),
    "product-change": _perturbed(stability.product_change, seconds=cost.product_change_cost),
    "first-order-error": _perturbed(stability.first_order_error),
    "first-order-error-without-second-pattern": _perturbed(stability.first_order_error_without_second_pattern),
}
