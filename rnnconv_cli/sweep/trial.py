"""TRIAL → READINGS: one trial carried out, or the status that says why it could not be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.measure.training import step_is_too_large
from rnnconv_cli.problem import elman
from rnnconv_cli.problem.sequences import broken_preconditions
from rnnconv_cli.records import LARGEST_NUMBER, ProblemSetting, Reading, Status, Trial

Draw = tuple[ProblemSetting, int, int]  # setting, seed and replicate: what an instance follows from
Group = tuple[Trial, ...]  # trials of one instance: it is drawn once for all of them
Results = tuple[tuple[Reading, ...], ...]


def label(trial: Trial) -> str:
    """Return a trial in a few words, for people."""
    problem = trial.problem
    return f"{trial.quantity} m={problem.width} L={problem.horizon} n={problem.n_sequences} draw {trial.replicate}"


def drawn_from(trial: Trial) -> Draw:
    """Return what the instance of a trial is drawn from."""
    return trial.problem, trial.seed, trial.replicate


def run_trial(trial: Trial, instance: elman.Instance, backend: Backend) -> tuple[Reading, ...]:
    """Return the readings of one trial on its instance, or its one status where it has none."""
    try:
        if broken := broken_preconditions(trial.problem, instance.x, trial.preconditions):
            return without_value(trial, Status.OUT_OF_REGIME, "breaks " + ", ".join(broken))
        with np.errstate(all="ignore"):  # what overflows becomes a status, read off the value itself
            if (
                trial.training is not None
                and "step-size" in trial.preconditions
                and step_is_too_large(instance, trial.training, backend)
            ):
                return without_value(trial, Status.OUT_OF_REGIME, "breaks step-size: eta lambda_max >= 2")
            readings = MEASUREMENTS[trial.quantity].measure(instance, trial, backend)
    except OverflowError:  # where NumPy has infinity, Python's own floats raise
        return without_value(trial, Status.DIVERGED, "a number beyond the range of float64")
    except OverflowedNetwork as error:
        return without_value(trial, Status.DIVERGED, str(error))
    except (MeasurementError, MemoryError, ZeroDivisionError, np.linalg.LinAlgError) as error:
        return without_value(trial, Status.FAILED, str(error) or type(error).__name__)
    return tuple(map(_bounded, readings))


def run_group(group: Group, backend_name: str) -> Results:
    """Return the readings of trials that share an instance, drawing it once."""
    first = group[0]
    try:
        instance = elman.draw(first.problem, first.seed, first.replicate)
    except (MeasurementError, MemoryError) as error:
        return tuple(without_value(trial, Status.FAILED, str(error) or "out of memory") for trial in group)
    return tuple(run_trial(trial, instance, BACKENDS[backend_name]) for trial in group)


def _bounded(reading: Reading) -> Reading:
    """The reading; one that has diverged if its value is too large to count with."""
    if reading.value is None or abs(reading.value) <= LARGEST_NUMBER:
        return reading
    return replace(reading, value=None, status=Status.DIVERGED, detail=f"beyond {LARGEST_NUMBER:g}")


def without_value(trial: Trial, status: Status, detail: str) -> tuple[Reading, ...]:
    """Return what stands for the readings of a trial that has none: the status, at every point it would be read at."""
    first = MEASUREMENTS[trial.quantity].first_decade
    points: tuple[float | None, ...] = tuple(float(decade - first) for decade in trial.read_at) or (None,)
    return tuple(Reading(None, status, point, detail=detail) for point in points)
