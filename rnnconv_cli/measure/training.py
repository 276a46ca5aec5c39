"""Descent runs in compiled chunks, with the floor that clashing copies dictate (Theorems 1 and 2, footnote 10)."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import DeadNetwork, MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array, copy_aligned
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.cost import seconds_per_step
from rnnconv_cli.measure.memory import layers_held
from rnnconv_cli.measure.tangent import extreme_eigenvalue
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Status, TrainingSetting, Trial

BLOW_UP = 1e6  # a loss this many times the initial one has diverged; catapults stay well below
CHUNK_SECONDS = 0.1  # by the cost model, which errs by less than five: Ctrl-C is served within half a second
CURVE_STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A descent run: f_t for t = 0..steps, ||step gradient||_F^2 for t < steps, the final W, and why it ended.

    `moved` holds ||W_t - W_0||_F at the steps t that were asked for and taken.
    """

    losses: Array
    gradient_norms: Array
    W: Array
    status: Status  # ok: target reached; not-reached; diverged
    learning_rate: float
    floor: float
    moved: tuple[float, ...] = ()

    @property
    def steps(self) -> int:
        """Return the last recorded step."""
        return len(self.losses) - 1

    def first_step_at(self, accuracy: float) -> int | None:
        """Return the first t with f_t - floor <= accuracy (f_0 - floor), or None."""
        below = self.losses <= self.floor + accuracy * (self.losses[0] - self.floor)  # rounded as the run's own target
        return int(np.argmax(below)) if bool(below.any()) else None

    def curve(self) -> tuple[tuple[int, float], ...]:
        """Return (t, f_t / f_0) at no more than 200 steps, log-spaced, the first and last always among them.

        A loss that is not finite has no place in it: it ends the run, whose status says so.
        """
        chosen = np.unique(np.concatenate([[0], np.geomspace(1, max(self.steps, 1), CURVE_STEPS - 1).astype(int)]))
        finite = [int(t) for t in chosen if t <= self.steps and math.isfinite(self.losses[t])]
        return tuple((t, float(self.losses[t] / self.losses[0])) for t in finite)


def training_of(trial: Trial) -> TrainingSetting:
    """Return the trial's training section; the plan has refused quantities that lack theirs."""
    if trial.training is None:
        raise MeasurementError(trial.quantity, "needs a training section")
    return trial.training


def step_size(instance: Instance, training: TrainingSetting, backend: Backend) -> float:
    """Return eta, absolute: the declared number, or that number over lambda_max of the initial tangent Gram matrix.

    Raises DeadNetwork where that is zero.
    """
    if training.learning_rate_unit == "absolute":
        return training.learning_rate
    largest, _ = extreme_eigenvalue(state_of(instance, backend), backend, position=-1)
    if largest == 0:
        raise DeadNetwork("step size", "lambda_max of the tangent Gram matrix is zero: no output depends on W")
    return training.learning_rate / largest


def step_is_too_large(instance: Instance, training: TrainingSetting, backend: Backend) -> bool:
    """Whether eta lambda_max >= 2 at initialisation: beyond it, descent leaves the quadratic that Theorem 1 follows."""
    if training.learning_rate_unit == "inverse-lambda-max":
        return training.learning_rate >= 2
    largest, _ = extreme_eigenvalue(state_of(instance, backend), backend, position=-1)
    return training.learning_rate * largest >= 2


def clash_floor(instance: Instance) -> float:
    """Return the least loss where the copies' outputs are equal: 1/2 sum over i, l >= 2 of ||y_i - mean y||^2."""
    group = instance.labels[1:, : instance.setting.copies].astype(np.float64)
    return float(0.5 * np.sum((group - group.mean(axis=1, keepdims=True)) ** 2))


def run(instance: Instance, trial: Trial, backend: Backend) -> Run:
    """Descend until the accuracy is reached, the loss blows up, or max_steps have been taken."""
    return _run(instance, training_of(trial), backend, ())


