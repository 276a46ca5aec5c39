"""INSTANCE + BACKEND → VALUE: the table of quantities that a claim file can name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import (
    as_printed,
    backward,
    concentration,
    conditioning,
    convergence,
    cost,
    fake_gradient,
    formula,
    forward,
    gradient,
    limit,
    linearised,
    memorization,
    products,
    propagation,
    rank_one,
    row_gradients,
    row_kicks,
    searched,
    separation,
    smoothness,
    sparse,
    stability,
    sufficiency,
)
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

Measure = Callable[[Instance, Trial, Backend], tuple[Reading, ...]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity: the function that measures it, what it costs, and which sections of a check it reads."""

    measure: Measure
    seconds: Callable[[Trial], float]  # predicted core-seconds, without drawing the network
    peak_bytes: Callable[[Trial], int] = cost.all_pairs_bytes  # predicted memory
    reads_training: bool = False
    reads_perturbation: bool = False
    adversaries: tuple[str, ...] = tuple(ADVERSARIES)  # those that its perturbation may name
    reads_probe: tuple[str, ...] = ()  # the entries of the probe section that it reads
    read_along: str = ""  # decades | steps: one run is read at many accuracies or steps
    first_decade: int = 0  # where its decades are counted from
    is_count: bool = False  # an integer count: it enters a fit from a mean of 20 on
    is_rounding: bool = False  # the error of a formula in rounding units: another order of sums adds part of one

    @property
    def definition(self) -> str:
        """What the quantity is, with its unit: the first paragraph of what its function says of itself."""
        return " ".join((inspect.getdoc(self.measure) or "").split("\n\n", 1)[0].split())

    @property
    def needs(self) -> tuple[str, ...]:
        """What a check must have for the quantity, besides a problem: sections, keys of a probe, what is swept."""
        sections = (("training", self.reads_training), ("perturbation", self.reads_perturbation))
        along = (f"sweep.parameter: {self.read_along}",) if self.read_along else ()
        return (
            *(name for name, is_read in sections if is_read),
            *(f"probe.{name}" for name in self.reads_probe),
            *along,
        )


def _forward(measure: Measure, seconds: Callable[[Trial], float] = cost.forward_cost) -> Measurement:
    return Measurement(measure, seconds)


def _layers(measure: Measure, seconds: Callable[[Trial], float] = cost.forward_cost) -> Measurement:
    return Measurement(measure, seconds, cost.all_layers_bytes)


def _descent(measure: Measure, peak_bytes: Callable[[Trial], int] = cost.descent_bytes) -> Measurement:
    return Measurement(measure, cost.descent_cost, peak_bytes, reads_training=True)


def _by_decade(measure: Measure, *, first_decade: int = 0) -> Measurement:
    return replace(_descent(measure), read_along="decades", first_decade=first_decade)


def _stable_step(measure: Measure) -> Measurement:
    return replace(_descent(measure), seconds=cost.stable_step_cost)


def _perturbed(
    measure: Measure, *, is_count: bool = False, seconds: Callable[[Trial], float] = cost.perturbed_cost
) -> Measurement:
    return Measurement(measure, seconds, reads_perturbation=True, is_count=is_count)


def _rank_one(measure: Measure) -> Measurement:
    return Measurement(
        measure,
        cost.rank_one_cost,
        reads_perturbation=True,
        adversaries=tuple(SPARSE_ROW_ADVERSARIES),
        reads_probe=("rows",),
    )


def _sparse(measure: Measure, seconds: Callable[[Trial], float] = cost.forward_cost) -> Measurement:
    return Measurement(measure, seconds, reads_probe=("sparsity", "search"))


def _entries(measure: Measure, *reads_probe: str) -> Measurement:
    return Measurement(measure, cost.entries_cost, reads_probe=reads_probe)


def _rows(measure: Measure, *reads_probe: str, is_count: bool = False) -> Measurement:
    return Measurement(measure, cost.fake_gradient_cost, reads_probe=reads_probe, is_count=is_count)


def _kicked(measure: Measure, *reads_probe: str, peak_bytes: Callable[[Trial], int] = cost.kicked_bytes) -> Measurement:
    return Measurement(measure, cost.kicked_rows_cost, peak_bytes, reads_probe=reads_probe)


def _in_rounding_units(measurement: Measurement) -> Measurement:
    return replace(measurement, is_rounding=True)


