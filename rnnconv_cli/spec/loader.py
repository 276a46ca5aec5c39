"""TEXT → VALUE: a claim file, with overrides laid over it, as a claim and its arms; or every violation at once."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path as FilePath
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rnnconv_cli.errors import SpecError, UnknownName, UsageError, Violation
from rnnconv_cli.spec import merge
from rnnconv_cli.spec.beside import tangent_exhibits
from rnnconv_cli.spec.claim import MAX_CHECKS, MAX_EXHIBITS, Arm, Check, Claim, Exhibit, VerdictWord
from rnnconv_cli.spec.document import MAX_BYTES, Mark, Node, Path, dotted, parse, plain, too_large
from rnnconv_cli.spec.explain import Fault, faults
from rnnconv_cli.spec.rules import RESERVED, Role, arm_faults, id_faults

Section = TypeVar("Section", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a command lays over checks before validation: (dotted path inside a check, YAML text), replicates."""

    settings: tuple[tuple[str, str], ...] = ()
    replicates: int | None = None
    checks: tuple[str, ...] = ()  # ids of the checks that they are laid over; empty: all


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class LoadedCheck:
    """A check, its control and its exhibits, each as a complete arm."""

    check: Check
    control: Arm
    exhibits: tuple[tuple[Exhibit, Arm], ...]


@dataclass(frozen=True, slots=True)
class LoadedClaim:
    """A claim that keeps all the rules, and the document it was read from."""

    claim: Claim
    checks: tuple[LoadedCheck, ...]
    origin: str
    digest: str  # SHA-256 of the canonical JSON of the claim, overrides included
    document: Node = field(repr=False, compare=False)

    def violation(self, path: Path, found: str, wanted: str, hint: str = "") -> Violation:
        """A violation at a path of the claim, placed at the last key on the way to it that the document has."""
        return _violation(self.document, (), Fault(path, found, wanted, hint))

    def line(self, path: Path) -> int:
        """The line of the key at a path of the claim; 1 where a command has set it, and no line of the file."""
        mark = self.document.nearest(path)[0].key
        return mark.line if mark.where == self.origin else 1


@dataclass(frozen=True, slots=True)
class _ArmDocument:
    """One arm of a check as a tree: the check's own keys with a change laid over them."""

    role: Role
    tree: Node
    prefix: Path
    expected: VerdictWord
    change: Node | None  # None for the check itself


def load(path: FilePath, overrides: Overrides = NO_OVERRIDES) -> LoadedClaim:
    """The claim in a file. Raises SpecError with all violations, UsageError where the file cannot be read."""
    return load_bytes(_read(path), str(path), overrides)


def load_all(paths: Sequence[FilePath], overrides: Overrides = NO_OVERRIDES) -> tuple[LoadedClaim, ...]:
    """The claims in files. Raises what `load` raises, but UnknownName first for a selected check that no file has."""
    origins = tuple(map(str, paths))
    texts = tuple(_decoded(_read(path), origin) for path, origin in zip(paths, origins, strict=True))
    parsed = tuple(parse(text, origin) for text, origin in zip(texts, origins, strict=True))
    ids = tuple(found for tree, _ in parsed for found in map(_id, _checks(tree)) if isinstance(found, str))
    if ids and not any(violations for _, violations in parsed):
        refuse_unknown_checks(overrides.checks, ids)
    return tuple(
        _claim(tree, violations, origin, overrides) for (tree, violations), origin in zip(parsed, origins, strict=True)
    )


def refuse_unknown_checks(names: Iterable[str], ids: Iterable[str]) -> None:
    """Raise UnknownName for the first name that is not the id of a check."""
    known = tuple(dict.fromkeys(ids))
    for name in names:
        if name not in known:
            raise UnknownName("check", name, known, tuple(difflib.get_close_matches(name, known)))


