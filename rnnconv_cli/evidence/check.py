"""BUNDLE → WHAT IS WRONG WITH IT: read, planned again and judged again, without measuring."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import loads
from pathlib import Path

from rnnconv_cli.errors import SpecError, UsageError
from rnnconv_cli.evidence.archive import Difference, Opened, opened
from rnnconv_cli.evidence.contents import Asked, drawn_with, made_of, page_of
from rnnconv_cli.evidence.judged import verdict_differences
from rnnconv_cli.evidence.manifest import CLAIM, MANIFEST, PAGE, RESULT, Manifest, claim_member
from rnnconv_cli.evidence.planned import (
    budget_differences,
    claims_within,
    observation_differences,
    selection_differences,
)
from rnnconv_cli.kernels.backend import BACKENDS
from rnnconv_cli.kernels.cache import fingerprint
from rnnconv_cli.records import Observation, Report, Status
from rnnconv_cli.report.document import document
from rnnconv_cli.report.layout import amount
from rnnconv_cli.report.reading.stored_report import read_report
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import NO_OVERRIDES, LoadedClaim, Overrides, load, load_bytes
from rnnconv_cli.spec.possible import LARGEST_SEED
from rnnconv_cli.spec.regime import PROFILES
from rnnconv_cli.sweep.machine import PACKAGE
from rnnconv_cli.sweep.progress import Progress

KEPT = re.compile(f"{re.escape(RESULT)}|{CLAIM.pattern}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a check: what was looked at, what was found in order, and what was not."""

    name: str
    passed: str  # in words, where nothing is wrong
    differences: tuple[Difference, ...]
    note: str = ""  # what was not looked at, and why


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle, checked as far as it can be believed."""

    file: Opened
    report: Report | None  # None where it was not read
    steps: tuple[Step, ...]
    written_by: str = ""  # which rnnconv has written the result, in words; nothing where it is this one
    unconfirmed: tuple[str, ...] = ()  # what was not looked at, or has nothing here to be compared with, in words

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that is not as it must be."""
        return tuple(each for step in self.steps for each in step.differences)


def check(path: Path, progress: Progress, asked_of: Callable[[object], Asked | None]) -> Checked:
    """Check a bundle, part by part, up to the first that cannot be believed.

    `asked_of` reads what a command has asked for; None where it is none of rnnconv's. Raises UsageError for what is no
    bundle, or not safe to read.
    """
    progress.phase("reading the bundle", None)
    file = opened(path, KEPT)
    manifest = file.manifest
    count = 0 if manifest is None else len(manifest.members) + 1
    steps = [Step("archive", f"every byte is accounted for, in {count} members", file.differences)]
    if manifest is None or file.differences:
        return Checked(file, None, tuple(steps))
    report = read_report(_text(file, path), f"{path}/{RESULT}")
    progress.phase("making again what is made of the result", None)
    wrong = (*_settings(report), *_made_again(file, manifest, report))
    said = "every part of it is known, and what is made of it follows from it"
    steps.append(Step("result", said, wrong, _page_note(manifest)))
    asked = asked_of(dict(report.environment.facts).get("command"))
    steps.append(_overrides(manifest.overrides, NO_OVERRIDES if asked is None else asked.overrides))
    claims, wrong = _claims(manifest, file.kept, report)
    others = tuple(_unlike_the_catalogue(claims, manifest.overrides))
    said = f"{amount(len(claims), 'claim file')} with the digest that the result names"
    steps.append(Step("claims", said, wrong, "; ".join(others)))
    if not any(step.differences for step in steps):
        progress.phase("planning and judging again", None)
        steps += _judged(claims, report, manifest.overrides.checks, asked)
    unread = (f"{PAGE} was not compared",) if _page_note(manifest) else ()
    n_failed = _n_failed(report)
    failed = (f"{amount(n_failed, 'observation')} failed",) if n_failed else ()
    return Checked(file, report, tuple(steps), _written_by(report), (*unread, *others, *failed))


def _written_by(report: Report) -> str:
    facts = dict(report.environment.facts)
    if facts.get("sources_sha256") == fingerprint(PACKAGE.rglob("*.py"), ()):
        return ""
    return f"rnnconv {report.tool_version} of the commit {facts.get('commit') or 'unknown'}"


def _text(file: Opened, path: Path) -> str:
    try:
        return file.kept[RESULT].decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}/{RESULT}, which is not UTF-8", "a stored result") from None


def _settings(report: Report) -> Iterator[Difference]:
    """Say what no run of this rnnconv could have been given."""
    if report.profile not in PROFILES:
        yield Difference(RESULT, f"has the profile {report.profile!r}, wanted one of {', '.join(PROFILES)}")
    if report.backend not in BACKENDS:
        yield Difference(RESULT, f"has the backend {report.backend!r}, wanted one of {', '.join(BACKENDS)}")
    if not 0 <= report.seed <= LARGEST_SEED:
        yield Difference(RESULT, f"has the seed {report.seed}, wanted one from 0 to {LARGEST_SEED}")


def _made_again(file: Opened, manifest: Manifest, report: Report) -> Iterator[Difference]:
    """Say where the result, or a member that is made of it, is not what this rnnconv writes: nothing stands unread."""
    if loads(file.kept[RESULT]) != document(report):
        yield Difference(RESULT, "has parts that rnnconv does not write")
    digests = {member.name: member.sha256 for member in manifest.members}
    made = [
        *made_of(report, manifest.overrides),
        *([(PAGE, page_of(report))] if _page_can_be_compared(manifest) else []),
    ]
    for name, data in made:
        if digests[name] != hashlib.sha256(data).hexdigest():
            yield Difference(name, "is not what this rnnconv makes of the result")


