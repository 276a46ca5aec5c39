"""A pytest plugin: claims as test items, one for each check.

It does nothing until it meets a file `*.claim.yaml` or `--rnnconv CLAIM`, and imports nothing before that takes time.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import RnnconvError
from rnnconv_cli.spec import catalogue

if TYPE_CHECKING:
    from rnnconv_cli.records import CheckResult, Report
    from rnnconv_cli.spec.loader import LoadedClaim

SUFFIX = ".claim.yaml"
EVERY = "all"
STORE = Path(".rnnconv", "observations.sqlite")
STORE_VARIABLE = "RNNCONV_STORE"
BACKEND = "compiled"
WHOLE_CLAIMS = "rnnconv_whole_claims"  # what a worker of pytest-xdist is told by its controller
KEEPS_CLAIMS = frozenset({"no", "each", "loadscope", "loadfile", "loadgroup"})  # ways to spread items over workers
RUNS = pytest.StashKey["Runs"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of them in one group of the help."""
    add = parser.getgroup("rnnconv", "claims of rnnconv").addoption
    where = f"collect this claim too: a name, a file, or {EVERY}; may be repeated (files *{SUFFIX} need no option)"
    add("--rnnconv", action="append", default=[], metavar="CLAIM", help=where)
    add("--rnnconv-profile", choices=("quick", "full"), default="quick", help="how much to measure (default: quick)")
    add("--rnnconv-seed", type=_whole(0, 2**63 - 1), default=0, metavar="N", help="of all randomness (default: 0)")
    add("--rnnconv-jobs", type=_whole(1, 1024), metavar="N", help="processes that measure (default: usable cores)")
    add("--rnnconv-strict", action="store_true", help="let an inconclusive check fail; else it is skipped")
    kept = f"where finished trials are kept (default: ${STORE_VARIABLE} or {STORE})"
    add("--rnnconv-store", metavar="FILE", help=kept)
    fits = "choose grids and draws so that the checks of a claim fit this time, e.g. 10m"
    add("--rnnconv-budget", type=_seconds, metavar="DURATION", help=fits)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"found {text!r}, wanted a whole number from {least} to {most}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    from rnnconv_cli.sweep.progress import seconds_in

    found = seconds_in(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"found {text!r}, wanted a duration such as 90s, 10m or 1h30m")
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Read the options. Raises pytest.UsageError for a claim that there is not, and for a budget of single checks."""
    worker = getattr(config, "workerinput", None)
    whole = worker[WHOLE_CLAIMS] if worker else getattr(config.option, "dist", "no") in KEEPS_CLAIMS
    if config.option.rnnconv_budget is not None and not whole:
        found = "found --rnnconv-budget with the checks of a claim on several workers, wanted each claim on one"
        raise pytest.UsageError(f"{found}: a budget is shared out before a claim is measured; try --dist loadgroup")
    try:
        asked = _asked(config.option.rnnconv)
    except RnnconvError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[RUNS] = Runs(config, asked, n_processes=worker["workercount"] if worker else 1, by_claim=whole)


def _asked(names: Sequence[str]) -> tuple[Path, ...]:
    """The files of the claims that are asked for, each once. Raises UnknownName."""
    paths = [path for name in names for path in (catalogue.shipped() if name == EVERY else (catalogue.find(name),))]
    return tuple({path.resolve(): path for path in paths}.values())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist whether all checks of a claim come to the same one."""
    node.workerinput[WHOLE_CLAIMS] = node.config.option.dist in KEEPS_CLAIMS


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ClaimFile | None:
    """A file named `*.claim.yaml` is a claim."""
    return ClaimFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Add the claims of --rnnconv to what the session collects from its arguments."""
    report = yield
    if isinstance(collector, pytest.Session) and report.passed:
        shipped = frozenset(catalogue.shipped())
        for path in collector.config.stash[RUNS].asked:
            report.result.append(
                Claim.from_parent(collector, name=path.stem, path=path, nodeid=path.stem)
                if path in shipped
                else ClaimFile.from_parent(collector, path=path.absolute())
            )
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out a check that was collected twice: as a file, and by --rnnconv."""
    first = {item.nodeid: item for item in reversed(items) if isinstance(item, Check)}
    items[:] = [item for item in items if not isinstance(item, Check) or item is first[item.nodeid]]


