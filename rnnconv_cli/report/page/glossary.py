"""The words of a page that are the same for every result: verdicts, terms, assumptions."""

from __future__ import annotations

from collections.abc import Mapping

from rnnconv_cli.records import Verdict

SHORT: Mapping[Verdict, str] = {
    Verdict.WITHIN: "holds",
    Verdict.OUTSIDE: "does not hold",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.MEASURED: "measured",
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.WITHIN: "The whole confidence interval of the measured number lies where the statement allows. Of an exact"
    " formula, no error is larger than rounding explains.",
    Verdict.OUTSIDE: "The whole interval lies beyond what the statement allows. Or there is none, as too many draws"
    " diverged, missed their target or gave zero where that contradicts the statement, or as no width that was tried"
    " is sufficient.",
    Verdict.INCONCLUSIVE: "The interval does neither, or the answer hangs on the smallest or the largest size, or too"
    " little could be measured, or a trial failed, or the control did not come out as it must.",
    Verdict.MEASURED: "The claim file states no number to compare with, so that the measured one stands alone.",
}
MUST: Mapping[Verdict, str] = {
    Verdict.WITHIN: "hold",
    Verdict.OUTSIDE: "fail",
    Verdict.INCONCLUSIVE: "stay undecided",
    Verdict.MEASURED: "be a measurement",
}
GLOSSARY = (
    ("check", "One statement that can be measured: a quantity, what varies, a prediction and a control."),
    (
        "control",
        "The same check under a change that must break it, such as a wrong variance of the weights. Where a statement"
        " is expected to fail, it is a change that must mend it. If the control does not come out as it must, the"
        " check has not shown that it can tell true from false, and its verdict is undecided.",
    ),
    ("draw", "One random network with its random data. Each size is drawn several times, so that chance can be seen."),
    (
        "exponent (power)",
        "The e of a quantity that behaves like p^e as a parameter p grows: at e = 1 it doubles with p, at e = 0 it"
        " stays, at e = -0.5 it halves when p grows fourfold. On logarithmic axes, it is the slope of a line.",
    ),
    (
        "interval",
        "Where the true number lies, with the confidence that stands beside it. It is wide enough for all checks of"
        " a claim together: a claim of ten checks does not get ten chances to err.",
    ),
    (
        "slack",
        "How far the measured number stays from the predicted one, counting what a logarithm in the bound adds."
        " Positive: on the allowed side, so the bound could be tightened by that much. Negative: beyond it, before a"
        " declared tolerance, where there is one. Where the statement says how fast a quantity changes, and sets not"
        " just a limit, the slack is a difference on either side, and the tolerance counts both ways.",
    ),
    ("tolerance", "What the claim file allows beyond the predicted number, declared with a reason before the run."),
    (
        "worst case",
        "A statement about every perturbation is tried with several adversaries, which search for a bad one; the worst"
        " at each point counts. A search can miss a worse case, so such a verdict can err on the lenient side.",
    ),
    (
        "out of regime",
        "A draw that breaks an assumption of the statement. It is counted and kept, and takes no part in the verdict.",
    ),
    ("expected", "The verdict that the claim file says beforehand: a misprint, for example, is expected not to hold."),
    (
        "m, L, n, d, δ, τ₀",
        "Width, sequence length, number of sequences, output dimension, distance of the closest two"
        " first tokens, and size of a perturbation times √m: the letters of the paper.",
    ),
    ("m*", "The smallest width at which an inequality holds with the stated probability."),
)
STANDING = {
    "theorem": "proved in the paper",
    "conjecture": "a conjecture of the paper",
    "misprint": "taken literally as it is printed, although the proof shows that it is misprinted",
    "derived": "follows from statements of the paper",
}
SWEPT = {
    "width": "the width m",
    "horizon": "the sequence length L",
    "n_sequences": "the number of sequences n",
    "separation": "the separation δ of first tokens",
    "tau0": "the radius τ₀",
    "size": "the size ‖W'‖ of the perturbation",
    "output_dim": "the output dimension d",
    "sparsity": "the sparsity k",
    "rows": "the number of rows |N|",
    "threshold": "the threshold b₋",
    "margin": "the margin b₊",
    "kick": "the kick θ",
    "deviation": "the allowed deviation ε",
    "decades": "the decade of the loss",
    "steps": "the step t",
}
PRECONDITIONS = {
    "unit-first-token": "first tokens have norm 1 and last coordinate 1/√2",
    "token-norms": "no token has a norm above 1",
    "separation": "first tokens of two sequences are at least δ apart",
    "gram-schmidt": "n L < m",
    "step-size": "the step size is below 2/λ_max of the tangent kernel, beyond which descent is unstable",
}
