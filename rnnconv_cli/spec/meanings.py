"""What every key of a claim file means: for the JSON Schema, which an editor shows, and for the manual.

Kept beside the models and not in them, so that `claim.py` can be read as the list of forms that it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from rnnconv_cli.spec.claim import (
    AttainmentPrediction,
    Check,
    Claim,
    Control,
    DecayPrediction,
    EventPrediction,
    Exhibit,
    ExponentPrediction,
    FrontierPrediction,
    GrowthPrediction,
    IdentityPrediction,
    InverseLambdaMax,
    Law,
    Perturbation,
    Probe,
    Problem,
    Profile,
    Search,
    Source,
    Sweep,
    Training,
)

_KIND = "Which kind of prediction this is."
_TOLERANCE = "How far beyond the predicted number the interval may lie [1]."
_REASON = "Why these numbers, in words: where the tolerance, rate, bound and share come from."
_BOUND = "What the quantity of one draw is held against, in the quantity's own unit."

MEANINGS: Mapping[type[BaseModel], Mapping[str, str]] = {
    Claim: {
        "schema": "The version of this format.",
        "id": "The claim's name: what `rnnconv verify` and every report call it.",
        "title": "The assertion in one line.",
        "source": "Where the assertion stands.",
        "statement": "The assertion in your own words: for which sizes, with which probability.",
        "status": "What the assertion is: proved, conjectured, a slip of the print, or derived from what is proved.",
        "checks": "The measurable statements that decide the claim.",
        "notes": "What a reader should know. Nothing is computed from it.",
    },
    Source: {
        "paper": "The paper and its version.",
        "statement": "The number of the theorem, lemma or equation.",
        "page": "The page, or the section where no page is at hand.",
    },
    Check: {
        "id": "The check's name: a fragment of a sentence that can be false.",
        "statement": "The statement in words.",
        "source": "Where the statement stands.",
        "status": "The status of this statement, where it is not that of the claim.",
        "quantity": "What is measured of each draw: a name of the table of quantities.",
        "problem": "Network and data.",
        "training": "The descent run, for quantities that need one.",
        "perturbation": "The change W' of the weights, for quantities that need one.",
        "probe": "Numbers that the quantity is measured with, for quantities that need some.",
        "sweep": "What varies, and how much is measured in each profile.",
        "prediction": "What the measured number is laid against.",
        "preconditions": "What must hold of a trial before it counts. A trial that breaks one is out of regime.",
        "control": "The same check under a change that must turn its verdict.",
        "beside": "Quantities that are shown beside the check, without a verdict.",
        "expected": "The verdict that the check is known to have. A run that finds another one exits with 3.",
        "notes": "What a reader should know. Nothing is computed from it.",
    },
    Problem: {
        "width": "m, the number of hidden units. Left out where it is swept or follows a path.",
        "horizon": "L, the number of tokens of a sequence: at least 2. Left out where it is swept or follows a path.",
        "n_sequences": "n, the number of training sequences. Left out where it is swept or follows a path.",
        "input_dim": "d_x, the dimension of a token.",
        "output_dim": "d, the dimension of an output.",
        "separation": "δ, the distance of the closest pair of first tokens. Null where it is swept or follows a path.",
        "later_tokens": "Tokens after the first: unit vectors drawn afresh, the same for all sequences, or zero.",
        "labels": "Gaussian of norm about 1, entries of ±1, or the outputs of another network of width 64.",
        "copies": "How many sequences are the same one, itself included; 1 for none.",
        "copy_labels": "Labels of the copies: drawn for each, or y and −y in turn.",
        "weight_variance": "c in N(0, c/m), the entries of W and A. The paper has 2.",
        "output_variance": "The variance of the entries of B. The paper has 1/d.",
        "activation": "What makes a hidden state of a pre-activation. The paper has relu.",
        "layers": "One W for all tokens, as in a recurrent network, or another one for each.",
        "dtype": "The floating-point type that is computed in.",
    },
    Training: {
        "method": "Gradient descent with all sequences, or stochastic with a batch in each step.",
        "batch_size": "Sequences in a batch, for sgd.",
        "learning_rate": "The step size η: a number, a law, or a multiple of the inverse of the kernel's eigenvalue.",
        "max_steps": "T_max: a target that is not met by then counts as never met.",
        "accuracy": "ε: the target is a loss of ε times the loss at the start [1].",
        "objective": "What is measured in decades: the loss, or its excess over the least that clashing copies allow.",
    },
    InverseLambdaMax: {
        "over_lambda_max": "c in η = c / λ_max, the largest eigenvalue of the tangent Gram matrix at the start [1].",
    },
    Law: {
        "coefficient": "The factor, in whatever unit the number has.",
        "parameter": "The parameter that is followed.",
        "power": "The power of that parameter [1].",
        "at_least": "What the number does not fall below.",
    },
    Perturbation: {
        "tau0": "τ₀, the size times √m: ‖W'‖₂ = τ₀/√m. Exactly one of tau0 and size, unless it is swept.",
        "size": "‖W'‖₂ itself.",
        "adversaries": "Who looks for the worst W': names of the table of adversaries.",
        "around": "Where W' is added: at the initialisation, or at a random point of spectral norm 1/√m from it.",
        "worst": "Which value counts of those that the adversaries reach.",
    },
    Probe: {
        "sparsity": "k: nonzeros of a sparse vector, or rows whose pattern is changed in every layer.",
        "rows": "|N|: rows that are kicked or looked at.",
        "threshold": "b₋: a unit with |g| ≤ b₋/√m is near its kink.",
        "margin": "b₊: a unit with |g| ≥ b₊/√m is away from its kink.",
        "kick": "θ: the size of the kick of one row.",
        "deviation": "How far from its typical value a number may be [1].",
        "search": "How supports are chosen: at random, or to be the worst.",
    },
    Sweep: {
        "parameter": "The one parameter that varies. Left out for an event and an identity.",
        "path": "Parameters that follow the swept one, each by a law in it.",
        "quick": "How much `--profile quick` measures.",
        "full": "How much `--profile full` measures.",
    },
    Profile: {
        "grid": "The values of the swept parameter, ascending.",
        "replicates": "Draws at each point; in a search, the most draws at one width.",
        "widths": "Of a frontier: the widths that are all drawn.",
        "search": "Of a frontier, instead of `widths`: where widths are chosen in rounds.",
    },
    Search: {
        "least": "The smallest width that may be tried.",
        "most": "The largest width that may be tried.",
        "precision": "The half-width of the interval of log m* at which the search ends [1].",
    },
    ExponentPrediction: {
        "kind": _KIND,
        "side": "upper: at most C p^exponent; lower: at least. C is any constant.",
        "exponent": "The predicted power of the swept parameter [1].",
        "log_power": "k, where the bound has a factor log^k p.",
        "tolerance": _TOLERANCE,
        "reason": _REASON,
    },
    AttainmentPrediction: {
        "kind": _KIND,
        "exponent": "The power of the swept parameter that must be reached [1].",
        "tolerance": "How far the interval may lie from it on either side [1].",
        "reason": _REASON,
    },
    GrowthPrediction: {
        "kind": _KIND,
        "side": "upper: it does not grow exponentially; lower: nor vanish; both: neither.",
        "rate": "The largest exponential rate allowed, in one over the swept parameter's unit.",
        "reason": _REASON,
    },
    EventPrediction: {
        "kind": _KIND,
        "side": "upper: the draw's quantity is at most the bound; lower: at least.",
        "bound": _BOUND,
        "probability": "The probability with which the inequality must hold.",
        "reason": _REASON,
    },
    IdentityPrediction: {
        "kind": _KIND,
        "rounding_units": "How large the relative error may be, in machine epsilons times the problem's size.",
        "reason": _REASON,
    },
    DecayPrediction: {
        "kind": _KIND,
        "tail": "How many of the last decades of the loss are looked at.",
        "tolerance": "How much log(steps for a further decade) may grow from one decade to the next [1].",
        "reason": _REASON,
    },
    FrontierPrediction: {
        "kind": _KIND,
        "side": "upper: a draw holds where its quantity is at most the bound; lower: at least.",
        "bound": _BOUND,
        "probability": "The probability with which draws must hold at the width m* that suffices.",
        "exponent": "The power of the swept parameter that m* grows with at most; none for a measurement alone [1].",
        "tolerance": _TOLERANCE,
        "reason": _REASON,
    },
    Control: {
        "description": "What is changed, and why that must turn the verdict.",
        "change": "Sections and keys that are laid over the check. A null takes a key away.",
        "expected": "The verdict of the changed check that shows that the check has power: not the check's own.",
    },
    Exhibit: {
        "id": "The exhibit's name.",
        "description": "What is shown, in words.",
        "change": "Sections and keys that are laid over the check. A null takes a key away.",
    },
}