def _page_can_be_compared(manifest: Manifest) -> bool:
    """Whether this process draws pages with what the bundle's was drawn with, and there is one."""
    return _has_page(manifest) and manifest.drawn_with == drawn_with()


def _has_page(manifest: Manifest) -> bool:
    return any(member.name == PAGE for member in manifest.members)


def _page_note(manifest: Manifest) -> str:
    """What is said of a page that cannot be compared; nothing of any other."""
    if not _has_page(manifest) or _page_can_be_compared(manifest):
        return ""
    then, now = (
        ", ".join(f"{name} {at}" for name, at in each) or "none" for each in (manifest.drawn_with, drawn_with())
    )
    return f"{PAGE} was not compared, as it was drawn with {then}, and here is {now}: rely on the other files"


def _overrides(named: Overrides, given: Overrides) -> Step:
    """What the claim files are read with, which must be what the result's own command has laid over them."""
    found = f"names the overrides {_in_words(named)}, and the command of the result has {_in_words(given)}"
    return Step("overrides", _in_words(named), () if named == given else (Difference(MANIFEST, found),))


def _in_words(overrides: Overrides) -> str:
    words = [f"--set {key}={value}" for key, value in overrides.settings]
    if overrides.replicates is not None:
        words.append(f"--replicates {overrides.replicates}")
    return " ".join((*words, *(f"--check {check}" for check in overrides.checks))) or "none"


def _unlike_the_catalogue(claims: Sequence[LoadedClaim], overrides: Overrides) -> Iterator[str]:
    """Name the files that go by the name of a claim of this rnnconv's catalogue, and say something else."""
    shipped = {path.stem: path for path in catalogue.shipped()}
    for each in claims:
        path = shipped.get(each.claim.id)
        if path is not None and _digest(path, overrides) != each.digest:
            yield f"{claim_member(each.claim.id)} is not the one of this rnnconv's catalogue"


def _digest(path: Path, overrides: Overrides) -> str | None:
    try:
        return load(path, overrides).digest
    except (SpecError, UsageError):
        return None


def _claims(
    manifest: Manifest, kept: Mapping[str, bytes], report: Report
) -> tuple[tuple[LoadedClaim, ...], tuple[Difference, ...]]:
    """The claims of a bundle in the order of its result, and what is wrong with their files."""
    loaded: list[LoadedClaim] = []
    wrong: list[Difference] = []
    for claim in report.claims:
        name = claim_member(claim.id)
        if name not in kept:
            wrong.append(Difference(name, "is not in the bundle, and the result names its claim"))
            continue
        try:
            found = load_bytes(kept[name], name, manifest.overrides)
        except SpecError as error:
            wrong.append(Difference(name, f"is no claim file for this rnnconv: {error.violations[0]}"))
            continue
        if (found.claim.id, found.digest) != (claim.id, claim.digest):
            wrong.append(Difference(name, f"has the digest {found.digest}, and the result names {claim.digest}"))
        loaded.append(found)
    named = [claim_member(claim.id) for claim in report.claims]
    wrong += [Difference(name, "is no claim of the result") for name in kept if name not in (*named, RESULT)]
    known = {check.id for claim in report.claims for check in claim.checks}
    for check in manifest.overrides.checks:
        if check not in known:
            wrong.append(Difference(MANIFEST, f"names the check {check!r}, which the result has not"))
    if len(set(named)) < len(named):
        wrong.append(Difference(RESULT, "has two claims of one id"))
    return tuple(loaded), tuple(wrong)


def _judged(
    claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str], asked: Asked | None
) -> Iterator[Step]:
    """The steps that follow where the files are in order: one that fails ends them."""
    n_checks = sum(len(claim.checks) for claim in report.claims)
    wrong = (
        *selection_differences(claims, report, checks),
        *_planned_again(budget_differences(claims, report, checks, asked)),
    )
    chosen = "; ".join(
        f"{len(result.checks)} of {len(claim.claim.checks)} of {result.id}"
        for claim, result in zip(claims, report.claims, strict=True)
    )
    yield Step("checks", f"{n_checks}, all that the command has chosen: {chosen}", wrong)
    if wrong:
        return
    claims = claims_within(claims, report)
    n_rows = len(_observations(report))
    n_failed = _n_failed(report)
    wrong = tuple(_planned_again(observation_differences(claims, report, checks)))
    said = f"{amount(n_rows, 'observation')}, those that the claim files ask for, under their own keys"
    yield Step("trials", said, wrong, f"{n_failed:,} of them failed when the result was written" if n_failed else "")
    if not wrong:
        same = "every verdict, reason and estimate is the stored one"
        wrong = tuple(verdict_differences(claims, report, checks))
        yield Step("verdicts", f"judged again: {same}", wrong)
        if not wrong:
            yield Step("outcome", _outcome(report), ())


def _planned_again(differences: Iterator[Difference]) -> Iterator[Difference]:
    """What planning again has found, or why it cannot be done."""
    try:
        yield from differences
    except (SpecError, UsageError, ArithmeticError) as error:
        yield Difference("the plan", f"cannot be made again by this rnnconv: {error}")


def _outcome(report: Report) -> str:
    """What the result says, in numbers."""
    verdicts = Counter(check.verdict for claim in report.claims for check in claim.checks)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return f"{counted}; exit status {report.exit_status}"


def _n_failed(report: Report) -> int:
    return sum(each.status is Status.FAILED for each in _observations(report))


def _observations(report: Report) -> Sequence[Observation]:
    return [each for claim in report.claims for check in claim.checks for each in check.observations]
