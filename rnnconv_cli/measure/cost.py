"""What a trial costs: a plain model of passes over W, good to a factor of a few, for previews and progress."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnconv_cli.measure.memory import (
    COPIES_OF_GRAM,
    COPIES_OF_RUN_STATES,
    LARGEST_GRAM_BYTES,
    basis_size,
    gram_bytes,
    layer_bytes,
    layers_held,
    outputs_of,
    weight_bytes,
)
from rnnconv_cli.records import ProblemSetting, TrainingSetting, Trial

SECONDS_PER_TRIAL = 1e-3  # drawing and handing over, however small the network
SECONDS_PER_PRODUCT_ENTRY = 0.04e-9  # m^2 n entries of a product at about 50 GF/s
SECONDS_PER_WEIGHT = 0.4e-9  # one pass over 8-byte weights at about 20 GB/s
SECONDS_PER_CALL = 2e-6  # one product, however small
SECONDS_PER_DRAW = 10e-9  # one Gaussian entry of W
SECONDS_PER_SORTED_ENTRY = 30e-9  # one entry of W compared with its law
SECONDS_PER_SEARCHED_ENTRY = 8e-9  # one entry of W in a search for the largest ones of a row
TYPICAL_STEPS = 0.2  # T / (n L^2 log(1/epsilon)), the middle of the shipped claims
PRODUCTS = 9  # of a Gram matrix with as many columns as it has: in eight alternations, and for the norms they reach
SECONDS_PER_RESPONSE_ENTRY = 0.6e-9  # one product in the response of an output, with indices that no BLAS sums over
SECONDS_PER_ROW_GRAM_ENTRY = 80e-9  # one entry of a row's small Gram matrix, and of its alternations but for products
STABLE_RUNS = 5  # whole ones: of eleven, the unstable half is cut short
ROWS_KICKED = 8  # at each place
SPARSE_STARTS = 12  # vectors that a search for supports moves together
SPARSE_PASSES = 16  # of them through a product
SEARCH_PASSES = {  # in units of a forward pass; a search from random points alone takes half
    "training-displacement": 200.0,
    "ascent-hidden": 90.0,
    "ascent-hidden-from-random": 45.0,
    "ascent-flips": 150.0,
    "ascent-flips-from-random": 75.0,
    "ascent-product": 600.0,
    "ascent-product-from-random": 300.0,
    "ascent-remainder": 150.0,
    "ascent-remainder-from-random": 75.0,
}
COPIES_OF_W = 9  # drawn, moving or displaced, two directions, perturbed, a temporary; what the last instance left
COPIES_OF_STATES = 8  # A x, g, h and D, with temporaries; those that the last instance left
COPIES_OF_KICKED_STATES = 6  # x, g, h, D and signals of every sequence under every W', with temporaries
COPIES_OF_RESPONSES = 2  # as summed up, and as laid out for the Gram matrices
COPIES_OF_ROW_GRAMS = 5  # K of every row, losses, their lengths, unit losses, and K of these
BASE_BYTES = 200 * 2**20  # interpreter and libraries


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast one core is, as far as a prediction asks [s]. The defaults are those of no machine in particular."""

    product_entry: float = SECONDS_PER_PRODUCT_ENTRY
    weight: float = SECONDS_PER_WEIGHT
    draw: float = SECONDS_PER_DRAW
    trial: float = SECONDS_PER_TRIAL


TYPICAL = Speeds()


def seconds_per_pass(setting: ProblemSetting, speeds: Speeds = TYPICAL) -> float:
    """Return predicted core-seconds of one product of W with all sequences' states."""
    return setting.width**2 * max(speeds.product_entry * setting.n_sequences, speeds.weight) + SECONDS_PER_CALL


def slowdown(setting: ProblemSetting, speeds: Speeds) -> float:
    """Return how many times as long as at typical speeds a product of this size takes: so does what is made of them."""
    return seconds_per_pass(setting, speeds) / seconds_per_pass(setting)


def seconds_per_step(setting: ProblemSetting) -> float:
    """Return predicted core-seconds of one descent step: 3 L products, 4 L in segments, and an update of W."""
    passes = 3 if layers_held(setting) == 0 else 4
    return (passes * setting.horizon + 2) * seconds_per_pass(setting)


def draw_seconds(setting: ProblemSetting, speeds: Speeds = TYPICAL) -> float:
    """Return predicted core-seconds of drawing the network."""
    matrices = setting.horizon if setting.layers == "independent" else 1
    return matrices * setting.width**2 * speeds.draw + speeds.trial


def forward_cost(trial: Trial) -> float:
    """Return predicted core-seconds of one forward pass."""
    return trial.problem.horizon * seconds_per_pass(trial.problem)


def gradient_cost(trial: Trial) -> float:
    """Return predicted core-seconds of eight backward passes with their weight gradients."""
    return 20 * forward_cost(trial)


def written_out_cost(trial: Trial) -> float:
    """Return predicted core-seconds of the gradient term by term: a pass and an outer product for each."""
    return trial.problem.horizon**2 / 2 * forward_cost(trial) + gradient_cost(trial)


