"""A STORED TRIAL → ITS READINGS AGAIN: carried out in this process, and compared with what was stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.errors import (
    EXIT_CONTRADICTED,
    EXIT_COULD_NOT_MEASURE,
    ResourceError,
    UsageError,
)
from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.measure import MEASUREMENTS, Measurement
from rnnconv_cli.records import Reading, Status, Trial
from rnnconv_cli.spec.possible import impossible
from rnnconv_cli.spec.rules import DEEPEST_DECADE
from rnnconv_cli.sweep.conditions import (
    ABS_TOLERANCE,
    REL_TOLERANCE,
    conditions,
    differences,
    name_of_processor,
    processor_facts_of,
    recorded,
)
from rnnconv_cli.sweep.machine import limit_blas_threads, usable_memory
from rnnconv_cli.sweep.plan import PROBE_NUMBERS, predicted_bytes, predicted_seconds
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.trial import label, run_group
from rnnconv_cli.sweep.why import change

CURVE_FLOOR = 1e-12  # of the initial loss: below it, a loss is a square of what rounding has left of a residual


@dataclass(frozen=True, slots=True)
class Compared:
    """One number of a trial, as it was stored and as it is now; both as a result writes them."""

    stored: Reading
    now: Reading
    slack: float = 0.0  # absolute difference that other conditions may make beside the relative one

    @property
    def is_same(self) -> bool:
        """Whether all bits, those of the loss curve included, are the same."""
        return self.has_same_value and self.has_same_curve

    @property
    def has_same_value(self) -> bool:
        """Whether all bits of the value, the status, and the place that a run was read at are the same."""
        return self._has_same_words and _bits(self.stored.value) == _bits(self.now.value)

    @property
    def has_same_curve(self) -> bool:
        """Whether all bits of the loss curve are the same; so too where there is none."""
        then, now = ([(step, _bits(loss)) for step, loss in each.curve] for each in (self.stored, self.now))
        return then == now

    @property
    def is_close(self) -> bool:
        """Whether the numbers differ by no more than other conditions may take them apart."""
        return self._has_close_value and self._has_close_curve

    @property
    def difference(self) -> float | None:
        """The difference of the values; None where there are not two."""
        if self.stored.value is None or self.now.value is None:
            return None
        return abs(self.now.value - self.stored.value)

    @property
    def relative(self) -> float | None:
        """The difference of the values over the larger of them [1]; None where there are not two."""
        if self.stored.value is None or self.now.value is None:
            return None
        largest = max(abs(self.stored.value), abs(self.now.value))
        return abs(self.now.value / largest - self.stored.value / largest) if largest else 0.0

    @property
    def last_places(self) -> float | None:
        """The same in units in the last place of the larger value; None where there are not two."""
        if self.stored.value is None or self.now.value is None:
            return None
        unit = math.ulp(max(abs(self.stored.value), abs(self.now.value)))
        return abs(self.now.value / unit - self.stored.value / unit)

    @property
    def _has_close_value(self) -> bool:
        relative, difference = self.relative, self.difference
        if not self._has_same_words or relative is None or difference is None:
            return self.has_same_value
        if self.stored.status is Status.ROUND_OFF:  # at the floor of arithmetic no digit is kept
            return True
        return relative <= REL_TOLERANCE or difference <= self.slack

    @property
    def _has_close_curve(self) -> bool:
        then, now = self.stored.curve, self.now.curve
        return [step for step, _ in then] == [step for step, _ in now] and all(
            math.isclose(one, other, rel_tol=REL_TOLERANCE, abs_tol=CURVE_FLOOR)
            for (_, one), (_, other) in zip(then, now, strict=True)
        )

    @property
    def _has_same_words(self) -> bool:
        return self.stored.status is self.now.status and self.now.point in (None, self.stored.point)


@dataclass(frozen=True, slots=True)
class Replay:
    """A trial measured again: how it compares, and what the conditions differ in, in words."""

    compared: tuple[Compared, ...]
    changes: tuple[str, ...]

    @property
    def has_failed(self) -> bool:
        """Whether it could not be measured now."""
        return any(each.now.status is Status.FAILED for each in self.compared)

    @property
    def had_failed(self) -> bool:
        """Whether the result says that it could not be measured: there is nothing to compare with."""
        return any(each.stored.status is Status.FAILED for each in self.compared)

    @property
    def is_same(self) -> bool:
        """Whether all bits are the same."""
        return all(each.is_same for each in self.compared)

    @property
    def has_same_curve(self) -> bool:
        """Whether all bits of the loss curve are the same."""
        return all(each.has_same_curve for each in self.compared)

    @property
    def has_same_detail(self) -> bool:
        """Whether measuring has said the same words."""
        return all(each.stored.detail == each.now.detail for each in self.compared)

    @property
    def exit_status(self) -> int:
        """0 where the readings are as they must be under these conditions, 3 where not, 5 where there are none.

        A trial that can be measured now and had failed is not as it must be: a failure keeps a draw from its verdict.
        """
        if self.has_failed:
            return EXIT_COULD_NOT_MEASURE
        if self.had_failed:
            return EXIT_CONTRADICTED
        if self.changes:
            return 0 if all(each.is_close for each in self.compared) else EXIT_CONTRADICTED
        return 0 if self.is_same and self.has_same_detail else EXIT_CONTRADICTED


def refuse_impossible(trial: Trial, backend: str, origin: str) -> None:
    """Raise UsageError for a backend, or a trial, that no run could have carried out."""
    if backend not in BACKENDS:
        raise UsageError(f"backend {backend!r} in {origin}", f"one of {', '.join(BACKENDS)}")
    measurement = MEASUREMENTS.get(trial.quantity)
    if measurement is None:
        problem = f"the quantity {trial.quantity!r}, which this rnnconv does not know"
    else:
        problem = impossible(trial) or _unread(trial, measurement)
    if problem:
        raise UsageError(f"a trial that no claim could ask for in {origin} ({problem})", "one as it was written")


def _unread(trial: Trial, measurement: Measurement) -> str:
    """What a quantity needs and a trial has not, or the other way round; nothing where they fit."""
    given = {"training": trial.training is not None, "perturbation": trial.perturbation is not None}
    read = {"training": measurement.reads_training, "perturbation": measurement.reads_perturbation}
    has_probe = trial.probe is not None
    numbers = [name for name in PROBE_NUMBERS if getattr(trial.probe, name, None) is not None]
    if given != read or has_probe != bool(measurement.reads_probe):
        return f"the quantity {trial.quantity!r} reads other sections"
    if set(numbers) != set(measurement.reads_probe) - {"search"}:
        return f"the quantity {trial.quantity!r} reads other numbers"
    if trial.perturbation is not None and trial.perturbation.adversary not in measurement.adversaries:
        return f"the adversary {trial.perturbation.adversary!r}"
    return _unreadable(trial, measurement)


def _unreadable(trial: Trial, measurement: Measurement) -> str:
    """Where a run cannot be read; nothing where it can."""
    places = trial.read_at
    if bool(places) != bool(measurement.read_along) or list(places) != sorted(set(places)):
        return f"the quantity {trial.quantity!r} is read elsewhere"
    if trial.training is None or not places:
        return ""
    by_decade = measurement.read_along == "decades"
    last = DEEPEST_DECADE + measurement.first_decade if by_decade else trial.training.max_steps
    first = measurement.first_decade + 1 if by_decade else 0
    return "" if first <= places[0] and places[-1] <= last else f"it is read from {places[0]} to {places[-1]}"


def measure_again(trial: Trial, backend: str, progress: Progress) -> tuple[Reading, ...]:
    """Return the readings of a trial, measured here and now as a run does. Raises ResourceError."""
    needed, available = predicted_bytes(trial), usable_memory()
    if needed > available:
        raise ResourceError(label(trial), needed, available)
    progress.phase("compiling kernels", None)
    warm_up(BACKENDS[backend], trial.problem.dtype)
    progress.phase(f"measuring {label(trial)}", predicted_seconds(trial))
    with limit_blas_threads():
        (readings,) = run_group((trial,), backend)
    return readings


def compared(stored: Sequence[Reading], now: Sequence[Reading], quantity: str) -> tuple[Compared, ...]:
    """Return the readings of one run of a quantity in pairs.

    A value in rounding units is a distance that two orders of summation find with an error each, and the unit bounds
    such an error from above: the values may differ by one unit, and by any factor, as one of them may be zero. Of a
    count, an entry at its threshold may be on either side.
    """
    measurement = MEASUREMENTS[quantity]
    slack = ABS_TOLERANCE if measurement.is_rounding or measurement.is_count else 0.0
    return tuple(Compared(*pair, slack) for pair in zip(stored, now, strict=True))


def changes(environment: Mapping[str, object], backend: str) -> tuple[str, ...]:
    """Return what the conditions of this process differ in from those of a result, each in a few words."""
    here = conditions(backend)
    found = [change(name, then, now) for name, now, then in differences(here, recorded(environment, here))]
    ours, theirs = name_of_processor(processor_facts_of(here)), environment.get("processors") or ""
    if not found and theirs not in ("", ours):  # workers elsewhere have measured
        found.append(change("processors", str(theirs), ours))
    return tuple(found)


def _bits(value: float | None) -> str:
    """A value to its last bit, the sign of a zero included."""
    return repr(None if value is None else float(value))
