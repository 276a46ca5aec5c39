"""The error tree: every failure that a user can cause or meet, with the exit status it leads to.

Each class stores its facts as attributes, builds one message (where, what was found, what was wanted, what to try)
and survives pickling, because a trial may fail in a worker process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

EXIT_USAGE = 2
EXIT_CONTRADICTED = 3
EXIT_INCONCLUSIVE = 4
EXIT_COULD_NOT_MEASURE = 5
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141  # the reader of our output has gone; what SIGPIPE would have given
EXIT_TERMINATED = 143


MOST_NAMES = 12  # in a message
LISTED_BY = {
    "claim": "`rnnconv list`",
    "check": "`rnnconv show CLAIM`",
    "quantity": "`rnnconv list --quantities`",
    "adversary": "`rnnconv list --adversaries`",
}


class RnnconvError(Exception):
    """Root of every error that the command line turns into one message and an exit status."""

    exit_status: ClassVar[int] = EXIT_COULD_NOT_MEASURE


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a claim file: where it stands, what was found, what was wanted, what to try."""

    where: str
    line: int
    column: int
    path: str
    found: str
    wanted: str
    hint: str = ""

    def __str__(self) -> str:
        is_option = self.where.startswith("--")  # which has one line, and no place to tell at its beginning
        at = "" if is_option and (self.line, self.column) == (1, 1) else f":{self.line}:{self.column}"
        path = self.path or ("" if is_option else "(document)")
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where}{at}: {path}{': ' if path else ''}found {self.found}, wanted {self.wanted}{hint}"


class SpecError(RnnconvError):
    """A claim file that breaks the rules; carries every violation at once."""

    exit_status: ClassVar[int] = EXIT_USAGE

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(violations)
        self.violations = violations

    def __str__(self) -> str:
        return "\n".join(str(violation) for violation in self.violations)


class UsageError(RnnconvError):
    """A command that cannot be carried out as asked: found, wanted, what to try."""

    exit_status: ClassVar[int] = EXIT_USAGE

    def __init__(self, found: str, wanted: str, hint: str = "") -> None:
        super().__init__(found, wanted, hint)
        self.found, self.wanted, self.hint = found, wanted, hint

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"found {self.found}, wanted {self.wanted}{hint}"


def one_of(known: Sequence[str], lists: str = "") -> str:
    """The names that there are as the end of a sentence: the first of many, and what `lists` all of them."""
    if len(known) <= MOST_NAMES:
        return f"one of {', '.join(known)}"
    rest = f"and {len(known) - MOST_NAMES} more{f': {lists} lists them' if lists else ''}"
    return f"one of {', '.join(known[:MOST_NAMES])} {rest}"


def meant(suggestions: Sequence[str]) -> str:
    """The names that somebody may have meant, for behind the one that was found."""
    return f" (did you mean {' or '.join(suggestions)}?)" if suggestions else ""


class UnknownName(UsageError):
    """A name (claim, check, backend, quantity, adversary) that is not in its table."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...], suggestions: tuple[str, ...] = ()) -> None:
        UsageError.__init__(self, f"{kind} {name!r}{meant(suggestions)}", one_of(known, LISTED_BY.get(kind, "")))
        self.args = (kind, name, known, suggestions)
        self.kind, self.name, self.known, self.suggestions = kind, name, known, suggestions


class ResourceError(RnnconvError):
    """A trial that would not fit in the memory that this process may use; refused before computing."""

    exit_status: ClassVar[int] = EXIT_USAGE

    def __init__(self, where: str, needed_bytes: int, available_bytes: int) -> None:
        super().__init__(where, needed_bytes, available_bytes)
        self.where, self.needed_bytes, self.available_bytes = where, needed_bytes, available_bytes

    def __str__(self) -> str:
        return (
            f"{self.where}: found a need of {self.needed_bytes / 2**30:.2f} GiB, "
            f"wanted at most {self.available_bytes / 2**30:.2f} GiB (the memory this process may use); "
            "try a smaller width or fewer jobs"
        )


class SelfCheckError(RnnconvError):
    """The kernel's gradient disagrees with the reference or with central differences: nothing may be measured."""

    def __init__(self, backend: str, compared_with: str, error: float, allowed: float) -> None:
        super().__init__(backend, compared_with, error, allowed)
        self.backend, self.compared_with, self.error, self.allowed = backend, compared_with, error, allowed

    def __str__(self) -> str:
        return (
            f"self-check of backend {self.backend!r} against {self.compared_with}: found a relative error of "
            f"{self.error:.2e}, wanted at most {self.allowed:.2e}; nothing was measured; try `rnnconv doctor`"
        )


class MeasurementError(RnnconvError):
    """A measurement that could not be carried out; names the trial."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where, self.problem = where, problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class DeadNetwork(MeasurementError):
    """A network no output of which depends on W."""


class OverflowedNetwork(MeasurementError):
    """A network whose states are no longer finite before anything could be measured: a blow-up, which is data."""


class TrialFailed(RnnconvError):
    """A trial that could not be measured, in a run that was to end with the first such one."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where, self.problem = where, problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; the run ended here, as --fail-fast asks"


class EngineError(RnnconvError):
    """An engine that cannot be used, or whose workers are not like this process: what was found, what to try."""

    def __init__(self, engine: str, problem: str, hint: str) -> None:
        super().__init__(engine, problem, hint)
        self.engine, self.problem, self.hint = engine, problem, hint

    def __str__(self) -> str:
        return f"executor {self.engine}: {self.problem}; {self.hint}"


class OutputError(RnnconvError):
    """A file that could not be written; the results were still shown."""

    def __init__(self, path: str, reason: str, hint: str = "try another --output") -> None:
        super().__init__(path, reason, hint)
        self.path, self.reason, self.hint = path, reason, hint

    def __str__(self) -> str:
        return f"{self.path}: could not be written ({self.reason}); {self.hint}"


class StoreError(RnnconvError):
    """A store of measured trials that cannot be read or written; the results are still shown."""

    def __init__(self, path: str, problem: str, hint: str) -> None:
        super().__init__(path, problem, hint)
        self.path, self.problem, self.hint = path, problem, hint

    def __str__(self) -> str:
        return f"the store {self.path} {self.problem}; {self.hint}"


class Interrupted(RnnconvError):
    """Ctrl-C."""

    exit_status: ClassVar[int] = EXIT_INTERRUPTED

    def __str__(self) -> str:
        return "interrupted; no result was written"


class Terminated(Interrupted):
    """SIGTERM."""

    exit_status: ClassVar[int] = EXIT_TERMINATED

    def __str__(self) -> str:
        return "terminated; no result was written"