def _read(path: FilePath) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"no file {str(path)!r}", "a claim file", "`rnnconv list` names the claims") from error
    except IsADirectoryError as error:
        raise UsageError(f"the folder {str(path)!r}", "a claim file", "name a file in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise UsageError(f"{str(path)!r}, which cannot be read ({reason})", "a readable claim file") from error


def load_bytes(data: bytes, origin: str, overrides: Overrides = NO_OVERRIDES) -> LoadedClaim:
    """The claim in the bytes of a file or a stream. Raises SpecError with all violations."""
    return loads(_decoded(data, origin), origin, overrides)


def loads(text: str, origin: str, overrides: Overrides = NO_OVERRIDES) -> LoadedClaim:
    """The claim in a text; `origin` is the place that messages name. Raises SpecError with all violations."""
    tree, violations = parse(text, origin)
    return _claim(tree, violations, origin, overrides)


def _claim(tree: Node, violations: tuple[Violation, ...], origin: str, overrides: Overrides) -> LoadedClaim:
    """The claim in a tree of which these violations are known already."""
    tree, override_violations = _overridden(tree, overrides)
    claim, claim_faults = _validated(Claim, tree)
    arms = tuple(_arms(check, ("checks", i)) for i, check in enumerate(_checks(tree)))
    violations = (
        *violations,
        *override_violations,
        *(_violation(tree, (), fault) for fault in (*claim_faults, *_id_faults(tree))),
        *(_violation(tree, (), fault) for fault in (_powerless(claim) if claim is not None else ())),
        *(violation for documents in arms for violation in _arm_violations(documents, len(arms))),
    )
    if claim is None or violations:
        raise SpecError(_in_order(violations, origin))
    checks = tuple(_loaded(check, documents) for check, documents in zip(claim.checks, arms, strict=True))
    return LoadedClaim(claim, checks, origin, _digest(claim), tree)


def _decoded(data: bytes, origin: str) -> str:
    if len(data) > MAX_BYTES:
        raise too_large(origin)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        found, wanted = f"the byte 0x{data[error.start]:02x}, which is not UTF-8", "text in UTF-8"
        raise SpecError((Violation(origin, line, column, "", found, wanted, "save the file as UTF-8"),)) from error


def _overridden(tree: Node, overrides: Overrides) -> tuple[Node, tuple[Violation, ...]]:
    """The tree with every override laid over every check that the overrides name; of the others no value changes."""
    values: list[tuple[Path, Node]] = []
    violations: tuple[Violation, ...] = ()
    for key, text in overrides.settings:
        path, node, refused = merge.override(key, text)
        violations += refused
        values += [(path, node)] if node is not None else []
    if overrides.replicates is not None:
        values += merge.replicates(overrides.replicates)
    listed = tree.child("checks")
    if listed is None or not values:
        return tree, violations
    checks = tuple(
        reduce(lambda laid, value: merge.put(laid, *value), values, check)
        if check.is_mapping and (not overrides.checks or _id(check) in overrides.checks)
        else check
        for check in listed.items
    )
    return Node({**tree.entries, "checks": Node(checks, listed.mark, listed.key)}, tree.mark, tree.key), violations


def _validated(model: type[Section], tree: Node) -> tuple[Section | None, tuple[Fault, ...]]:
    try:
        return model.model_validate(plain(tree)), ()
    except ValidationError as error:
        return None, faults(error, model, tree)


def _checks(tree: Node) -> tuple[Node, ...]:
    """The checks of a document; of a hopeless one no more than a claim may have."""
    listed = tree.child("checks")
    return listed.items[:MAX_CHECKS] if listed is not None else ()


def _exhibits(check: Node) -> tuple[Node, ...]:
    listed = check.child("beside")
    return listed.items[:MAX_EXHIBITS] if listed is not None else ()


def _arms(check: Node, prefix: Path) -> tuple[_ArmDocument, ...]:
    """The check itself, its control, its exhibits; those whose `change` can be laid over the check."""
    own = Node({key: child for key, child in check.entries.items() if key in Arm.model_fields}, check.mark, check.key)
    arms = [_ArmDocument(Role.MAIN, own, prefix, "within", None)]
    control = check.child("control")
    sections = [(Role.CONTROL, control, (*prefix, "control"))] if control is not None else []
    for i, exhibit in enumerate(_exhibits(check)):
        sections.append((Role.EXHIBIT, exhibit, (*prefix, "beside", i)))
    for role, section, path in sections:
        change, expected = section.child("change"), section.child("expected")
        if change is not None and change.is_mapping:
            word: VerdictWord = "outside"
            if expected is not None and expected.value in ("within", "inconclusive"):
                word = "within" if expected.value == "within" else "inconclusive"
            arms.append(_ArmDocument(role, merge.laid_over(own, change), (*path, "change"), word, change))
    return tuple(arms)


def _powerless(claim: Claim) -> Iterator[Fault]:
    """Checks that come out like their control when all is as expected: such a check cannot tell true from false."""
    for i, check in enumerate(claim.checks):
        if check.expected == check.control.expected:
            found = f"{check.expected}, which the check itself is expected to be"
            yield Fault(("checks", i, "control", "expected"), found, "another verdict: a control must turn its check's")


def _id_faults(tree: Node) -> Iterator[Fault]:
    checks = _checks(tree)
    yield from id_faults(((("checks", i, "id"), _id(check)) for i, check in enumerate(checks)), "check")
    for i, check in enumerate(checks):
        ids = ((("checks", i, "beside", j, "id"), _id(exhibit)) for j, exhibit in enumerate(_exhibits(check)))
        yield from id_faults(ids, "exhibit", RESERVED)


def _id(section: Node) -> object:
    found = section.child("id")
    return found.value if found is not None else None


def _arm_violations(documents: tuple[_ArmDocument, ...], n_checks: int) -> Iterator[Violation]:
    """What is wrong with each arm of a check. What the check itself gets wrong is not said again of its other arms."""
    own: frozenset[tuple[Path, str]] = frozenset()
    main: Arm | None = None
    for document in documents:
        arm, found = _validated(Arm, document.tree)
        if arm is not None:
            found = arm_faults(arm, document.role, document.expected, n_checks)
            if document.role is Role.CONTROL and arm == main:
                found = (*found, Fault((), "a change that changes nothing", "a change that must turn the verdict"))
        if document.role is Role.MAIN:
            main, own = arm, frozenset((fault.path, fault.found) for fault in found)
            found = found if arm is not None else ()  # else the claim as a whole has said it
            yield from (_violation(document.tree, document.prefix, fault) for fault in found)
        else:
            new = tuple(fault for fault in found if (fault.path, fault.found) not in own)
            places = frozenset(merge.marks(document.change)) if new and document.change is not None else frozenset()
            for fault in new:
                yield _inside(document.change, places, _violation(document.tree, document.prefix, fault))


def _inside(change: Node | None, places: frozenset[Mark], violation: Violation) -> Violation:
    """The violation of an arm, at its change as a whole where it stands in the same file but outside the change."""
    mark = Mark(violation.where, violation.line, violation.column)
    if change is None or mark.where != change.mark.where or mark in places:
        return violation
    return replace(violation, line=change.key.line, column=change.key.column)


def _violation(tree: Node, prefix: Path, fault: Fault) -> Violation:
    """A fault with its place: of the value, or of the last key on the way to it."""
    node, exists = tree.nearest(fault.path)
    mark = node.mark if exists and not fault.at_key else node.key
    path = dotted((*prefix, *fault.path))
    return Violation(mark.where, mark.line, mark.column, path, fault.found, fault.wanted, fault.hint)


def _in_order(violations: Iterable[Violation], origin: str) -> tuple[Violation, ...]:
    """Violations in the order of the document, those of the command line last; each said once."""
    distinct: dict[tuple[str, int, int, str, str], Violation] = {}
    for each in violations:
        distinct.setdefault((each.where, each.line, each.column, each.found, each.wanted), each)
    return tuple(sorted(distinct.values(), key=lambda each: (each.where != origin, each.where, each.line, each.column)))


def _loaded(check: Check, documents: tuple[_ArmDocument, ...]) -> LoadedCheck:
    _, control, *exhibits = (Arm.model_validate(plain(document.tree)) for document in documents)
    declared = tuple(zip(check.beside, exhibits, strict=True))
    return LoadedCheck(check, control, (*declared, *tangent_exhibits(check)))


def _digest(claim: Claim) -> str:
    canonical = json.dumps(claim.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()
