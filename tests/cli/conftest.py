"""A command line carried out in this process, with a pipeline that measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from rnnconv_cli import pipeline
from rnnconv_cli.cli.main import main
from rnnconv_cli.measure.cost import TYPICAL
from rnnconv_cli.records import Environment, Report, Timing
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep import calibrate
from rnnconv_cli.sweep.progress import Progress

EMPTY = Report("0.1.0", "quick", 0, "compiled", 0, (), (), Environment(()), Timing((("total", 0.5),)))


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


@dataclass
class FakePipeline:
    """Stands for the pipeline: keeps what it was asked for, and answers with a report or an error."""

    report: Report = EMPTY
    error: BaseException | None = None
    claims: list[LoadedClaim] = field(default_factory=list)
    options: list[pipeline.Options] = field(default_factory=list)

    def verify(self, claims: Sequence[LoadedClaim], options: pipeline.Options, progress: Progress) -> Report:
        """Answer as told."""
        self.claims += claims
        self.options.append(options)
        progress.phase("measuring", 1.0)
        progress.advance("one trial", 1.0)
        if self.error is not None:
            raise self.error
        return self.report


@pytest.fixture(autouse=True)
def _typical_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions do not depend on how fast this machine is."""
    monkeypatch.setattr(calibrate, "calibrate", lambda: TYPICAL)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def carry_out(*words: str) -> Done:
        status = main(words)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return carry_out


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    stand_in = FakePipeline()
    monkeypatch.setattr(pipeline, "verify", stand_in.verify)
    return stand_in