MEASUREMENTS: dict[str, Measurement] = {
    "hidden-norm-upper": _layers(forward.hidden_norm_upper),
    "hidden-norm-lower": _layers(forward.hidden_norm_lower),
    "hidden-norm-lower-as-printed": _layers(forward.hidden_norm_lower_as_printed),
    "hidden-norm-max": _layers(forward.hidden_norm_max),
    "hidden-norm-last": _layers(forward.hidden_norm_last),
    "hidden-norm-off-band": _layers(sufficiency.hidden_norm_off_band),
    "hidden-norm-off-explicit-band": _layers(sufficiency.hidden_norm_off_explicit_band),
    "smallest-eigenvalue-off-critical-limit": _forward(
        sufficiency.smallest_eigenvalue_off_critical_limit, cost.tangent_cost
    ),
    "one-step-growth": _layers(forward.one_step_growth),
    "one-step-retention": _layers(forward.one_step_retention),
    "product-norm": _layers(products.product_norm_over_all_layers, cost.product_norm_cost),
    "fixed-vector-product": _layers(products.fixed_vector_product, cost.all_pairs_cost),
    "top-vector-product": _layers(products.top_vector_product, cost.product_norm_cost),
    "long-product-norm": _layers(products.long_product_norm, cost.product_norm_cost),
    "long-product-norm-over-free-limit": _layers(products.long_product_norm_over_free_limit, cost.product_norm_cost),
    "fixed-vector-long-product": _layers(products.fixed_vector_long_product),
    "sparse-form": _sparse(sparse.sparse_form, cost.sparse_form_cost),
    "sparse-form-over-corollary": _sparse(sparse.sparse_form_over_corollary, cost.sparse_form_cost),
    "sparse-form-over-bound": _sparse(sparse.sparse_form_over_bound, cost.sparse_form_of_all_products_cost),
    "sparse-form-over-entry-bound": _sparse(sparse.sparse_form_over_entry_bound, cost.sparse_form_of_all_products_cost),
    "sparse-backward": _sparse(sparse.sparse_backward),
    "sparse-backward-of-fixed-output": _sparse(sparse.sparse_backward_of_fixed_output),
    "sparse-backward-over-entry-bound": _sparse(sparse.sparse_backward_over_entry_bound, cost.all_pairs_cost),
    "changed-product": _sparse(sparse.changed_product, cost.changed_product_cost),
    "flipped-product": _sparse(sparse.flipped_product, cost.changed_product_cost),
    "fixed-vector-layer": _layers(products.fixed_vector_layer),
    "top-vector-layer": _layers(products.top_vector_layer, cost.product_norm_cost),
    "gradient-formula-error": _in_rounding_units(_layers(formula.gradient_formula_error, cost.written_out_cost)),
    "gradient-formula-error-shifted": _in_rounding_units(
        _layers(formula.gradient_formula_error_shifted, cost.written_out_cost)
    ),
    "loss-at-start": Measurement(memorization.loss_at_start, cost.forward_cost, cost.descent_bytes),
    "residual-norm": _forward(separation.residual_norm, cost.residual_cost),
    "residual-over-bound": _forward(separation.residual_over_bound, cost.residual_cost),
    "residual-times-horizon-squared": _forward(separation.residual_times_horizon_squared, cost.residual_cost),
    "separability": _forward(separation.separability, cost.residual_cost),
    "separability-over-first-tokens": _forward(separation.separability_over_first_tokens, cost.residual_cost),
    "fresh-direction-over-bound": Measurement(
        separation.fresh_direction_over_bound, cost.fresh_direction_cost, reads_probe=("rows", "deviation", "search")
    ),
    "gradient-energy": _layers(gradient.gradient_energy, cost.gradient_cost),
    "gradient-end-to-end": _layers(gradient.gradient_end_to_end, cost.product_norm_cost),
    "gradient-ratio-largest": _descent(gradient.gradient_ratio_largest),
    "gradient-ratio-smallest": _descent(gradient.gradient_ratio_smallest),
    "steps-to-decades": _by_decade(convergence.steps_to_decades),
    "steps-beyond-fourth-decade": _by_decade(
        convergence.steps_beyond_fourth_decade, first_decade=convergence.HEAD_DECADES
    ),
    "steps-to-accuracy": _descent(convergence.steps_to_accuracy),
    "largest-stable-step": _stable_step(convergence.largest_stable_step),
    "stable-step-multiple": _stable_step(convergence.stable_step_multiple),
    "movement": _descent(convergence.movement),
    "movement-at-steps": replace(_descent(convergence.movement_at_steps), read_along="steps"),
    "tail-rate-over-predicted": _descent(convergence.tail_rate_over_predicted, cost.all_pairs_bytes),
    "final-loss-ratio": _descent(memorization.final_loss_ratio),
    "worst-token-error": _descent(memorization.worst_token_error, cost.all_layers_bytes),
    "floor-deviation": _descent(memorization.floor_deviation),
    "floor-deviation-by-pairs": _descent(memorization.floor_deviation_by_pairs),
    "lowest-loss-over-floor": _descent(memorization.lowest_loss_over_floor),
    "lowest-loss-over-floor-of-pairs": _descent(memorization.lowest_loss_over_floor_of_pairs),
    "pattern-flips": _perturbed(stability.pattern_flips, is_count=True),
    "flipped-mass": _perturbed(stability.flipped_mass),
    "hidden-change": _perturbed(stability.hidden_change),
    "hidden-change-per-size": _perturbed(stability.hidden_change_per_size),
    "hidden-change-from-start-per-size": _perturbed(stability.hidden_change_from_start_per_size),
    "backward-change": _perturbed(backward.backward_change),
    "product-change": _perturbed(stability.product_change, seconds=cost.product_change_cost),
    "first-order-error": _in_rounding_units(_perturbed(stability.first_order_error)),
    "first-order-error-without-second-pattern": _in_rounding_units(
        _perturbed(stability.first_order_error_without_second_pattern)
    ),
    "hidden-change-over-constructed": _perturbed(searched.hidden_change_over_constructed),
    "flips-over-constructed": _perturbed(searched.flips_over_constructed),
    "remainder": _perturbed(smoothness.remainder),
    "remainder-at-zero-loss": _perturbed(smoothness.remainder_at_zero_loss),
    "remainder-per-large-loss": _perturbed(smoothness.remainder_per_large_loss),
    "remainder-of-initial-gradient": _perturbed(smoothness.remainder_of_initial_gradient),
    "remainder-identity-error": _in_rounding_units(_perturbed(smoothness.remainder_identity_error)),
    "remainder-identity-error-as-printed": _in_rounding_units(
        _perturbed(smoothness.remainder_identity_error_as_printed)
    ),
    "distance-to-limit": _forward(limit.distance_to_limit, cost.tangent_cost),
    "distance-to-limit-of-independent-layers": _forward(
        limit.distance_to_limit_of_independent_layers, cost.tangent_cost
    ),
    "smallest-eigenvalue-over-limit": _forward(limit.smallest_eigenvalue_over_limit, cost.tangent_cost),
    "smallest-eigenvalue-off-limit": _forward(limit.smallest_eigenvalue_off_limit, cost.tangent_cost),
    "smallest-tangent-eigenvalue": _forward(linearised.smallest_tangent_eigenvalue, cost.tangent_cost),
    "largest-tangent-eigenvalue": _forward(linearised.largest_tangent_eigenvalue, cost.tangent_cost),
    "smallest-tangent-eigenvalue-after-training": _descent(
        linearised.smallest_tangent_eigenvalue_after_training, cost.all_pairs_bytes
    ),
    "largest-tangent-eigenvalue-after-training": _descent(
        linearised.largest_tangent_eigenvalue_after_training, cost.all_pairs_bytes
    ),
    "measured-tail-rate": _descent(convergence.measured_tail_rate),
    "predicted-tail-rate": Measurement(linearised.predicted_tail_rate, cost.tangent_cost, reads_training=True),
    "predicted-tail-rate-after-training": _descent(linearised.predicted_tail_rate_after_training, cost.all_pairs_bytes),
    "predicted-steps": Measurement(linearised.predicted_steps, cost.tangent_cost, reads_training=True),
    "steps-off-prediction": _descent(linearised.steps_off_prediction, cost.all_pairs_bytes),
    "square-norm-deviation": _entries(concentration.square_norm_deviation, "rows"),
    "chi-square-exponent": _entries(concentration.chi_square_exponent, "rows"),
    "large-entry-mass": _entries(concentration.large_entry_mass),
    "relu-norm-deviation": _entries(concentration.relu_norm_deviation),
    "relu-norm-tail": _entries(concentration.relu_norm_tail, "deviation", "rows"),
    "masked-entries-law": _entries(concentration.masked_entries_law),
    "masked-entries-law-of-chosen-shift": _entries(concentration.masked_entries_law_of_chosen_shift),
    "masked-norm-law": _entries(concentration.masked_norm_law),
    "masked-norm-law-of-chosen-shift": _entries(concentration.masked_norm_law_of_chosen_shift),
    "percentile-excess": _entries(concentration.percentile_excess),
    "percentile-lower-excess-over-means": _entries(concentration.percentile_lower_excess_over_means),
    "percentile-upper-excess-over-means": _entries(concentration.percentile_upper_excess_over_means),
    "percentile-upper-excess": _entries(concentration.percentile_upper_excess),
    "good-share": _entries(concentration.good_share, "deviation"),
    "conditioned-entries-law": _entries(conditioning.conditioned_entries_law),
    "conditioned-entries-law-of-adjoint": _entries(conditioning.conditioned_entries_law_of_adjoint),
    "conditioned-edge": _entries(conditioning.conditioned_edge),
    "conditioned-edge-of-adjoint": _entries(conditioning.conditioned_edge_of_adjoint),
    "split-rest": _entries(conditioning.split_rest, "sparsity"),
    "kick-probability": _entries(conditioning.kick_probability, "kick"),
    "kick-largest-entry": _entries(conditioning.kick_largest_entry, "kick"),
    "weight-norm": _forward(as_printed.weight_norm, cost.product_norm_cost),
    "active-weight-norm": _forward(as_printed.active_weight_norm, cost.product_norm_cost),
    "part-in-earlier-layers": _forward(as_printed.part_in_earlier_layers),
    "part-in-all-layers": _forward(as_printed.part_in_all_layers),
    "recursion-error-as-printed": _in_rounding_units(_forward(as_printed.recursion_error_as_printed)),
    "recursion-error": _in_rounding_units(_forward(as_printed.recursion_error)),
    "batch-gradient-error-as-printed": _in_rounding_units(
        _forward(as_printed.batch_gradient_error_as_printed, cost.gradient_cost)
    ),
    "batch-gradient-error": _in_rounding_units(_forward(as_printed.batch_gradient_error, cost.gradient_cost)),
    "share-above": _entries(as_printed.share_above, "threshold"),
    "backward-change-under-new-weights": _perturbed(backward.backward_change_under_new_weights),
    "weights-change-under-new-masks": _perturbed(backward.weights_change_under_new_masks),
    "weights-change-under-old-masks": _perturbed(backward.weights_change_under_old_masks),
    "coordinate-change": _rank_one(rank_one.coordinate_change),
    "column-change-by-masks": _rank_one(rank_one.column_change_by_masks),
    "column-change-by-weights": _rank_one(rank_one.column_change_by_weights),
    "kicked-norm": _perturbed(propagation.kicked_norm),
    "flips-of-two-parts": Measurement(
        propagation.flips_of_two_parts, cost.forward_cost, reads_probe=("kick", "deviation")
    ),
    "mass-of-two-parts": Measurement(
        propagation.mass_of_two_parts, cost.forward_cost, reads_probe=("kick", "deviation")
    ),
    "rest-of-sparse-step": Measurement(
        propagation.rest_of_sparse_step, cost.sparse_step_cost, reads_probe=("sparsity", "threshold")
    ),
    "gradient-one-hot": _forward(fake_gradient.gradient_one_hot, cost.fake_gradient_cost),
    "gradient-all-ones": _forward(fake_gradient.gradient_all_ones, cost.fake_gradient_cost),
    "gradient-random": _forward(fake_gradient.gradient_random, cost.fake_gradient_cost),
    "gradient-antisymmetric": _forward(fake_gradient.gradient_antisymmetric, cost.fake_gradient_cost),
    "largest-gradient": Measurement(
        fake_gradient.largest_gradient, cost.worst_gradient_cost, cost.worst_gradient_bytes
    ),
    "largest-gradient-of-a-sequence": Measurement(
        fake_gradient.largest_gradient_of_a_sequence, cost.worst_gradient_cost, cost.worst_gradient_bytes
    ),
    "largest-gradient-row": Measurement(fake_gradient.largest_gradient_row, cost.worst_row_cost, cost.worst_row_bytes),
    "gradient-change": replace(_perturbed(fake_gradient.gradient_change), peak_bytes=cost.kicked_bytes),
    "small-backward-share": _rows(row_gradients.small_backward_share, "rows"),
    "small-backward-share-of-small-rows": _rows(row_gradients.small_backward_share_of_small_rows, "rows"),
    "small-backward-share-as-printed": _rows(row_gradients.small_backward_share_as_printed, "rows"),
    "typical-backward-entry": _rows(row_gradients.typical_backward_entry),
    "near-kink-rows": _rows(row_gradients.near_kink_rows, "rows", "threshold", is_count=True),
    "near-kink-share": _rows(row_gradients.near_kink_share, "rows", "threshold"),
    "lone-kink-share": _rows(row_gradients.lone_kink_share, "rows", "threshold", "margin"),
    "surviving-margin": _rows(row_gradients.surviving_margin, "rows", "threshold"),
    "large-gradient-rows": _rows(row_gradients.large_gradient_rows, "rows", is_count=True),
    "earlier-change": _in_rounding_units(_kicked(row_kicks.earlier_change, "kick")),
    "earlier-change-along-state": _in_rounding_units(_kicked(row_kicks.earlier_change_along_state, "kick")),
    "kick-balance": _kicked(
        row_kicks.kick_balance, "rows", "threshold", "margin", "kick", peak_bytes=cost.all_pairs_bytes
    ),
    "other-kinks-crossed": _kicked(
        row_kicks.other_kinks_crossed, "rows", "threshold", "margin", "kick", peak_bytes=cost.lone_rows_bytes
    ),
    "row-change": _kicked(row_kicks.row_change, "rows", "kick", peak_bytes=cost.kicked_rows_bytes),
    "row-change-of-all-kicked": _kicked(row_kicks.row_change_of_all_kicked, "rows", "kick"),
}
