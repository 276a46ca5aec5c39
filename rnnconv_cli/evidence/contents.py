"""What a bundle holds of a result: the claim files that it names, the result itself, and what can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rnnconv_cli.errors import SpecError, UsageError
from rnnconv_cli.evidence.manifest import ENVIRONMENT, PAGE, README, RESULT, TABLE, claim_member
from rnnconv_cli.records import ClaimResult, Report
from rnnconv_cli.report import FORMATS
from rnnconv_cli.report.json import lay_out
from rnnconv_cli.report.plain import visible
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.document import MAX_BYTES
from rnnconv_cli.spec.loader import LoadedClaim, Overrides, load_bytes

DIGITS = 12  # of a digest, for people
SHOWN = 3  # files that were not the one wanted
DRAWS_PAGES = ("jinja2", "matplotlib")
INSTRUCTIONS = """\
The evidence of one run of rnnconv {version}.

  result.json       the result, with every observation: what `rnnconv verify` has written
  claims/           the claim files that were run
  environment.json  the machine, the versions and the command that the result names
  report.*          the result for people
  MANIFEST.json     the size and the SHA-256 of each file{changed}

To check it:

  rnnconv check-bundle BUNDLE.zip

sees that every byte of the archive is accounted for, judges the observations again by the claim files, and
compares every verdict, reason and estimate with the stored one. Nothing is measured for that.

  rnnconv check-bundle BUNDLE.zip --rerun 3

also measures three trials again, chosen at random, and compares bits.

Neither says who has made the bundle: compare the SHA-256 that the command prints with the one that its author has
published. Use the version of rnnconv that has written the result; environment.json names it, and its commit.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command of a run has asked for beside its claims: what to lay over them, and its budget."""

    overrides: Overrides
    budget: float | None  # seconds; None for the whole profile


def contents_of(text: str, report: Report, claims: Mapping[str, bytes], overrides: Overrides) -> dict[str, bytes]:
    """The members of a bundle, in their order: of a result's text, its report, and its claim files by their ids.

    There is a page among them where its libraries are installed.
    """
    files = {claim_member(claim): data for claim, data in claims.items()}
    page = {PAGE: page_of(report)} if drawn_with() else {}
    return {**dict(made_of(report, overrides)), **page, **files, RESULT: text.encode()}


def made_of(report: Report, overrides: Overrides) -> Iterator[tuple[str, bytes]]:
    """The members that follow from a result alone, on every machine."""
    yield README, _instructions(report, overrides)
    yield ENVIRONMENT, _environment(report)
    yield TABLE, FORMATS["table"](report).encode()


def page_of(report: Report) -> bytes:
    """The result as a page: with its figures, which follow from the result and from the libraries that draw them."""
    return FORMATS["html"](report).encode()


def drawn_with() -> tuple[tuple[str, str], ...]:
    """The libraries that draw pages, with their versions; none where one is not installed."""
    try:
        return tuple((name, version(name)) for name in DRAWS_PAGES)
    except PackageNotFoundError:
        return ()


def _environment(report: Report) -> bytes:
    """The machine, the versions and the command that a result names, as JSON."""
    tool = {"name": "rnnconv", "version": report.tool_version}
    return lay_out({"tool": tool, "environment": dict(report.environment.facts)}).encode()


def found_claims(report: Report, given: Sequence[Path], overrides: Overrides) -> dict[str, bytes]:
    """The texts of the claim files of a result, by their ids: those whose digest it has, the run's overrides included.

    They are looked for among the files given, in the folders given, and in the catalogue. Raises UsageError where one
    is not found, or a file cannot be read.
    """
    named = tuple(_candidate(path, overrides) for path in _files(given))
    shipped = {path.stem: path for path in catalogue.shipped()}
    found = {}
    for claim in report.claims:
        own = (_candidate(shipped[claim.id], overrides),) if claim.id in shipped else ()
        found[claim.id] = _chosen(claim, (*named, *own), overrides)
    return found


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that may be the one that was run; without a claim where it is no valid one under the run's options."""

    path: Path
    data: bytes
    loaded: LoadedClaim | None


def _chosen(claim: ClaimResult, candidates: Sequence[_Candidate], overrides: Overrides) -> bytes:
    invalid = "is not valid" if overrides == Overrides() else "is not valid under the options of the run"
    others, elsewhere = [], []
    for each in candidates:
        if each.loaded is None:
            others.append(f"{each.path} {invalid}")
        elif each.loaded.digest == claim.digest:
            return each.data
        elif each.loaded.claim.id == claim.id:
            others.append(f"{each.path} has {each.loaded.digest[:DIGITS]}")
        else:
            elsewhere.append(f"{each.path} holds the claim {each.loaded.claim.id!r}")
    found = f"no file of the claim {claim.id!r} with the digest {claim.digest[:DIGITS]}"
    why = f"{'; '.join(others[:SHOWN])}: changed since, or run with other options" if others else ""
    read = why or "; ".join(elsewhere[:SHOWN])
    raise UsageError(found + (f" ({read})" if read else ""), "the file as it was run", "name it by --claims")


def _files(given: Iterable[Path]) -> Iterator[Path]:
    for path in given:
        inside = sorted((*path.glob("*.yaml"), *path.glob("*.yml"))) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"no claim file in the folder {str(path)!r}", "files with the suffix .yaml")
        yield from inside


def _candidate(path: Path, overrides: Overrides) -> _Candidate:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{str(path)!r}, which cannot be read ({reason})", "a claim file") from error
    try:
        return _Candidate(path, data, load_bytes(data, str(path), overrides))
    except SpecError:
        return _Candidate(path, data, None)


def _instructions(report: Report, overrides: Overrides) -> bytes:
    changed = ", and what the command laid over the claim files" if overrides.settings or overrides.replicates else ""
    return INSTRUCTIONS.format(version=visible(report.tool_version), changed=changed).encode()
