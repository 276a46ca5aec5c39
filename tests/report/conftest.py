"""A report with one check of every kind, and everything that is awkward to show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import (
    CheckResult,
    ClaimResult,
    ControlResult,
    Decay,
    Environment,
    Estimate,
    ExhibitResult,
    Exponent,
    Finding,
    Frontier,
    Growth,
    IdentityError,
    Inequality,
    Observation,
    PerturbationSetting,
    Place,
    Predicted,
    Probability,
    ProblemSetting,
    Report,
    Status,
    Timing,
    TrainingSetting,
    Trial,
    Verdict,
)
from rnnconv_cli.sweep.serial import key_of

POINTS = (256.0, 512.0, 1024.0, 2048.0)
LOCAL = (0.61, 0.63, 1 / 3)

ESTIMATES: dict[str, Estimate] = {
    "exponent": Exponent(
        0.641, 0.622, 0.66, 0.995, POINTS, 12, LOCAL, (0.65, 0.62, 0.68), (0.63, 0.6, 0.66), 0.4, 0.02
    ),
    "growth": Growth(1.2e-4, -2.0e-4, 4.4e-4, 0.995, POINTS, 8, 0.5, LOCAL, 1e-4),
    "event": Probability(1.0, 0.937, 1.0, 0.995, 57, 57),
    "identity": IdentityError(0.35, 8.0, 24),
    "decay": Decay(0.01, -0.02, 0.04, 0.995, (7, 8, 9, 10), 8, (41.0, 41.5, 42.0, 42.0), 0.05, 0.04, 0.06, 0.01),
    "attainment": Exponent(
        -1.02, -1.2, -0.9, 0.995, POINTS, 12, LOCAL, (-1.0, -1.1, -0.9), (-1.0, -1.2, -0.8), float("nan"), 0.1
    ),
    "frontier": Frontier(
        None, None, None, 0.995, (2.0,), (64.0,), (50.0,), (float("inf"),), 5, (), 0.0
    ),
}  # fmt: skip
PREDICTED = {
    "exponent": Predicted(
        "exponent", "upper", 2 / 3, "exponent", 0.04, 0.02, "≤ m^0.667 (+0.06)", None, "half-width 0.02 over 12 draws"
    ),
    "growth": Predicted("growth", "both", 0.17, "rate", 0.0, 0.0, "|r| ≤ 0.17"),
    "event": Predicted("event", "upper", 0.9, "probability", 0.0, 0.0, "P ≥ 0.9", Inequality("upper", 100.0, 0.9)),
    "identity": Predicted("identity", "upper", 8.0, "rounding-units", 0.0, 0.0, "≤ 8 ε size"),
    "decay": Predicted("decay", "upper", 0.0, "rate", 0.1, 0.0, "growth ≤ 0.1"),
    "attainment": Predicted("attainment", "both", -1.0, "exponent", 0.25, 0.0, "m^-1 ± 0.25"),
    "frontier": Predicted(
        "frontier", "upper", None, "exponent", 0.0, 0.0, "measured only", Inequality("upper", 100.0, 0.75)
    ),
}


def problem(width: int = 256) -> ProblemSetting:
    return ProblemSetting(
        width, 4, 3, 16, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
    )


def observations() -> tuple[Observation, ...]:
    """Three replicates at every point, one diverged with a curve, a zero, and a control."""
    training = TrainingSetting("gd", 3, 0.1, "inverse-lambda-max", 1000, 1e-4, "loss")
    rows = []
    for arm in ("main", "control"):
        for point in POINTS:
            for replicate in range(3):
                perturbation = PerturbationSetting(4.0 / point**0.5, "kinks", "initial")
                trial = Trial(
                    "activation-flips",
                    problem(int(point)),
                    training,
                    perturbation,
                    None,
                    (),
                    ("token-norms",),
                    replicate,
                    7,
                )
                curve = ((0, 1.0), (10, 0.1), (100, 1 / 3))
                rows.append(Observation(arm, point, "kinks", trial, key_of(trial), point**0.641, Status.OK, curve))
    rows[1] = replace(
        rows[1], value=float("inf"), status=Status.DIVERGED, curve=((0, 1.0), (5, float("inf"))), detail="at step 5"
    )
    rows[2] = replace(rows[2], value=0.0, status=Status.ZERO)
    rows[4] = replace(rows[4], value=1.25, status=Status.OUT_OF_REGIME)
    return tuple(rows)


def check(kind: str) -> CheckResult:
    estimate = ESTIMATES[kind]
    verdict = Verdict.MEASURED if kind == "frontier" else Verdict.WITHIN
    slack = 0.067 if isinstance(estimate, Exponent) else None
    outside = Finding(Verdict.OUTSIDE, "its interval [1.1, 1.3] lies beyond the bound", estimate, -0.5, "")
    return CheckResult(
        id=f"{kind}-of-something",
        source="arXiv:1810.12065v4, (5.1b), p. 12",
        statement="‖D′‖₀ ≤ O(τ₀^{2/3} m^{2/3})",
        quantity="activation-flips",
        definition="max over i, l of ||D'_{i,l}||_0, units that change sign [units]",
        parameter=None if kind in {"event", "identity"} else "width",
        path="L = max(4, 0.1 m)" if kind == "growth" else "",
        kind=kind,
        status="theorem",
        verdict=verdict,
        expected=Verdict.WITHIN,
        as_expected=None if kind == "frontier" else True,
        because="the interval [0.622, 0.660] lies below 0.667 + 0.06, on a grid of four widths with twelve draws each",
        predicted=PREDICTED[kind],
        finding=Finding(verdict, "the interval lies below", estimate, slack, ""),
        control=ControlResult(
            "τ₀ = √m, which flips a constant share of the units",
            "activation-flips-of-noise",
            "the same under gaussian noise [units]",
            Verdict.OUTSIDE,
            outside,
            True,
        ),
        exhibits=(
            ExhibitResult(
                "gaussian-only", "the same under noise", "width", 2048.0, 41.0, 39.5, 44.0, (("ok", 12), ("zero", 1))
            ),
        ),
        worst_adversary="kinks",
        observations=observations(),
        notes="",
    )


def inconclusive(result: CheckResult) -> CheckResult:
    """The check with a control that does not break it, and a price for settling it."""
    settle = "16 instead of 8 replicates would settle it (90 core-seconds)"
    powerless = replace(result.control.finding, verdict=Verdict.WITHIN, because="its interval lies below the bound")
    return replace(
        result,
        id="something-undecided",
        verdict=Verdict.INCONCLUSIVE,
        as_expected=None,
        because="the control did not break it",
        finding=replace(result.finding, verdict=Verdict.INCONCLUSIVE, settle=settle),
        control=replace(result.control, finding=powerless, as_expected=False),
    )


def contradicted(result: CheckResult) -> CheckResult:
    return replace(result, id="a-check-that-contradicts-what-is-expected", verdict=Verdict.OUTSIDE, as_expected=False)


def unmeasured(result: CheckResult) -> CheckResult:
    """A check of which no trial gave a number, in its main arm and in its control."""
    nothing = Finding(Verdict.INCONCLUSIVE, "nothing could be measured", None, None, "")
    return replace(
        inconclusive(result),
        id="nothing-measured",
        finding=nothing,
        control=replace(result.control, finding=nothing, as_expected=False),
        exhibits=(ExhibitResult("lost", "all diverged", "width", 2048.0, None, None, None, (("diverged", 12),)),),
        observations=(),
    )


@pytest.fixture
def report() -> Report:
    every = tuple(check(kind) for kind in ESTIMATES)
    awkward = (inconclusive(every[0]), contradicted(every[0]), unmeasured(every[0]))
    claim = ClaimResult(
        id="perturbation-bound",
        title="A small change of W changes little",
        source="arXiv:1810.12065v4, Section 5",
        statement="For all W' with ‖W'‖₂ ≤ τ₀/√m …",
        digest="0" * 64,
        verdict=Verdict.WITHIN,
        expected=Verdict.WITHIN,
        as_expected=True,
        checks=every,
    )
    second = replace(claim, id="awkward-claim", verdict=Verdict.OUTSIDE, as_expected=False, checks=awkward)
    return Report(
        tool_version="0.1.0",
        profile="quick",
        seed=7,
        backend="compiled",
        exit_status=3,
        exit_reasons=("awkward-claim/a-check-that-contradicts-what-is-expected: outside, expected within",),
        claims=(claim, second),
        environment=Environment((("python", "CPython 3.11.7"), ("usable_cores", 2), ("commit", None))),
        timing=Timing((("prepare", 1.5), ("measure", 40.25), ("total", 41.75))),
        places=(
            Place("perturbation-bound", "", "claims/perturbation-bound.yaml", 3),
            Place("perturbation-bound", "exponent-of-something", "claims/perturbation-bound.yaml", 14),
        ),
    )