def all_pairs_cost(trial: Trial) -> float:
    """Return predicted core-seconds of products over all pairs of layers, sequence by sequence."""
    return trial.problem.n_sequences * trial.problem.horizon / 2 * forward_cost(trial)


def product_norm_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a few Lanczos steps, forth and back, sequence by sequence."""
    return 8 * trial.problem.n_sequences * forward_cost(trial)


def perturbed_cost(trial: Trial) -> float:
    """Return predicted core-seconds of an adversary, shared with other quantities of its instance, and the passes."""
    searched = 0.0 if trial.perturbation is None else SEARCH_PASSES.get(trial.perturbation.adversary, 0.0)
    return (12 + searched) * forward_cost(trial)


def product_change_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a spectral norm of a difference of two products."""
    return 2 * product_norm_cost(trial) + perturbed_cost(trial)


def descent_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a run: T grows about like n L^2 log(1/epsilon) at a step of 1/lambda_max."""
    problem, training = trial.problem, trial.training
    if training is None:
        return 0.0
    steps = TYPICAL_STEPS * problem.n_sequences * problem.horizon**2 * -math.log(training.accuracy)
    return min(steps, float(training.max_steps)) * seconds_per_step(problem)


def stable_step_cost(trial: Trial) -> float:
    """Return predicted core-seconds of eleven runs of all their steps, the unstable ones cut short."""
    steps = 0 if trial.training is None else trial.training.max_steps
    return STABLE_RUNS * steps * seconds_per_step(trial.problem)


def all_pairs_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of states for all pairs of layers, as of a W' for each, or of backward vectors.

    With copies of W, a run's records and the tangent Gram matrix that its step needs.
    """
    return _with_states(trial, COPIES_OF_STATES * trial.problem.horizon**2 * layer_bytes(trial.problem))


def kicked_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of all sequences' states under a W' for each of the n (L - 1) uses of W."""
    return _with_kicks(trial, trial.problem.n_sequences * (trial.problem.horizon - 1))


def kicked_rows_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of all sequences' states under eight kicks of a row for each use of W."""
    return _with_kicks(trial, ROWS_KICKED * trial.problem.n_sequences * (trial.problem.horizon - 1))


def lone_rows_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of all sequences' states under a kick of each row that is near one kink.

    Of the probe's rows no more than a share of b_- are: |g| has a density of 0.56 sqrt(m) / ||h|| at zero.
    """
    probe = trial.probe
    rows, threshold = (0.0, 0.0) if probe is None else (probe.rows or 0.0, probe.threshold or 0.0)
    return _with_kicks(trial, math.ceil(min(rows, trial.problem.width) * min(threshold, 1.0)))


def _with_kicks(trial: Trial, kicks: int) -> int:
    states = COPIES_OF_KICKED_STATES * kicks * trial.problem.horizon * layer_bytes(trial.problem)
    return all_pairs_bytes(trial) + states


def worst_gradient_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of the worst losses: of the responses of N outputs in the states' basis, N q m.

    Beside them, the signals of all outputs, L N m, and their Gram matrix.
    """
    problem, outputs = trial.problem, outputs_of(trial.problem)
    responses = COPIES_OF_RESPONSES * outputs * basis_size(problem) * problem.width
    signals = problem.horizon * outputs * problem.width
    return all_layers_bytes(trial) + 8 * (responses + signals + (COPIES_OF_ROW_GRAMS + 1) * outputs**2)


def worst_row_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of the worst losses of every row, whose Gram matrices are (m, N, N)."""
    outputs = outputs_of(trial.problem)
    return worst_gradient_bytes(trial) + 8 * COPIES_OF_ROW_GRAMS * trial.problem.width * outputs * (outputs + 2)


def all_layers_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of states for all layers."""
    return _with_states(trial, COPIES_OF_STATES * trial.problem.horizon * layer_bytes(trial.problem))


def descent_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of a run, which holds its states for all layers or for a segment at a time."""
    if trial.training is not None and _needs_gram(trial.training, trial):
        return all_layers_bytes(trial)
    horizon, held = trial.problem.horizon, layers_held(trial.problem)
    layers = COPIES_OF_RUN_STATES * (held or horizon) + (horizon // held + 3 if held else 0)
    return _with_states(trial, layers * layer_bytes(trial.problem))


def _with_states(trial: Trial, states: int) -> int:
    problem = trial.problem
    tokens = problem.horizon * problem.n_sequences * (problem.input_dim + 4 * problem.output_dim)  # labels, residuals
    rest = COPIES_OF_W * weight_bytes(problem) + _training_bytes(trial) + BASE_BYTES
    return states + 8 * tokens + rest


def _training_bytes(trial: Trial) -> int:
    """Return the bytes of a run's losses, gradient norms and batches, and of the Gram matrix that its step needs."""
    problem, training = trial.problem, trial.training
    if training is None:
        return 0
    per_step = 2 + (3 * problem.n_sequences if training.method == "sgd" else 0)
    entries = per_step * training.max_steps
    return 8 * entries + (_tangent_bytes(problem) if _needs_gram(training, trial) else 0)


