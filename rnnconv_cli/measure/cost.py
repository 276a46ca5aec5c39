"""What a trial costs: a plain model of passes over W, good to a factor of a few, for previews and progress."""

from __future__ import annotations

import math

from rnnconv_cli.records import ProblemSetting, Trial

SECONDS_PER_PRODUCT_ENTRY = 0.08e-9  # m^2 n entries of a product at about 25 GF/s
SECONDS_PER_WEIGHT = 0.4e-9  # one pass over 8-byte weights at about 20 GB/s
SECONDS_PER_DRAW = 10e-9  # one Gaussian entry of W
TYPICAL_STEPS = 0.2  # T / (n L^2 log(1/epsilon)), the middle of the shipped claims
COPIES_OF_W = 9  # drawn, moving or displaced, two directions, perturbed, a temporary; what the last instance left
COPIES_OF_GRAM_ROWS = 5  # backward vectors listed, stacked and reordered; hidden states tiled
COPIES_OF_GRAM = 3  # two products and theirs, before the uses of W are summed
BASE_BYTES = 200 * 2**20  # interpreter and libraries


def seconds_per_pass(setting: ProblemSetting) -> float:
    """Return predicted core-seconds of one product of W with all sequences' states."""
    return setting.width**2 * max(SECONDS_PER_PRODUCT_ENTRY * setting.n_sequences, SECONDS_PER_WEIGHT) + 2e-6


def seconds_per_step(setting: ProblemSetting) -> float:
    """Return predicted core-seconds of one descent step: 3 L products and an update of W."""
    return (3 * setting.horizon + 2) * seconds_per_pass(setting)


def draw_seconds(setting: ProblemSetting) -> float:
    """Return predicted core-seconds of drawing the network."""
    matrices = setting.horizon if setting.layers == "independent" else 1
    return matrices * setting.width**2 * SECONDS_PER_DRAW + 1e-4


def weight_bytes(setting: ProblemSetting) -> int:
    """Return the bytes of one copy of W."""
    matrices = setting.horizon if setting.layers == "independent" else 1
    return matrices * setting.width**2 * (8 if setting.dtype == "float64" else 4)


def forward_cost(trial: Trial) -> float:
    """Return predicted core-seconds of one forward pass."""
    return trial.problem.horizon * seconds_per_pass(trial.problem)


def gradient_cost(trial: Trial) -> float:
    """Return predicted core-seconds of eight backward passes with their weight gradients."""
    return 20 * forward_cost(trial)


def all_pairs_cost(trial: Trial) -> float:
    """Return predicted core-seconds of products over all pairs of layers, sequence by sequence."""
    return trial.problem.n_sequences * trial.problem.horizon / 2 * forward_cost(trial)


def product_norm_cost(trial: Trial) -> float:
    """Return predicted core-seconds of a few Lanczos steps, forth and back, sequence by sequence."""
    return 8 * trial.problem.n_sequences * forward_cost(trial)


def perturbed_cost(trial: Trial) -> float:
    """Return predicted core-seconds of an adversary, shared with other quantities of its instance, and the passes."""
    return 12 * forward_cost(trial)


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
    """Return predicted core-seconds of ten runs of 30 steps, the unstable ones cut short."""
    return 150 * seconds_per_step(trial.problem)


def peak_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of a trial: copies of W, stored states, a run's records, tangent Gram matrix."""
    problem = trial.problem
    entry = 8 if problem.dtype == "float64" else 4
    states = 8 * problem.width * problem.n_sequences * problem.horizon**2 * entry
    return COPIES_OF_W * weight_bytes(problem) + states + _training_bytes(trial) + BASE_BYTES


def _training_bytes(trial: Trial) -> int:
    """Return the bytes of a run's losses, gradient norms and batches, and of the Gram matrix that its step needs."""
    problem, training = trial.problem, trial.training
    if training is None:
        return 0
    per_step = 2 + (3 * problem.n_sequences if training.method == "sgd" else 0)
    entries = per_step * training.max_steps
    if training.learning_rate_unit == "inverse-lambda-max" or "step-size" in trial.preconditions:
        rows = problem.n_sequences * (problem.horizon - 1) ** 2 * problem.output_dim  # one for each output and use of W
        entries += COPIES_OF_GRAM_ROWS * rows * problem.width + COPIES_OF_GRAM * rows**2
    return 8 * entries
