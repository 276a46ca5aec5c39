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
    (
        "claim file",
        "The text file that states a claim: its checks with their predictions and tolerances, what is drawn, the"
        " controls, and the verdicts that are expected. Its profiles, quick and full, say how much is measured.",
    ),
    ("check", "One statement that can be measured: a quantity, what varies, a prediction and a control."),
    (
        "control",
        "The same check under a change that must turn its verdict, such as a wrong variance of the weights. Where a"
        " statement is expected to fail, it is a change that must mend it. If the control does not come out as it must,"
        " the check has not shown that it can tell true from false, and its verdict is undecided.",
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
        " a claim together: their chances to err add up to 5 % at most. Every claim has 5 % of its own."
        " Of a slope or a rate it is Student's, over the slopes of the single draws; of a share of draws, the exact"
        " binomial one; of m*, one from leaving out groups of draws in turn.",
    ),
    (
        "slack",
        "How far the measured number stays from the predicted one, counting what a logarithm in the bound adds."
        " Positive: on the allowed side, so the bound could be tightened by that much. Negative: beyond it, before a"
        " declared tolerance, where there is one. Where the statement says how fast a quantity changes, and sets not"
        " just a limit, the slack is a difference on either side, and the tolerance counts both ways.",
    ),
    ("tolerance", "What the claim file allows beyond the predicted number. Why it is so large stands with each check."),
    (
        "half-width",
        "Half the length of an interval. One that stands among the reasons of a number was planned for, or seen in a"
        " smaller run, with the draws that stand beside it; that of this run is the one of its interval.",
    ),
    ("T_max", "The most steps that a run may take. A target that is not reached by then counts as never reached."),
    (
        "worst case",
        "A statement about every perturbation is tried with several adversaries, which search for a bad one; the worst"
        " at each point counts. A search can miss a worse case, so such a verdict can err on the lenient side. That"
        " holds as well where the settings say of supports that the worst of them were searched for.",
    ),
    (
        "out of regime",
        "A draw that breaks an assumption of the statement. It is counted and kept, and takes no part in the verdict.",
    ),
    (
        "expected",
        "The verdict that the claim file names: a misprint, for example, is expected not to hold. Where it was set"
        " after a run had been seen, the notes of the check say so: there the verdict is less than fresh evidence.",
    ),
    (
        "m, L, n, d, δ, τ₀",
        "Width, sequence length, number of sequences, output dimension, distance of the closest two"
        " first tokens, and size of a perturbation times √m: the letters of the paper.",
    ),
    ("m*", "The smallest width at which an inequality holds with the stated probability."),
)
SYMBOLS = (
    (
        "D",
        "the diagonal matrix of zeros and ones that says which units are active: h = D g. It is the mask, or pattern.",
    ),
    ("W D W … D W", "a product over layers: what a small change of an early state becomes in a later one."),
    (
        "Back (l → a)",
        "B D W … D W from layer l to layer a: how an output at a follows a state at l. Its transpose carries"
        " losses back.",
    ),
    (
        "loss, fake gradient",
        "The vector B h - y of a token is its loss vector. Put other vectors, such as fixed or random ones, in its"
        " place in the formula of the gradient, and it gives the fake gradient.",
    ),
    (
        "W', W~, W-breve",
        "a perturbation; the weights before it; the weights where an inequality is written, W₀ or near it.",
    ),
    ("h', g', D'", "what a perturbation changes in h, g and D."),
    (
        "||·||, ||·||_2, ||·||_F, ||·||_0",
        "Euclidean norm; largest singular value; root of the sum of squares; nonzero entries.",
    ),
    (
        "U",
        "orthonormal vectors that span the states of all sequences up to a layer; (I - U Uᵀ) h is what h has beyond.",
    ),
    (
        "K, λ_max, λ_min",
        "the tangent kernel at W, the Gram matrix of the gradients of all outputs, and its eigenvalues.",
    ),
    ("N", "a set of rows of W, or of units, that a lemma speaks of; |N| is how many."),
    (
        "(i*, l*), N1, N4",
        "a token that a lemma singles out; rows of W that are fixed beforehand; those of N1 whose g is at most b₋/√m in"
        " absolute value at (i*, l*+1), and at least b₊/√m at l*+1 of all other sequences and in all later layers.",
    ),
    ("kink, flip", "where relu bends, at g = 0; a unit flips where a change carries its g across the kink."),
    ("kick θ", "a change of a row of W by a vector of norm θ/√m."),
    ("ρ", "n L d log m: the paper hides powers of it in its constants."),
    ("O(·), Ω(·)", "at most, at least, up to a constant that the paper does not name."),
)
ADVERSARIES = {
    "gaussian": "Independent Gaussian entries: noise, which the others are compared with.",
    "gradient": "Minus the gradient of the network's own loss: where a first step goes.",
    "training-displacement": "Where a descent of the network itself has gone.",
    "kinks": "Flips as many units of the target as the norm allows: those with the smallest |g|.",
    "weighted-kinks": "Flips the units of the target that carry most of the backward signal for their price in norm.",
    "loss-kinks": "Pushes units of the target across their kinks, to where the loss gains most beyond first order.",
    "single-row": "All of the norm on one row of W: that with the smallest |g| at the target.",
    "aligned": "The rank-one matrix along a backward signal and a state, which changes the backward signal most.",
    "linearised-ascent": "Rank-one matrices that change the state of the target most to first order, by ascent.",
    "ascent-hidden": "Ascent on the change of the state itself, from random points and from linearised-ascent.",
    "ascent-flips": "Ascent on a smooth count of the flips, from random points and from kinks.",
    "ascent-product": "Ascent on the change of a product of layers, from random points, kinks, linearised-ascent.",
    "ascent-remainder": "Ascent on what the loss gains beyond first order, from a random point and a constructed one.",
    "ascent-hidden-from-random": "The ascent on the change of the state, from random points alone.",
    "ascent-flips-from-random": "The ascent on a smooth count of the flips, from random points alone.",
    "ascent-product-from-random": "The ascent on the change of a product of layers, from random points alone.",
    "ascent-remainder-from-random": "The ascent on what the loss gains beyond first order, from random points alone.",
    "random-rows": "Moves N random rows of W up or down at random, along the part of the state that is new.",
    "kinked-rows": "Moves the N rows of W with the smallest |g| at the target across their kinks.",
    "rows-of-one-row": "Moves N rows so that what they change adds up in one coordinate of the next state.",
    "rows-of-one-column": "Flips N units so that what they change adds up in one column of the product.",
    "one-coordinate": "Moves the N rows with the largest g, along the one coordinate that moves no state most.",
    "rows-of-one-column-and-output": "Flips N units as rows-of-one-column does, with B in view: the lemma forbids it.",
    "one-coordinate-and-output": "Moves N rows as one-coordinate does, with B in view: the lemma forbids it.",
}
STANDING = {
    "theorem": "of a statement that the paper proves, or of the power in it alone, as its constant is hidden",
    "conjecture": "a conjecture of the paper",
    "misprint": "taken literally as it is printed, although what the paper proves or needs is another",
    "derived": "derived from the paper, which does not state it in this form",
}
STANDINGS = {
    "theorem": "what the paper proves",
    "derived": "what is derived from the paper",
    "conjecture": "a conjecture of the paper",
    "misprint": "a misprint of the paper",
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
    "step-size": "the step size is below 2/λ_max of the tangent kernel: descent on the linearised network is stable",
}
