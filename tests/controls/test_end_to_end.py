"""The whole tool can say yes and no: claim file to exit status, with a network in between, for every kind of check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.pipeline import Options, verify
from rnnconv_cli.records import CheckResult, Exponent, Frontier, Report, Verdict

if TYPE_CHECKING:
    from tests.conftest import Recorder, Written

WITHIN, OUTSIDE, INCONCLUSIVE = Verdict.WITHIN, Verdict.OUTSIDE, Verdict.INCONCLUSIVE

VARIANCE = {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}}
AS_LARGE_AS_W = {
    "description": "tau_0 = sqrt m",
    "change": {"perturbation": {"tau0": {"coefficient": 1.0, "parameter": "width", "power": 0.5}}},
}
CLASH = {
    "problem": {"copies": 2},
    "preconditions": ["unit-first-token", "token-norms", "gram-schmidt"],
    "training": {"max_steps": 600},
}
REASON = {"reason": "a small instance of a shipped check"}

TRUE: Mapping[str, Mapping[str, Any]] = {
    "event": {
        "quantity": "hidden-norm-upper",
        "problem": {"width": 256, "horizon": 16, "n_sequences": 1},
        "sweep": {"replicates": 40},
        "prediction": {"kind": "event", "bound": 1.0, "probability": 0.9, **REASON},
        "control": VARIANCE,
    },
    "exponent": {
        "quantity": "pattern-flips",
        "problem": {"horizon": 3, "n_sequences": 1},
        "perturbation": {"tau0": 8.0, "adversaries": ["gaussian", "kinks"]},
        "sweep": {"parameter": "width", "grid": [128, 181, 256, 512, 724], "replicates": 6},
        "prediction": {"kind": "exponent", "exponent": 0.667, "tolerance": 0.1, **REASON},
        "control": AS_LARGE_AS_W,
    },
    "attainment": {
        "quantity": "hidden-change",
        "problem": {"horizon": 3, "n_sequences": 1},
        "perturbation": {"tau0": 1.0, "adversaries": ["gaussian", "kinks"]},
        "sweep": {"parameter": "width", "grid": [32, 64, 128, 256, 512], "replicates": 12},
        "prediction": {"kind": "attainment", "exponent": -0.5, "tolerance": 0.2, **REASON},
        "control": AS_LARGE_AS_W,
    },
    "growth": {
        "quantity": "hidden-norm-max",
        "problem": {"width": 256, "n_sequences": 1},
        "sweep": {"parameter": "horizon", "grid": [4, 8, 12, 16, 24, 32], "replicates": 8},
        "prediction": {"kind": "growth", "rate": 0.17, **REASON},
        "control": VARIANCE,
    },
    "identity": {
        "quantity": "first-order-error",
        "problem": {"width": 64, "horizon": 4, "n_sequences": 1},
        "perturbation": {"size": 0.5, "adversaries": ["gaussian", "kinks"], "around": "displaced"},
        "sweep": {"replicates": 4},
        "prediction": {"kind": "identity", "rounding_units": 4.0, **REASON},
        "control": {"description": "D'' = 0", "change": {"quantity": "first-order-error-without-second-pattern"}},
    },
    "decay": {
        "quantity": "steps-to-decades",
        "problem": {"width": 128, "horizon": 3, "n_sequences": 3},
        "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 3000},
        "sweep": {"parameter": "decades", "grid": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "replicates": 10},
        "prediction": {"kind": "decay", "tail": 4, "tolerance": 0.2, **REASON},
        "control": {"description": "a clash", "change": CLASH},
    },
    "frontier": {
        "quantity": "hidden-norm-last",
        "problem": {"n_sequences": 1, "later_tokens": "zero", "layers": "independent"},
        "preconditions": ["unit-first-token", "token-norms"],
        "sweep": {"parameter": "horizon", "grid": [4, 8, 16, 24], "widths": [8, 16, 32, 64, 128], "replicates": 60},
        "prediction": {
            "kind": "frontier", "side": "lower", "bound": 0.5, "probability": 0.7, "exponent": 1.0, "tolerance": 0.4,
            **REASON,
        },
        "control": {
            "description": "one W for all layers, whose m* leaves the grid of widths",
            "change": {"problem": {"layers": "shared"}},
            "expected": "inconclusive",
        },
    },
    "search": {
        "quantity": "hidden-norm-off-band",
        "problem": {"n_sequences": 1, "later_tokens": "zero", "layers": "independent"},
        "preconditions": ["unit-first-token", "token-norms"],
        "sweep": {
            "parameter": "horizon", "grid": [3, 4, 6, 8], "replicates": 160,
            "search": {"least": 4, "most": 1024, "precision": 0.2},
        },
        "prediction": {
            "kind": "frontier", "bound": 1.0, "probability": 0.7, "exponent": 1.0, "tolerance": 0.5, **REASON,
        },
        "control": {
            "description": "variance 1.7/m, under which norms drift to the border of the band",
            "change": {"problem": {"weight_variance": 1.7}, "sweep": {"quick": {"grid": [3, 4, 5, 6]}}},
        },
    },
}  # fmt: skip

NOISE: Mapping[str, Any] = {
    **TRUE["exponent"],
    "problem": {"horizon": 3, "n_sequences": 8},
    "perturbation": {"tau0": 16.0, "adversaries": ["gaussian"]},
    "sweep": {"parameter": "width", "grid": [256, 362, 512, 724, 1024], "replicates": 8},
}

FALSE: Mapping[str, Mapping[str, Any]] = {
    "a constant that is too small": {
        **TRUE["event"],
        "prediction": {"kind": "event", "bound": 0.1, "probability": 0.9, **REASON},
    },
    "a power that is too small": {
        **TRUE["exponent"],
        "prediction": {"kind": "exponent", "exponent": 0.3, "tolerance": 0.1, **REASON},
    },
    "a power that noise does not reach": {
        **NOISE,
        "prediction": {"kind": "attainment", "exponent": 0.667, "tolerance": 0.08, **REASON},
    },
    "an exponential": {
        **TRUE["growth"],
        "problem": {"width": 256, "n_sequences": 1, "weight_variance": 4.0},
        "control": {"description": "variance 8/m", "change": {"problem": {"weight_variance": 8.0}}},
    },
    "an identity without its second pattern": {
        **TRUE["identity"],
        "quantity": "first-order-error-without-second-pattern",
        "control": {"description": "variance 4/m too", "change": {"problem": {"weight_variance": 4.0}}},
    },
    "a linear rate on labels that clash": {
        **TRUE["decay"],
        **CLASH,
        "problem": {"width": 128, "horizon": 3, "n_sequences": 3, "copies": 2},
        "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 600},
        "control": {"description": "three that clash", "change": {"problem": {"copies": 3}}},
    },
    "a frontier that grows faster": {
        **TRUE["frontier"],
        "prediction": {**TRUE["frontier"]["prediction"], "exponent": 0.2, "tolerance": 0.2},
    },
    "a search whose frontier grows faster": {
        **TRUE["search"],
        "problem": {"n_sequences": 1, "later_tokens": "zero", "layers": "shared"},
        "prediction": {**TRUE["search"]["prediction"], "exponent": 0.6, "tolerance": 0.2},
    },
}


def _report(written: Written, check: Mapping[str, Any], recorder: Recorder, *, strict: bool = True) -> Report:
    options = Options("quick", 1, 1, "compiled", (), strict, ())
    return verify([written(check)], options, recorder)


def _only(report: Report) -> CheckResult:
    ((found,),) = (claim.checks for claim in report.claims)
    return found


@pytest.mark.parametrize("kind", TRUE)
def test_a_true_claim_is_within_and_its_control_is_not(kind: str, written: Written, recorder: Recorder) -> None:
    report = _report(written, TRUE[kind], recorder)
    found = _only(report)
    assert (found.verdict, found.control.finding.verdict) == (WITHIN, found.control.expected), found.because
    assert (report.exit_status, report.exit_reasons, report.claims[0].verdict) == (0, (), WITHIN)


@pytest.mark.parametrize("name", FALSE)
def test_a_false_claim_is_outside_and_the_run_ends_with_three(name: str, written: Written, recorder: Recorder) -> None:
    report = _report(written, FALSE[name], recorder)
    found = _only(report)
    assert (found.verdict, found.as_expected) == (OUTSIDE, False), found.because
    assert report.exit_status == 3
    assert report.exit_reasons == ("made-up/check-0: outside, expected within",)


def test_a_claim_known_to_be_false_is_as_expected(written: Written, recorder: Recorder) -> None:
    mended = {"description": "the true constant", "change": {"prediction": {"bound": 1.0}}, "expected": "within"}
    false = {**FALSE["a constant that is too small"], "expected": "outside", "control": mended}
    report = _report(written, false, recorder)
    assert (_only(report).verdict, _only(report).as_expected, report.exit_status) == (OUTSIDE, True, 0)


def test_a_true_claim_that_is_expected_to_fail_contradicts(written: Written, recorder: Recorder) -> None:
    also_true = {"description": "half as wide", "change": {"problem": {"width": 32}}, "expected": "within"}
    report = _report(written, {**TRUE["identity"], "expected": "outside", "control": also_true}, recorder)
    assert report.exit_reasons == ("made-up/check-0: within, expected outside",)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("event", {"problem": {"output_dim": 2}}),
        ("growth", {"problem": {"labels": "signs"}}),
        ("identity", {"perturbation": {"size": 0.25}}),
        ("decay", {"problem": {"labels": "signs"}}),
    ],
)
def test_a_control_that_breaks_nothing_takes_the_verdict_away(
    kind: str, change: Mapping[str, Any], written: Written, recorder: Recorder
) -> None:
    check = {**TRUE[kind], "control": {"description": "harmless", "change": change}}
    report = _report(written, check, recorder)
    found = _only(report)
    assert (found.verdict, found.finding.verdict, found.as_expected) == (INCONCLUSIVE, WITHIN, None)
    assert found.because == "no power: the control (harmless) is within, expected outside"
    assert report.exit_status == 4
    assert _report(written, check, recorder, strict=False).exit_status == 0


def test_the_worst_adversary_decides(written: Written, recorder: Recorder) -> None:
    """Noise alone keeps the false bound m^(1/2); the search among the kinks breaks it."""
    prediction = {"kind": "exponent", "exponent": 0.5, "tolerance": 0.09, **REASON}
    assert _only(_report(written, {**NOISE, "prediction": prediction}, recorder)).verdict is WITHIN
    found = _only(_report(written, {**TRUE["exponent"], "prediction": prediction}, recorder))
    assert found.verdict is OUTSIDE
    assert (found.worst_adversary or "").startswith("kinks (")


def test_a_diverging_claim_is_outside_and_shows_why(written: Written, recorder: Recorder) -> None:
    check = {
        **TRUE["growth"],
        "problem": {"width": 40, "n_sequences": 1, "weight_variance": 1e200},
        "control": {"description": "more", "change": {"problem": {"weight_variance": 1e250}}},
    }
    found = _only(_report(written, check, recorder))
    assert found.verdict is OUTSIDE
    assert "diverged" in found.because


def test_estimates_come_near_the_truth_of_the_paper(written: Written, recorder: Recorder) -> None:
    flips = _only(_report(written, TRUE["exponent"], recorder)).finding.estimate
    assert isinstance(flips, Exponent)
    assert flips.value == pytest.approx(2 / 3, abs=0.05)
    frontier = _only(_report(written, TRUE["frontier"], recorder)).finding.estimate
    assert isinstance(frontier, Frontier)
    assert frontier.value == pytest.approx(1.0, abs=0.25)  # log-norms of independent layers scatter like sqrt(L/m)
