"""What a check was measured on: the settings of its arms side by side, and what became of every measurement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from rnnconv_cli.records import CONTROL, MAIN, CheckResult, Observation, Status, Trial
from rnnconv_cli.report.figures.figure import Table
from rnnconv_cli.report.page.glossary import PRECONDITIONS

Value: TypeAlias = "str | int | float | None"
Placed: TypeAlias = tuple[float, Trial]  # a trial, and the value of the swept parameter that it stands for

FEW = 6  # values of a setting that are listed; of more, the first and the last
WHOLE = frozenset({"sparsity", "rows"})  # numbers of neurons or rows: what a law gives is rounded before use
NONE, SAME = "none", "the same"
STEP_SIZE = "step-size"  # asks something of descent alone
ARMS = {MAIN: "the claim", CONTROL: "the control"}
STATUSES: Mapping[Status, str] = {
    Status.OK: "used",
    Status.DIVERGED: "diverged",
    Status.NOT_REACHED: "target not reached",
    Status.ZERO: "exactly zero",
    Status.ROUND_OFF: "at rounding",
    Status.OUT_OF_REGIME: "out of regime",
    Status.FAILED: "failed",
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "later_tokens": {"fresh": "random, each its own", "shared": "random, one for all sequences", "zero": "zero"},
    "labels": {"random": "random", "signs": "random signs", "teacher": "from another network"},
    "copy_labels": {"independent": "each its own", "opposite": "opposite signs"},
    "layers": {"shared": "one W for all layers (recurrent)", "independent": "a W for each layer (feed-forward)"},
    "method": {"gd": "gradient descent", "sgd": "stochastic gradient descent"},
    "learning_rate_unit": {"absolute": "absolute", "inverse-lambda-max": "1/λ_max of the tangent kernel at the start"},
    "objective": {"loss": "the loss", "excess-over-floor": "the loss above the floor that clashing copies dictate"},
    "search": {"adversarial": "searched for the worst", "random": "at random"},
    "around": {"initial": "the initial W", "displaced": "W plus a random matrix of norm 1/√m"},
}
LABELS: Mapping[str, Mapping[str, str]] = {
    "problem": {
        "width": "width m",
        "horizon": "sequence length L",
        "n_sequences": "training sequences n",
        "input_dim": "input dimension d_x",
        "output_dim": "output dimension d",
        "separation": "separation δ of first tokens",
        "later_tokens": "tokens after the first",
        "labels": "labels",
        "copies": "sequences equal to the first, itself included",
        "copy_labels": "labels of these copies",
        "weight_variance": "variance of entries of W, times m",
        "output_variance": "variance of entries of B",
        "activation": "activation",
        "layers": "weights",
        "dtype": "arithmetic",
    },
    "training": {
        "method": "trained by",
        "batch_size": "sequences in a step",
        "learning_rate": "step size",
        "learning_rate_unit": "unit of the step size",
        "max_steps": "steps at most",
        "accuracy": "target, relative to the initial loss",
        "objective": "what falls to the target",
    },
    "perturbation": {
        "size": "spectral norm of the perturbation W'",
        "around": "perturbed around",
        "adversary": "perturbations tried",
    },
    "probe": {
        "sparsity": "sparsity k",
        "rows": "rows |N|",
        "threshold": "threshold b₋",
        "margin": "margin b₊",
        "kick": "kick θ",
        "deviation": "allowed deviation",
        "search": "supports chosen",
    },
}


def settings(check: CheckResult) -> Table | None:
    """What was drawn and how it was measured, beside what the control changes; None where nothing was measured."""
    main, control = (_trials(each for each in check.observations if each.arm == arm) for arm in ARMS)
    if not main and not control:
        return None
    changed_first = sorted(_rows(main, control), key=lambda row: row[1] == row[2])
    cells = tuple(
        (label, ours or NONE, SAME if ours == theirs else theirs or NONE) for label, ours, theirs in changed_first
    )
    return Table("What was drawn: first what the control changes", ("setting", *ARMS.values()), cells)


def _rows(main: Sequence[Placed], control: Sequence[Placed]) -> Iterator[tuple[str, str, str]]:
    """Each setting that an arm has, with its values in both arms."""
    yield "quantity", _of(main, lambda trial: trial.quantity), _of(control, lambda trial: trial.quantity)
    for section, labels in LABELS.items():
        for name, label in labels.items():
            ours, theirs = (_of(trials, _field(section, name)) for trials in (main, control))
            if (ours or theirs) and not _idle(name, main, control):
                yield label, ours, theirs
    yield "needed of every draw", _needed(main), _needed(control)


def counts(check: CheckResult) -> Table | None:
    """How many measurements of each arm came out how: nothing is dropped. None where nothing was measured."""
    found: dict[str, Counter[Status]] = defaultdict(Counter)
    for each in check.observations:
        found[each.arm][each.status] += 1
    if not found:
        return None
    shown = [status for status in STATUSES if any(tally[status] for tally in found.values())]
    columns = ("arm", "measurements", *(STATUSES[status] for status in shown))
    rows = tuple(
        (ARMS.get(arm, arm), str(tally.total()), *(str(tally[status]) for status in shown))
        for arm, tally in found.items()
    )
    return Table("What became of every measurement", columns, rows)


def adversaries(check: CheckResult) -> Sequence[str]:
    """The adversaries that compete for the worst case of a check, each once; empty where nothing is perturbed."""
    return tuple(dict.fromkeys(each.adversary for each in check.observations if each.adversary and each.arm == MAIN))


def _trials(observations: Iterable[Observation]) -> Sequence[Placed]:
    """One trial for each point and setting, whatever its draw, in the order of the sweep."""
    found = {
        (each.point, each.trial.problem, each.trial.training, each.trial.perturbation, each.trial.probe): each.trial
        for each in observations
    }
    return sorted(((point, trial) for (point, *_), trial in found.items()), key=lambda placed: placed[0])


def _field(section: str, name: str) -> Callable[[Trial], Value]:
    def value(trial: Trial) -> Value:
        part: Any = getattr(trial, section)
        found: Value = None if part is None else getattr(part, name)
        if name in WHOLE and isinstance(found, float):
            return round(found)
        return WORDS[name].get(str(found), str(found)) if name in WORDS and found is not None else found

    return value


def _idle(name: str, *arms: Sequence[Placed]) -> bool:
    """Whether a setting changes nothing: the labels of copies where there are none."""
    return name == "copy_labels" and all(trial.problem.copies == 1 for trials in arms for _, trial in trials)


def _of(trials: Sequence[Placed], value: Callable[[Trial], Value]) -> str:
    """All values of a setting, in few words; empty where the trials have none.

    They come in the order of the sweep; where each of its points has one of its own, as often as they come.
    """
    placed = [(point, found) for point, trial in trials if (found := value(trial)) is not None]
    distinct, at = dict.fromkeys(found for _, found in placed), dict(placed)
    values = list(at.values()) if len(distinct) > 1 and len(at) == len(set(placed)) else list(distinct)
    shown = [each if isinstance(each, str) else f"{each:g}" for each in values]
    if len(shown) > FEW and not any(isinstance(each, str) for each in values):
        numbers = [each for each in values if not isinstance(each, str)]
        ends = (values[0], values[-1]) if _is_ordered(numbers) else (min(numbers), max(numbers))
        return f"{ends[0]:g} to {ends[1]:g} ({len(distinct)} values)"
    return ", ".join(shown)


def _is_ordered(numbers: Sequence[float]) -> bool:
    """Whether numbers only rise or only fall, as along a sweep; the widths of a search come as they were tried."""
    return all(a <= b for a, b in pairwise(numbers)) or all(a >= b for a, b in pairwise(numbers))


def _needed(trials: Sequence[Placed]) -> str:
    names = dict.fromkeys(
        name for _, trial in trials for name in trial.preconditions if name != STEP_SIZE or trial.training is not None
    )
    return "; ".join(PRECONDITIONS.get(name, name) for name in names) or "nothing"