class ClaimFile(pytest.File):
    """A claim file."""

    def collect(self) -> Iterator[Claim]:
        """The claim in it. Raises CollectError with every violation."""
        loaded = self.config.stash[RUNS].read(self.path)
        yield Claim.from_parent(self, name=loaded.claim.id, path=self.path, loaded=loaded)


class Claim(pytest.Collector):
    """A claim; one that comes with rnnconv is read when it is collected."""

    def __init__(self, *, loaded: LoadedClaim | None = None, **place: Any) -> None:
        super().__init__(**place)
        self._loaded = loaded

    def collect(self) -> Iterator[Check]:
        """Its checks. Raises CollectError with every violation."""
        loaded = self._loaded or self.config.stash[RUNS].read(self.path)
        for index, each in enumerate(loaded.checks):
            line = loaded.document.nearest(("checks", index))[0].mark.line
            item = Check.from_parent(self, name=each.check.id, path=self.path, loaded=loaded, line=line)
            if self.config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group(self.name))
            yield item


class Check(pytest.Item):
    """A check: measured as its setup, judged as its call."""

    _found: Found | None = None  # from its setup on

    def __init__(self, *, loaded: LoadedClaim, line: int, **place: Any) -> None:
        super().__init__(**place)
        self.loaded, self.line = loaded, line

    def setup(self) -> None:
        """Measure the claim's selected checks, if that has not been done. What could not be measured is an error."""
        from rnnconv_cli.report.standing import Standing, standing

        try:
            self._found = found = self.config.stash[RUNS].found(self)
        except RnnconvError as error:
            pytest.fail(self._text(str(error)), pytrace=False)
        self.user_properties += properties(found)
        if standing(found.check) is Standing.UNMEASURED:
            pytest.fail(self._text("could not be measured", found.check), pytrace=False)

    def runtest(self) -> None:
        """Fail where the verdict contradicts its expectation; skip, unless told to be strict, where it is none."""
        from rnnconv_cli.report.standing import Standing, expectation, standing

        assert self._found is not None
        check = self._found.check
        match standing(check), self.config.option.rnnconv_strict:
            case Standing.CONTRADICTED, _:
                pytest.fail(self._text(expectation(check), check), pytrace=False)
            case Standing.UNDECIDED, True:
                pytest.fail(self._text("inconclusive, and --rnnconv-strict was given", check), pytrace=False)
            case Standing.UNDECIDED, _:
                settle = f"; to settle it: {check.finding.settle}" if check.finding.settle else ""
                pytest.skip(printable(f"inconclusive: {check.because}{settle}"))
        self.add_report_section("call", "rnnconv", self._text(check.verdict, check))

    def teardown(self) -> None:
        """Fail where the run has met what is no check's: a store that could not be used. Said once for each run."""
        if self._found is not None and self._found.amiss:
            pytest.fail(printable("\n".join(self._found.amiss), lines=True), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the check begins, counted from 0, and what it is called."""
        return self.path, self.line - 1, f"{self.loaded.claim.id}::{self.name}"

    def _text(self, outcome: str, check: CheckResult | None = None) -> str:
        """Where the check stands, what came of it, and why."""
        from rnnconv_cli.report.junit import sentences

        why = () if check is None else map(printable, sentences(check))
        return "\n    ".join((printable(f"{os.path.relpath(self.path)}:{self.line}: {outcome}", lines=True), *why))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped check name its own place, not this file."""
    report = yield
    if isinstance(item, Check) and isinstance(report.longrepr, tuple):
        report.longrepr = (str(item.path), item.line, report.longrepr[2])
    return report


@dataclass(frozen=True, slots=True)
class Found:
    """A check, and the report that it is in."""

    report: Report
    check: CheckResult
    amiss: tuple[str, ...]  # reasons for the report's status that are no check's; of the first check alone


class Runs:
    """What a session measures: claims as its options say, each once for all of its checks that are selected."""

    def __init__(self, config: pytest.Config, asked: tuple[Path, ...], *, n_processes: int, by_claim: bool) -> None:
        self.asked = asked
        self._config, self._n_processes, self._by_claim = config, n_processes, by_claim
        self._ended: dict[tuple[Path, tuple[str, ...]], Report | RnnconvError] = {}

    def read(self, path: Path) -> LoadedClaim:
        """The claim in a file, with every name in it resolved. Raises CollectError with every violation."""
        from rnnconv_cli.spec import loader
        from rnnconv_cli.sweep.plan import make_plan

        option = self._config.option
        try:
            loaded = loader.load(Path(os.path.relpath(path)))
            make_plan([loaded], profile=option.rnnconv_profile, seed=option.rnnconv_seed)
        except RnnconvError as error:
            raise pytest.Collector.CollectError(printable(str(error), lines=True)) from error
        return loaded

    def found(self, item: Check) -> Found:
        """What came of a check, which is measured now if it was not yet. Raises RnnconvError, each time anew."""
        from rnnconv_cli.report.standing import run_reasons

        checks = self._together_with(item)
        is_new = (item.path, checks) not in self._ended
        if is_new:
            self._ended[item.path, checks] = self._measured(item.loaded, checks)
        report = self._ended[item.path, checks]
        if isinstance(report, RnnconvError):
            raise report
        (claim,) = report.claims
        (check,) = (each for each in claim.checks if each.id == item.name)
        return Found(report, check, run_reasons(report) if is_new else ())

    def _together_with(self, item: Check) -> tuple[str, ...]:
        """The checks that are measured in one run: those of the claim that are selected and come to this process."""
        if not self._by_claim:
            return (item.name,)
        return tuple(each.name for each in item.session.items if isinstance(each, Check) and each.path == item.path)

    def _measured(self, claim: LoadedClaim, checks: tuple[str, ...]) -> Report | RnnconvError:
        from rnnconv_cli import pipeline
        from rnnconv_cli.sweep.calibrate import calibrate
        from rnnconv_cli.sweep.machine import usable_cores
        from rnnconv_cli.sweep.progress import Silent

        option = self._config.option
        options = pipeline.Options(
            profile=option.rnnconv_profile,
            seed=option.rnnconv_seed,
            jobs=option.rnnconv_jobs or max(1, usable_cores() // self._n_processes),
            backend=BACKEND,
            checks=checks,
            strict=option.rnnconv_strict,
            command=("pytest", *map(str, self._config.invocation_params.args)),
            store=Path(option.rnnconv_store or os.environ.get(STORE_VARIABLE) or STORE),
            budget=option.rnnconv_budget,
            speeds=None if option.rnnconv_budget is None else calibrate(),
        )
        try:
            if self._n_processes > 1:
                compile_once(claim)
            return pipeline.verify((claim,), options, Silent())
        except RnnconvError as error:
            return error


def compile_once(claim: LoadedClaim) -> None:
    """Compile the kernels of a claim's networks while no other process does: whoever waits finds them on disk."""
    import fcntl

    from rnnconv_cli.kernels import CACHE_FOLDER
    from rnnconv_cli.kernels.backend import BACKENDS, warm_up
    from rnnconv_cli.sweep.plan import arms

    with (CACHE_FOLDER / "compiling").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for dtype in sorted({arm.problem.dtype for check in claim.checks for _, arm in arms(check)}):
            warm_up(BACKENDS[BACKEND], dtype)


def properties(found: Found) -> list[tuple[str, str | int | float]]:
    """The facts of a check as a test report holds them: plain numbers and words, which can go to another process."""
    from rnnconv_cli.report.junit import facts

    known = {name: fact for name, fact in facts(found.check, found.report) if fact is not None}
    return [(name, _plain(fact)) for name, fact in known.items()]


def _plain(fact: object) -> str | int | float:
    return float(fact) if isinstance(fact, float) else fact if isinstance(fact, int) else str(fact)


def printable(text: str, *, lines: bool = False) -> str:
    """A text of which nothing acts on the terminal, on one line unless it may have several."""
    from rnnconv_cli.report.plain import visible

    return visible(text, lines=lines)
