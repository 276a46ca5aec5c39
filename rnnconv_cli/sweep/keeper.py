"""How a run uses the store: finds before it measures, keeps at once, and goes on where the store cannot."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from pathlib import Path

from rnnconv_cli.errors import StoreError
from rnnconv_cli.records import BudgetPlan, Reading, Status, Trial
from rnnconv_cli.sweep.conditions import REL_TOLERANCE, name_of_processor, processor_facts_of
from rnnconv_cli.sweep.serial import Conditions, key_of, text_of_readings
from rnnconv_cli.sweep.store import Store

ONE_PROCESSOR = "the same in every run on this kind of processor"
SEVERAL_PROCESSORS = f"of several kinds of processor: they agree to {REL_TOLERANCE:g}, but for chaos and cancellation"


class StoreKeeper:
    """Finds the trials of one run in a store, and keeps them there.

    Where the store fails, the run goes on without it: `problem` says why, and `warn` is told at once.
    """

    def __init__(
        self,
        path: Path | None,
        conditions: Conditions,
        *,
        fresh: bool,
        elsewhere: Collection[Conditions] = (),
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open the store, if there is to be one; what workers of other machines have measured is found as well.

        A fresh run finds nothing in it.
        """
        self._path, self._n_found, self._n_measured = path, 0, 0
        self.problem: StoreError | None = None
        self._warn = warn
        self._conditions, self._fresh = conditions, fresh
        self._kinds = tuple(dict.fromkeys((conditions, *elsewhere)))
        self._changed: list[str] = []  # keys of trials that a fresh run has found other bits for
        self._processors: dict[tuple[tuple[str, str], ...], None] = {}  # in the order of their first use
        self._known: dict[Trial, tuple[Reading, ...] | None] = {}  # None: to be measured
        self._store: Store | None = None
        if path is not None:
            with self._going_on():
                self._store = Store(path)

    @property
    def facts(self) -> tuple[tuple[str, str | int | None], ...]:
        """What a report says of it: the file, how many trials were found in it, measured, and measured otherwise.

        Only a fresh run measures what is stored already: else nothing was compared, and `trials_changed` is None.
        """
        path = None if self._path is None else str(self._path)
        n_changed = len(self._changed) if self._fresh and self._path is not None else None
        return (
            ("store", path),
            ("trials_found", self._n_found),
            ("trials_measured", self._n_measured),
            ("trials_changed", n_changed),
            ("first_changed", next(iter(self._changed), None)),
            ("processors", "; ".join(map(name_of_processor, self._processors))),
            ("bits", ONE_PROCESSOR if len(self._processors) <= 1 else SEVERAL_PROCESSORS),
        )

    def find(self, trials: Collection[Trial]) -> Mapping[Trial, tuple[Reading, ...]]:
        """Return the readings of those trials that need no measuring."""
        self._look_up(trials)
        found = {trial: readings for trial in trials if (readings := self._known[trial]) is not None}
        self._n_found += len(found)
        return found

    def missing(self, trials: Collection[Trial]) -> list[Trial]:
        """Return those trials that are to be measured; what is found is remembered until it is asked for."""
        self._look_up(trials)
        return [trial for trial in trials if self._known[trial] is None]

    def plan(self, key: bytes) -> BudgetPlan | None:
        """Return what a budget has chosen under this key before; nothing in a fresh run."""
        if self._store is not None and not self._fresh:
            with self._going_on():
                return self._store.plan(key)
        return None

    def keep_plan(self, key: bytes, plan: BudgetPlan) -> None:
        """Store what a budget has chosen, for the run that goes on with this one."""
        if self._store is not None:
            with self._going_on():
                self._store.keep_plan(key, plan)

    def keep(self, measured: Mapping[Trial, tuple[Reading, ...]], conditions: Conditions | None) -> None:
        """Store readings, at once; those of another machine under its conditions.

        What has been stored stays; where it has other bits, that is noted.
        """
        conditions = conditions or self._conditions
        self._n_measured += len(measured)
        self._note(conditions, measured)
        if self._store is not None:
            with self._going_on():
                if self._fresh:
                    self._compare(self._store.find(conditions, measured), measured)
                self._store.keep(conditions, measured)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            with self._going_on():
                self._store.close()

    def _compare(self, stored: Mapping[Trial, Sequence[Reading]], measured: Mapping[Trial, Sequence[Reading]]) -> None:
        for trial, readings in stored.items():
            has_failed = any(each.status is Status.FAILED for each in measured[trial])
            if not has_failed and _bits(readings) != _bits(measured[trial]):
                self._changed.append(key_of(trial))

    def _look_up(self, trials: Collection[Trial]) -> None:
        """Look for those trials that nobody has asked for yet."""
        new = [trial for trial in trials if trial not in self._known]
        self._known.update(dict.fromkeys(new))
        for kind in () if self._fresh else self._kinds:
            if self._store is not None:
                with self._going_on():
                    found = self._store.find(kind, [trial for trial in new if self._known[trial] is None])
                    self._known.update(found)
                    self._note(kind, found)

    def _note(self, conditions: Conditions, trials: Sized) -> None:
        if trials:
            self._processors[processor_facts_of(conditions)] = None

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self.problem, self._store = error, None
            self._warn(f"the store {error.path} {error.problem}: nothing is kept from here on; {error.hint}")


def _bits(readings: Sequence[Reading]) -> str:
    """Readings to their last bits, without what they say to people."""
    return text_of_readings([replace(each, detail="") for each in readings])