def run_at_steps(instance: Instance, trial: Trial, backend: Backend) -> Run:
    """The same run, with ||W_t - W_0||_F at the steps t that the trial is read at."""
    return _run(instance, training_of(trial), backend, trial.read_at)


@functools.lru_cache(maxsize=1)  # several quantities read one run, and the sweep puts them next to each other
def _run(instance: Instance, training: TrainingSetting, backend: Backend, read_at: tuple[int, ...]) -> Run:
    try:
        eta = step_size(instance, training, backend)
    except DeadNetwork:
        eta = 0.0  # the gradient is zero: W stays where it is, whatever the step
    floor = clash_floor(instance) if training.objective == "excess-over-floor" else 0.0
    return descend(instance, training, backend, eta, floor, training.accuracy, read_at)


def descend(
    instance: Instance,
    training: TrainingSetting,
    backend: Backend,
    eta: float,
    floor: float,
    accuracy: float,
    read_at: tuple[int, ...] = (),
) -> Run:
    """Take up to max_steps steps of size eta from the instance's W; see `run`. `read_at` are ascending steps."""
    initial = initial_loss(instance, backend)
    target, limit = floor + accuracy * (initial - floor), BLOW_UP * initial
    batches = _batches(instance, training)
    losses, norms = np.empty(training.max_steps + 1), np.zeros(training.max_steps + 1)
    W = copy_aligned(instance.W)
    chunk = max(1, int(CHUNK_SECONDS / seconds_per_step(instance.setting)))
    step, code, moved = 0, reference.RUNNING, []
    while code == reference.RUNNING and step <= training.max_steps:
        if step in read_at:
            moved.append(_distance(W, instance.W))
        at_end = step == training.max_steps  # only the loss there is wanted: W stays where it was recorded
        next_stop = min((each for each in read_at if each > step), default=training.max_steps)
        step, code = backend.descend(
            W,
            instance.A,
            instance.B,
            instance.x,
            instance.labels,
            instance.activation,
            0.0 if at_end else eta,
            batches,
            step,
            training.max_steps + 1 if at_end else min(step + chunk, next_stop, training.max_steps),
            target,
            limit,
            losses,
            norms,
            segment=layers_held(instance.setting),
        )
    ends = {reference.REACHED: Status.OK, reference.DIVERGED: Status.DIVERGED, reference.RUNNING: Status.NOT_REACHED}
    last = min(step, training.max_steps)
    return Run(losses[: last + 1], norms[: last + 1], W, ends[code], eta, floor, tuple(moved))


def _distance(W: Array, origin: Array) -> float:
    """Return ||W - W_0||_F in float64, row by row: no temporary of the size of W."""
    rows, from_rows = (each.reshape(-1, each.shape[2]) for each in (W, origin))
    squares = [np.sum(np.square(row.astype(np.float64) - other)) for row, other in zip(rows, from_rows, strict=True)]
    return math.sqrt(math.fsum(squares))


def initial_loss(instance: Instance, backend: Backend) -> float:
    """Return f(W) of the instance: what a run records before its first step, which an infinite target ends it at."""
    data = (instance.W, instance.A, instance.B, instance.x, instance.labels, instance.activation)
    losses, everything = np.empty(1), np.empty((1, 0), dtype=np.int64)
    held = layers_held(instance.setting)
    backend.descend(*data, 0.0, everything, 0, 1, math.inf, math.inf, losses, np.empty(1), segment=held)
    return float(losses[0])


def _batches(instance: Instance, training: TrainingSetting) -> Array:
    """Return the sequences of every step, (max_steps + 1, |S|) int64, drawn without replacement; none for gd."""
    if training.method == "gd":
        return np.empty((training.max_steps + 1, 0), dtype=np.int64)
    rng = instance.stream(Stream.BATCHES, training.batch_size)
    order = np.argsort(rng.random((training.max_steps + 1, instance.setting.n_sequences)), axis=1)
    return np.ascontiguousarray(order[:, : training.batch_size])
