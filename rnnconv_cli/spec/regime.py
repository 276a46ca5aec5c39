"""The numbers of every point of an arm, and what the paper's setting asks of them (Section 2.1, Definition B.2)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rnnconv_cli.spec.claim import Arm, Law, Profile, ProfileName
from rnnconv_cli.spec.document import Path
from rnnconv_cli.spec.explain import Fault
from rnnconv_cli.spec.sphere import most_points

PROBLEM_PARAMETERS = ("width", "horizon", "n_sequences", "separation")
PERTURBATION_PARAMETERS = ("tau0", "size")
PROBE_PARAMETERS = ("sparsity", "rows", "threshold", "margin", "kick", "deviation")
COUNTED = ("sparsity", "rows")  # which are rounded to a whole number
PROFILES: tuple[ProfileName, ...] = ("quick", "full")
LARGEST_COUNT = 1_000_000_000

_LEAST = {
    "width": (1, "a width of at least 1"),
    "horizon": (2, "a horizon of at least 2: the loss starts at l = 2"),
    "n_sequences": (1, "at least 1 sequence"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A number at one point of an arm, and where it was written."""

    value: float
    path: Path


@dataclass(frozen=True, slots=True)
class Point:
    """What one point of an arm fixes: m, L, n, delta and d, each with the place it comes from."""

    width: Given
    horizon: Given
    n_sequences: Given
    separation: Given
    output_dim: Given


def regime_faults(arm: Arm) -> tuple[Fault, ...]:
    """What keeps an arm's points from being networks and sequences of the paper's setting; each rule once, at its
    first point."""
    unclear = (*_path_faults(arm), *_given_once(arm), *_perturbation_faults(arm), *_probe_faults(arm))
    if unclear:
        return unclear
    every = tuple(point for profile in PROFILES for point in points(arm, profile))
    ranges = tuple(fault for name in PROBLEM_PARAMETERS if (fault := _first(_in_range(name), arm, every)))
    return ranges or tuple(fault for rule in _RULES if (fault := _first(rule, arm, every)))


Rule = Callable[[Arm, Point], Fault | None]


def _first(rule: Rule, arm: Arm, points: tuple[Point, ...]) -> Fault | None:
    return next((fault for point in points if (fault := rule(arm, point))), None)


def _path_faults(arm: Arm) -> Iterator[Fault]:
    parameter = arm.sweep.parameter
    for followed, law in arm.sweep.path.items():
        here: Path = ("sweep", "path", followed)
        if parameter is None:
            yield Fault(here, "a path although nothing is swept", "sweep.parameter, or the number in problem")
        elif followed == parameter:
            yield Fault(
                here, f"a path of {followed}, which is swept itself", "a law for another parameter", at_key=True
            )
        elif law.parameter != parameter:
            yield Fault((*here, "parameter"), f"a law in {law.parameter}", f"one in {parameter}, the swept parameter")


def _given_once(arm: Arm) -> Iterator[Fault]:
    without_widths = [name for name in PROFILES if not _widths(getattr(arm.sweep, name))]
    by_widths = len(without_widths) < len(PROFILES)
    if by_widths and without_widths:
        here: Path = ("sweep", without_widths[0], "widths")
        wanted = "widths or a search in both profiles, or in none"
        yield Fault(here, "no widths here, and widths in the other profile", wanted)
    for name in PROBLEM_PARAMETERS:
        places = {
            f"problem.{name}": getattr(arm.problem, name) is not None,
            "sweep.parameter": arm.sweep.parameter == name,
            f"sweep.path.{name}": name in arm.sweep.path,
            "widths in the profiles": name == "width" and by_widths,
        }
        found = [place for place, holds in places.items() if holds]
        if not found:
            yield Fault(("problem", name), "nothing", f"the key {name}, or {name} as sweep.parameter or in sweep.path")
        elif len(found) > 1:
            away = f"write `{name}: null` in problem" if places[f"problem.{name}"] else "remove one of the two"
            path: Path = ("problem", name) if places[f"problem.{name}"] else ("sweep",)
            yield Fault(path, f"{name} given by {' and '.join(found)}", f"{name} given once", away)