def _needs_gram(training: TrainingSetting, trial: Trial) -> bool:
    return training.learning_rate_unit == "inverse-lambda-max" or "step-size" in trial.preconditions


def _tangent_bytes(setting: ProblemSetting) -> int:
    """Return the bytes that the largest eigenvalue of the tangent Gram matrix takes, by either way."""
    return max(min(gram_bytes(setting), LARGEST_GRAM_BYTES), 8 * COPIES_OF_GRAM * outputs_of(setting) ** 2)


def tangent_cost(trial: Trial) -> float:
    """Return predicted core-seconds of the tangent Gram matrix: a backward pass for each output of a sequence."""
    problem = trial.problem
    outputs = (problem.horizon - 1) * problem.output_dim
    uses = outputs * problem.horizon / 2 * problem.n_sequences  # backward vectors
    assembly = uses**2 * problem.width * SECONDS_PER_PRODUCT_ENTRY
    return forward_cost(trial) + outputs / 2 * forward_cost(trial) + assembly


def entries_cost(trial: Trial) -> float:
    """Return predicted core-seconds of sorting or summing functions of all entries of W, and of a forward pass."""
    return forward_cost(trial) + SECONDS_PER_SORTED_ENTRY * trial.problem.width**2


def sparse_form_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a truncated power iteration from a dozen starts, sequence by sequence."""
    setting = trial.problem
    starts = setting.width**2 * max(SPARSE_STARTS * SECONDS_PER_PRODUCT_ENTRY, SECONDS_PER_WEIGHT)
    return product_norm_cost(trial) + SPARSE_PASSES * setting.n_sequences * setting.horizon * starts


def sparse_form_of_all_products_cost(trial: Trial) -> float:
    """Return predicted core-seconds of the same for every pair of layers."""
    return trial.problem.horizon**2 / 6 * sparse_form_cost(trial)


def changed_product_cost(trial: Trial) -> float:
    """Return predicted core-seconds of five spectral norms, each with a pass forth and back, sequence by sequence."""
    return 6 * product_norm_cost(trial)


def residual_cost(trial: Trial) -> float:
    """Return predicted core-seconds of Gram-Schmidt over the states of all layers, and of projecting each layer."""
    problem = trial.problem
    columns = problem.n_sequences * problem.horizon
    return forward_cost(trial) + 10 * problem.width * columns**2 * SECONDS_PER_PRODUCT_ENTRY + 1e-4 * problem.horizon


def fresh_direction_cost(trial: Trial) -> float:
    """Return predicted core-seconds of drawing and orthonormalising nL vectors of `rows` entries."""
    rows = 0.0 if trial.probe is None or trial.probe.rows is None else trial.probe.rows
    return 4 * rows * trial.problem.n_sequences * trial.problem.horizon * SECONDS_PER_DRAW


def rank_one_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a search among all entries of W for each layer, and products over all pairs."""
    setting = trial.problem
    targets = setting.horizon * setting.n_sequences
    searched = targets * setting.width**2 * SECONDS_PER_SEARCHED_ENTRY
    return searched + targets * setting.horizon**2 * setting.output_dim * setting.width**2 * SECONDS_PER_PRODUCT_ENTRY


def sparse_step_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a dozen steps of ascent, each forth and back, sequence by sequence."""
    return 24 * trial.problem.n_sequences * forward_cost(trial)


def fake_gradient_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a forward and a backward pass, and the norms of rows."""
    return 3 * forward_cost(trial)


def worst_gradient_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a backward pass for each output, their Gram matrix, and alternations with it.

    The passes are L m^2 N products, the responses in the states' basis L N q m, their Gram matrix N^2 q m.
    """
    setting, outputs = trial.problem, outputs_of(trial.problem)
    size, layers = outputs * basis_size(setting) * setting.width, setting.horizon
    products = layers * setting.width**2 * outputs + size * outputs + PRODUCTS * outputs**3
    return forward_cost(trial) + products * SECONDS_PER_PRODUCT_ENTRY + layers * size * SECONDS_PER_RESPONSE_ENTRY


def worst_row_cost(trial: Trial) -> float:
    """Return predicted core-seconds of the same with a Gram matrix and alternations for each row."""
    outputs = outputs_of(trial.problem)
    each = SECONDS_PER_ROW_GRAM_ENTRY + PRODUCTS * outputs * SECONDS_PER_PRODUCT_ENTRY
    return worst_gradient_cost(trial) + trial.problem.width * outputs**2 * each


def kicked_rows_cost(trial: Trial) -> float:
    """Return predicted core-seconds of passes forth and back under eight kicks of each place, of all sequences."""
    setting = trial.problem
    columns = ROWS_KICKED * setting.n_sequences**2 * setting.horizon
    return 2 * setting.horizon * columns * setting.width**2 * SECONDS_PER_PRODUCT_ENTRY
