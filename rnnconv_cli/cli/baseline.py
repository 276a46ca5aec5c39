"""`rnnconv baseline`: keep the numbers of a run, and say what has changed of them since."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from rnnconv_cli.cli import output
from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.options import Destination, example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.errors import OutputError, UsageError
from rnnconv_cli.records import Baseline, Comparison, KeptCheck, Report, Revision
from rnnconv_cli.report.baseline_document import BASELINE, MOST_REVISIONS, as_text, read_baseline
from rnnconv_cli.report.changes import exit_status, render, some
from rnnconv_cli.report.layout import amount
from rnnconv_cli.report.plain import visible
from rnnconv_cli.report.reading.stored_report import read_report

MOST_BYTES = 2**24  # a hundred times that of the quick profile
MOST_BASELINES = 50
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(epilog=example("rnnconv baseline compare baseline.json results.json"))
def baseline() -> None:
    """Keep the numbers of a result, and say what has changed since.

    A changed number is accepted by update, which keeps its --reason in the file.
    """


@baseline.command(epilog=example("rnnconv baseline write baseline.json results.json"))
@click.argument("baseline", type=FILE)
@click.argument("result", type=FILE)
def write(baseline: Path, result: Path) -> None:
    """Keep the numbers of RESULT, a file that verify has written, in BASELINE, a new file.

    For each check and its control: every estimate with its interval, what it was made from, and the
    verdict; for all, the seed and the conditions. In the file, `threshold` (a smallest change of
    interest) and `noise` (a difference up to it is none) may be set at the top, and for each check.
    """
    if baseline.exists():
        hint = "nothing was overwritten; `rnnconv baseline update` rewrites a baseline, with a reason"
        raise UsageError(f"{str(baseline)!r}, which exists", "a new file", hint)
    now = _kept(result)
    _write(baseline, now)
    put(f"wrote {baseline}: {_size(now)}\n")


@baseline.command(
    epilog=example(
        "rnnconv baseline compare baseline.json results.json",
        "rnnconv baseline compare may.json june.json july.json results.json",
    )
)
@click.argument("baselines", type=FILE, nargs=-1, required=True, metavar="BASELINE...")
@click.argument("result", type=FILE)
@click.option("--strict", is_flag=True, help="Exit with 4 if something could not be compared.")
@click.pass_context
def compare(context: click.Context, baselines: tuple[Path, ...], result: Path, strict: bool) -> None:
    """Say what has changed in RESULT since BASELINE was written.

    The same trials (seed, grid, draws) must give the same numbers: to the last bit under the same
    conditions, and up to round-off under others. Numbers of other trials are tested with both
    intervals; at most 1 run in 100 raises a false alarm, over all its tests together. Of several
    baselines, oldest first, the last is compared, and all of them are searched for drifts.

    Exits with 0 if nothing has changed, 3 if a number has, or drifts, or if a verdict has turned
    from within to outside or back. Another verdict that has moved is named and changes no status.
    What one side lacks is listed as not compared, which is status 4 with --strict, and always where
    no number was compared at all.
    """
    if len(baselines) > MOST_BASELINES:
        raise UsageError(f"{len(baselines)} baselines", f"at most {MOST_BASELINES}", "the newest ones say most")
    kept = tuple(_read(each) for each in baselines)
    context.exit(_show(_compared(kept, _kept(result)), strict=strict))


@baseline.command(
    epilog=example('rnnconv baseline update baseline.json results.json --reason "sums are taken in another order"')
)
@click.argument("baseline", type=FILE)
@click.argument("result", type=FILE)
@click.option("--reason", metavar="TEXT", help="Why the numbers may change; asked for on a terminal.")
def update(baseline: Path, result: Path, reason: str | None) -> None:
    """Rewrite BASELINE with the numbers of RESULT, and show what has changed.

    The reason is kept in the file, with the date and the digest of what was replaced, up to the
    last 50. Thresholds and noise stay as they were declared, and checks that RESULT lacks stay as
    they are.
    """
    _refuse_silence(reason)
    text = _text(baseline)
    before, now = read_baseline(text, str(baseline)), _kept(result)
    lacking = _lacking(before, now)
    _refuse_two_runs(before, now, lacking)
    _show(_compared((before,), now), strict=False)
    revision = Revision(now.date, reason or _asked(), hashlib.sha256(text.encode()).hexdigest())
    after = _declared(_with_lacking(now, before, lacking), before, revision)
    _write(baseline, after)
    if lacking:
        put(f"kept as they were: {_names(lacking)}\n")
    put(f"rewrote {baseline}: {_size(after)}\n")


def _lacking(before: Baseline, now: Baseline) -> tuple[KeptCheck, ...]:
    """The checks of a baseline that a result lacks."""
    measured = {(check.claim, check.id) for check in now.checks}
    return tuple(check for check in before.checks if (check.claim, check.id) not in measured)


def _refuse_two_runs(before: Baseline, now: Baseline, lacking: Sequence[KeptCheck]) -> None:
    """Raise UsageError where checks of one seed, profile or conditions would be kept beside those of another."""
    ours, theirs = (f"seed {each.seed} of the {each.profile} profile" for each in (now, before))
    if lacking and ours != theirs:
        found = f"a result at {ours} without {_names(lacking)}"
        hint = "nothing was rewritten; a baseline is of one seed and profile"
        raise UsageError(found, f"all checks of the baseline, or {theirs}", hint)
    others = sorted(name for name, _ in set(now.conditions) ^ set(before.conditions))
    if lacking and others:
        found = f"a result under other conditions ({', '.join(dict.fromkeys(others))}) without {_names(lacking)}"
        hint = "nothing was rewritten; bits are compared only where all numbers of a baseline have one kind"
        raise UsageError(found, "all checks of the baseline, or the conditions of then", hint)


def _with_lacking(now: Baseline, before: Baseline, lacking: Sequence[KeptCheck]) -> Baseline:
    """The new numbers and those of checks that were not measured again."""
    if not lacking:
        return now
    measured = {claim for claim, _ in now.claims}
    claims = (*now.claims, *(each for each in before.claims if each[0] not in measured))
    return replace(now, claims=claims, checks=(*now.checks, *lacking))


def _names(checks: Sequence[KeptCheck]) -> str:
    return visible(some([f"{check.claim}/{check.id}" for check in checks]))


def _refuse_silence(reason: str | None) -> None:
    """Raise UsageError where no reason is given, and nobody can be asked."""
    can_ask = reason is None and sys.stdin is not None and sys.stdin.isatty()
    if not can_ask and not (reason or "").strip():
        raise UsageError("no reason", "one in --reason", "nothing was rewritten; whoever reads the history will ask")


def _asked() -> str:
    """The reason that somebody types, once they have seen what has changed. Raises UsageError for none."""
    complain("Why may these numbers change?")
    _refuse_silence(answer := sys.stdin.readline().strip())
    return answer


def _text(path: Path) -> str:
    return text_of(path, BASELINE, MOST_BYTES)


def _read(path: Path) -> Baseline:
    return read_baseline(_text(path), str(path))


def _kept(result: Path) -> Baseline:
    """The numbers of a stored result, as a baseline keeps them."""
    from rnnconv_cli.judge.baseline import kept  # now, as it takes a while

    report = read_report(text_of(result), str(result))
    return kept(report, _conditions(report), datetime.now(UTC).date().isoformat())


def _conditions(report: Report) -> tuple[tuple[str, str], ...]:
    """What the trials of a result were measured under."""
    from rnnconv_cli.sweep.conditions import conditions, recorded

    facts = dict(report.environment.facts)
    found = recorded(facts, conditions(report.backend))
    also = (name for name in ("sources_sha256", "processors", "commit") if facts.get(name))
    return (*found.facts, *((name, str(facts[name])) for name in also))


def _compared(baselines: Sequence[Baseline], now: Baseline) -> Comparison:
    from rnnconv_cli.judge.comparison import compare as compared
    from rnnconv_cli.judge.moved import Tolerance
    from rnnconv_cli.sweep.conditions import ABS_TOLERANCE, REL_TOLERANCE

    return compared(
        baselines,
        now,
        differs=_differences(baselines[-1], now),
        tolerance=Tolerance(REL_TOLERANCE, ABS_TOLERANCE),
    )


def _differences(then: Baseline, now: Baseline) -> tuple[str, ...]:
    """What the conditions differ in, in a few words each; sources that nobody has recorded may be others."""
    from rnnconv_cli.sweep.conditions import differences
    from rnnconv_cli.sweep.serial import Conditions
    from rnnconv_cli.sweep.why import change

    ours, theirs = (Conditions(_decisive(each)) for each in (now, then))
    found = [change(name, before, after) for name, after, before in differences(ours, theirs)]
    if not any(name.startswith("sources.") for name, _ in ours.facts):
        found.append("sources not recorded")
    return tuple(found)


def _decisive(baseline: Baseline) -> tuple[tuple[str, str], ...]:
    """The facts that a number depends on: a commit, and sources as a whole, also change where no number can."""
    return tuple((name, fact) for name, fact in baseline.conditions if name not in ("commit", "sources_sha256"))


def _show(found: Comparison, *, strict: bool) -> int:
    from rnnconv_cli.sweep.conditions import REL_TOLERANCE

    put(render(found, REL_TOLERANCE, strict, style_of(sys.stdout)))
    return exit_status(found, strict=strict)


def _declared(now: Baseline, before: Baseline, revision: Revision) -> Baseline:
    """The new numbers with what was declared for the old ones."""
    old = {(check.claim, check.id): check for check in before.checks}

    def as_before(check: KeptCheck) -> KeptCheck:
        found = old.get((check.claim, check.id))
        return check if found is None else replace(check, threshold=found.threshold, noise=found.noise)

    return replace(
        now,
        threshold=before.threshold,
        noise=before.noise,
        checks=tuple(map(as_before, now.checks)),
        history=(*before.history, revision)[-MOST_REVISIONS:],
    )


def _write(path: Path, baseline: Baseline) -> None:
    """Write a baseline whole, or not at all. Raises OutputError, UsageError for what nobody could read again."""
    read_baseline(text := as_text(baseline), str(path))
    failures = output.write_each((Destination("baseline", path),), lambda _: text)
    for failure in failures:
        raise OutputError(failure.path, failure.reason, "try another file")


def _size(baseline: Baseline) -> str:
    numbers = sum(len(arm.numbers) for check in baseline.checks for arm in (check.main, check.control))
    return f"{amount(numbers, 'number')} of {amount(len(baseline.checks), 'check')}"