def _sparsity(arm: Arm, point: Point) -> Fault | None:
    """No vector has more nonzeros than units."""
    width = point.width.value
    if arm.sweep.parameter == "sparsity":
        largest = max((*arm.sweep.quick.grid, *arm.sweep.full.grid), default=0.0)
        path: Path = ("sweep", "parameter")
    else:
        declared = arm.probe.sparsity if arm.probe else None
        path = ("probe", "sparsity")
        if isinstance(declared, Law):
            given: Given = getattr(point, declared.parameter)
            largest = declared.at(given.value)
        else:
            largest = declared or 0.0
    if largest <= width:
        return None
    return Fault(path, f"sparsity {largest:g} at width {width:g}", "no more nonzeros than units")


def _perturbation_faults(arm: Arm) -> Iterator[Fault]:
    parameter, section = arm.sweep.parameter, arm.perturbation
    repeated = [name for name, count in Counter(section.adversaries if section else ()).items() if count > 1]
    if repeated:
        yield Fault(("perturbation", "adversaries"), f"{repeated[0]} twice", "each adversary once")
    swept = parameter in PERTURBATION_PARAMETERS
    if section is None:
        if swept:
            yield Fault(("perturbation",), "nothing", f"the section perturbation, whose {parameter} is swept")
        return
    given = [name for name in PERTURBATION_PARAMETERS if getattr(section, name) is not None]
    if swept:
        for name in given:
            found = f"{name} set here, and {parameter} swept"
            yield Fault(("perturbation", name), found, "the swept one alone", f"remove {name}", at_key=True)
    elif len(given) != 1:
        found = " and ".join(given) or "neither tau0 nor size"
        hint = "tau0 is ||W'|| sqrt(m), size is ||W'|| itself"
        yield Fault(("perturbation",), found, "exactly one of tau0 and size", hint)


def _probe_faults(arm: Arm) -> Iterator[Fault]:
    parameter = arm.sweep.parameter
    for name in COUNTED if arm.probe else ():
        number = getattr(arm.probe, name)
        if isinstance(number, float) and not number.is_integer():
            yield Fault(("probe", name), f"{name} = {number:g}", "a whole number")
    if parameter in PROBE_PARAMETERS and arm.probe is not None and getattr(arm.probe, parameter) is not None:
        found = f"{parameter} set here, and swept"
        yield Fault(("probe", parameter), found, "the swept one alone", f"remove {parameter}", at_key=True)
    if parameter == "output_dim" and "output_dim" in arm.problem.model_fields_set:
        wanted = "output_dim given once"
        yield Fault(("problem", parameter), "output_dim set here, and swept", wanted, "remove it", at_key=True)


def points(arm: Arm, profile_name: ProfileName) -> Iterator[Point]:
    """Every point of an arm under a profile."""
    profile = arm.sweep.quick if profile_name == "quick" else arm.sweep.full
    in_problem = arm.sweep.parameter in (*PROBLEM_PARAMETERS, "output_dim")
    for i, value in enumerate(profile.grid if in_problem else (1.0,)):
        for width, place in _widths(profile) or ((0, ()),):
            point = Given(value, ("sweep", profile_name, "grid", i))
            widths = Given(width, ("sweep", profile_name, *place)) if width else None
            yield Point(*(_number(arm, name, point, widths) for name in (*PROBLEM_PARAMETERS, "output_dim")))


def _widths(profile: Profile) -> tuple[tuple[int, Path], ...]:
    """The widths that a frontier declares, or the ends of its search, with their places in the profile."""
    if profile.search is not None:
        return (profile.search.least, ("search", "least")), (profile.search.most, ("search", "most"))
    return tuple((width, ("widths", j)) for j, width in enumerate(profile.widths))


