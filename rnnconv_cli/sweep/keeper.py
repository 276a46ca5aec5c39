"""How a run uses the store: finds before it measures, keeps at once, and goes on where the store cannot."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from rnnconv_cli.errors import StoreError
from rnnconv_cli.records import Reading, Trial
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.store import Store


class StoreKeeper:
    """Finds the trials of one run in a store, and keeps them there.

    Where the store fails, the run goes on without it, and `problem` says why.
    """

    def __init__(self, path: Path | None, conditions: Conditions, *, fresh: bool) -> None:
        """Open the store, if there is to be one. A fresh run finds nothing in it."""
        self._path, self._n_found, self._n_measured = path, 0, 0
        self.problem: StoreError | None = None
        self._conditions, self._fresh = conditions, fresh
        self._store: Store | None = None
        if path is not None:
            with self._going_on():
                self._store = Store(path)

    @property
    def facts(self) -> tuple[tuple[str, str | int | None], ...]:
        """What a report says of it: the file, how many trials were found in it, how many were measured."""
        path = None if self._path is None else str(self._path)
        return (("store", path), ("trials_found", self._n_found), ("trials_measured", self._n_measured))

    def find(self, trials: Collection[Trial]) -> Mapping[Trial, tuple[Reading, ...]]:
        """Return the readings of those trials that need no measuring."""
        found: Mapping[Trial, tuple[Reading, ...]] = {}
        if self._store is not None and not self._fresh:
            with self._going_on():
                found = self._store.find(self._conditions, trials)
        self._n_found += len(found)
        return found

    def keep(self, measured: Mapping[Trial, tuple[Reading, ...]]) -> None:
        """Store readings, at once."""
        self._n_measured += len(measured)
        if self._store is not None:
            with self._going_on():
                self._store.keep(self._conditions, measured)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            with self._going_on():
                self._store.close()

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self.problem, self._store = error, None
