"""What the bench asks a worker process, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rnnconv_cli.bench.cases import Case


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a case ready; answered by Accuracy."""

    case: Case
    seed: int
    expected: Path | None  # of the reference's outcome; None where there is nothing to compare


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Largest relative errors over replicates: of the loss or norm, of the gradient, and after a short run.

    The gradient's is in Frobenius norm; the last is that of the loss before the last step.
    """

    loss: float | None
    gradient: float | None
    last_loss: float | None = None
    seconds: float = 0.0  # of the call that was compared: the first one


@dataclass(frozen=True, slots=True)
class Measure:
    """Time a case that is ready, for at least so long; answered by Timing."""

    case: Case
    seconds: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call, and how many threads were busy on average: processor time over time."""

    seconds: float
    busy_threads: float


@dataclass(frozen=True, slots=True)
class Release:
    """Forget a case; answered by None."""

    case: Case


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong instead of an answer."""

    words: str


Request = Prepare | Measure | Release