def _number(arm: Arm, name: str, point: Given, width: Given | None) -> Given:
    if name == "width" and width is not None:
        return width
    if name == arm.sweep.parameter:
        return point
    for followed, law in arm.sweep.path.items():
        if followed == name:
            value = law.at(point.value)
            whole = name != "separation" and math.isfinite(value)
            return Given(round(value) if whole else value, ("sweep", "path", name))
    return Given(getattr(arm.problem, name), ("problem", name))


def _in_range(name: str) -> Rule:
    def rule(arm: Arm, point: Point) -> Fault | None:
        given: Given = getattr(point, name)
        if name == "separation":
            held = 0 < given.value <= 1
            return None if held else Fault(given.path, f"a separation of {given.value:g}", "one above 0 and at most 1")
        least, wanted = _LEAST[name]
        if given.value < least:
            return Fault(given.path, f"{name} = {given.value:g}", wanted)
        if given.value > LARGEST_COUNT:
            return Fault(given.path, f"{name} = {given.value:g}", f"at most {LARGEST_COUNT}")
        return None

    return rule


def _copies(arm: Arm, point: Point) -> Fault | None:
    n, copies = point.n_sequences.value, arm.problem.copies
    if copies <= n:
        return None
    return Fault(("problem", "copies"), f"{copies} copies among {n:g} sequences", "no more copies than sequences")


def _copies_are_not_separated(arm: Arm, point: Point) -> Fault | None:
    if arm.problem.copies == 1 or "separation" not in arm.preconditions:
        return None
    wanted = "preconditions without separation: copies are at distance 0"
    hint = f"preconditions: [{', '.join(each for each in arm.preconditions if each != 'separation')}]"
    return Fault(("preconditions",), f"{arm.problem.copies} copies and the precondition separation", wanted, hint)


def _gram_schmidt(arm: Arm, point: Point) -> Fault | None:
    n, horizon, width = (int(given.value) for given in (point.n_sequences, point.horizon, point.width))
    if "gram-schmidt" not in arm.preconditions or n * horizon < width:
        return None
    found = f"n L = {n} x {horizon} = {n * horizon} at width {width}"
    fewer = (width - 1) // horizon
    lower = f"lower n_sequences to {fewer}" if fewer else f"widen to {n * horizon + 1}"
    wanted = "n L < m, which the precondition gram-schmidt needs"
    return Fault(point.width.path, found, wanted, f"{lower}, or remove gram-schmidt from preconditions")


def _separation_fits(arm: Arm, point: Point) -> Fault | None:
    distinct, separation = int(point.n_sequences.value) - arm.problem.copies + 1, point.separation.value
    input_dim = arm.problem.input_dim
    most = most_points(input_dim, separation)
    if distinct <= most:
        return None
    found = f"{distinct} first tokens at distance {separation:g} with input_dim {input_dim}"
    hint = "lower separation or n_sequences, or raise input_dim"
    return Fault(point.separation.path, found, f"at most {most:.0f}: the sphere holds no more", hint)


def _batch(arm: Arm, point: Point) -> Fault | None:
    n = point.n_sequences.value
    if arm.training is None or arm.training.method != "sgd" or arm.training.batch_size <= n:
        return None
    found = f"a batch of {arm.training.batch_size} among {n:g} sequences"
    return Fault(("training", "batch_size"), found, "no more than there are sequences")


def _laws(arm: Arm, point: Point) -> Fault | None:
    for section in ("training", "perturbation", "probe"):
        for name in ("learning_rate", *PERTURBATION_PARAMETERS, *PROBE_PARAMETERS):
            law = getattr(getattr(arm, section), name, None)
            if not isinstance(law, Law):
                continue
            given: Given = getattr(point, law.parameter)
            argument = given.value
            value = law.at(argument)
            found = f"{name} = {value:g} at {law.parameter} {argument:g}"
            if not 0 < value < math.inf:
                return Fault((section, name), found, "a positive finite number at every point")
            if name in COUNTED and round(value) < 1:
                return Fault((section, name), found, "at least 1 at every point, after rounding")
    return None


_RULES: tuple[Rule, ...] = (
    _copies, _copies_are_not_separated, _gram_schmidt, _separation_fits, _batch, _laws, _sparsity,
)  # fmt: skip
