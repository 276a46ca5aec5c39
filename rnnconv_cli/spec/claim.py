"""The claim file as values: closed, strict, frozen models, one for each section of a check.

A check is one measurable statement: a problem, a sweep over one parameter (or along one declared path), a quantity,
exactly one of seven kinds of prediction, and a control that must turn its verdict. Only what a single model can know is
checked here; what spans sections (grid lengths, replicates, swept parameters) is checked in `rules.py`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
MAX_CHECKS = 200
MAX_EXHIBITS = 100

Fragment = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
Sentence = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]

Parameter = Literal[
    "width", "horizon", "n_sequences", "separation", "output_dim",
    "tau0", "size",
    "sparsity", "rows", "threshold", "margin", "kick", "deviation",
    "decades", "steps",
]  # fmt: skip
PathParameter = Literal["width", "horizon", "n_sequences", "separation"]
ProfileName = Literal["quick", "full"]
VerdictWord = Literal["within", "outside", "inconclusive"]
Precondition = Literal["unit-first-token", "token-norms", "separation", "gram-schmidt", "step-size"]

ALL_PRECONDITIONS: tuple[Precondition, ...] = (
    "unit-first-token",
    "token-norms",
    "separation",
    "gram-schmidt",
    "step-size",
)


class Model(BaseModel):
    """Base of every section: strict types, no unknown keys, no NaN or infinity, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Model):
    """Where the statement stands."""

    paper: Annotated[str, Field(max_length=200)] = "arXiv:1810.12065v4"
    statement: Annotated[str, Field(min_length=1, max_length=200)]
    page: Annotated[str, Field(max_length=20)] = ""

    @property
    def text(self) -> str:
        """Paper, statement and place: a page, or a section such as `App. B`."""
        place = f"p. {self.page}" if self.page[:1].isdigit() else self.page
        return ", ".join(part for part in (self.paper, self.statement, place) if part)


class Law(Model):
    """A number that follows another parameter: max(at_least, coefficient * parameter**power)."""

    coefficient: Positive
    parameter: Literal["width", "horizon", "n_sequences", "separation", "output_dim"]
    power: float
    at_least: float = 0.0

    def at(self, value: float) -> float:
        """The law's value where its parameter has the given value [1]; infinite where float64 cannot hold it."""
        try:
            return max(self.at_least, self.coefficient * math.pow(value, self.power))
        except OverflowError:
            return math.inf


Number = Positive | Law


class Problem(Model):
    """Network and data, in the paper's terms (Section 2.1, Definition 2.3). Swept parameters are left out."""

    width: Count | None = None
    horizon: Count | None = None
    n_sequences: Count | None = None
    input_dim: Annotated[int, Field(ge=2, le=10_000)] = 16
    output_dim: Annotated[int, Field(ge=1, le=10_000)] = 1
    separation: Annotated[float, Field(gt=0, le=1)] | None = 0.5
    later_tokens: Literal["fresh", "shared", "zero"] = "fresh"
    labels: Literal["random", "signs", "teacher"] = "random"
    copies: Count = 1
    copy_labels: Literal["independent", "opposite"] = "independent"
    weight_variance: Positive = 2.0
    output_variance: Literal["1/d", "1/m"] = "1/d"
    activation: Literal["relu", "linear", "tanh"] = "relu"
    layers: Literal["shared", "independent"] = "shared"
    dtype: Literal["float64", "float32"] = "float64"


class InverseLambdaMax(Model):
    """Step size c / lambda_max of the tangent Gram matrix at initialisation."""

    over_lambda_max: Positive


class Training(Model):
    """A descent run: method, step size, and when it ends."""

    method: Literal["gd", "sgd"] = "gd"
    batch_size: Count = 1
    learning_rate: Positive | Law | InverseLambdaMax
    max_steps: Annotated[int, Field(ge=1, le=10_000_000)]
    accuracy: Annotated[float, Field(gt=0, lt=1)] = 1.0e-4
    objective: Literal["loss", "excess-over-floor"] = "loss"


class Perturbation(Model):
    """W' with ||W'||_2 = tau0/sqrt(m), or of a given absolute size; the worst over the adversaries is judged."""

    tau0: Number | None = None
    size: Number | None = None
    adversaries: Annotated[tuple[Fragment, ...], Field(min_length=1, max_length=100)]
    around: Literal["initial", "displaced"] = "initial"
    worst: Literal["largest", "smallest"] = "largest"


class Probe(Model):
    """Numbers that a quantity is measured with, besides network, training and perturbation."""

    sparsity: Number | None = None  # k: nonzeros of a sparse vector, or rows whose pattern is changed in every layer
    rows: Number | None = None  # |N|: rows that are kicked or looked at
    threshold: Number | None = None  # b_-: |g_k| <= b_-/sqrt(m) is near a kink
    margin: Number | None = None  # b_+: |g_k| >= b_+/sqrt(m) is away from one
    kick: Number | None = None  # theta: size of the kick of one row
    deviation: Number | None = None  # epsilon or alpha: how far from its typical value a number may be
    search: Literal["random", "adversarial"] = "random"  # how supports are chosen


class Search(Model):
    """Where a frontier looks for m*, in rounds: among the widths 2^(j/8) from least to most.

    Rounds end where the interval of log m* is predicted to be `precision` wide on either side, or with the replicates.
    """

    least: Count
    most: Count
    precision: Annotated[float, Field(gt=0, le=1)] = 0.1


class Profile(Model):
    """How much to measure: the grid of the swept parameter and the draws at each of its points.

    A frontier draws every one of `widths`, or searches: then `replicates` are the most draws at one width.
    """

    grid: Annotated[tuple[Positive, ...], Field(max_length=1000)] = ()
    replicates: Annotated[int, Field(ge=1, le=100_000)]
    widths: Annotated[tuple[Count, ...], Field(max_length=1000)] = ()
    search: Search | None = None


class Sweep(Model):
    """What varies. A path lets other parameters follow the swept one, e.g. width = max(256, 4 L^2)."""

    parameter: Parameter | None = None
    path: dict[PathParameter, Law] = {}
    quick: Profile
    full: Profile


class ExponentPrediction(Model):
    """quantity <= C * p^exponent (side upper) or >= (side lower), up to log^log_power p."""

    kind: Literal["exponent"]
    side: Literal["upper", "lower"] = "upper"
    exponent: float
    log_power: Annotated[float, Field(ge=0)] = 0.0
    tolerance: Annotated[float, Field(ge=0)]
    reason: Sentence


class AttainmentPrediction(Model):
    """The exponent is reached: |measured - exponent| <= tolerance."""

    kind: Literal["attainment"]
    exponent: float
    tolerance: Positive
    reason: Sentence


class GrowthPrediction(Model):
    """Polynomial, not exponential: r in log q = a + e log p + r p stays within `rate`, whose unit is one over p's."""

    kind: Literal["growth"]
    side: Literal["upper", "lower", "both"] = "both"
    rate: Positive
    reason: Sentence


class EventPrediction(Model):
    """quantity <= bound (side upper) or >= bound (side lower) holds with at least this probability."""

    kind: Literal["event"]
    side: Literal["upper", "lower"] = "upper"
    bound: float
    probability: Annotated[float, Field(gt=0, lt=1)]
    reason: Sentence


class IdentityPrediction(Model):
    """An exact formula: relative error at most rounding_units * machine epsilon * problem size."""

    kind: Literal["identity"]
    rounding_units: Positive
    reason: Sentence


class DecayPrediction(Model):
    """Geometric convergence: log(steps per further decade) grows by at most `tolerance` per decade on the tail."""

    kind: Literal["decay"]
    tail: Annotated[int, Field(ge=3, le=20)] = 4
    tolerance: Positive
    reason: Sentence


class FrontierPrediction(Model):
    """Smallest width at which an event holds with this probability; an exponent to judge against, or none."""

    kind: Literal["frontier"]
    side: Literal["upper", "lower"] = "upper"
    bound: float
    probability: Annotated[float, Field(gt=0, lt=1)]
    exponent: float | None = None
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    reason: Sentence


Prediction = Annotated[
    ExponentPrediction
    | AttainmentPrediction
    | GrowthPrediction
    | EventPrediction
    | IdentityPrediction
    | DecayPrediction
    | FrontierPrediction,
    Field(discriminator="kind"),
]


class Control(Model):
    """The same check under a change that must turn its verdict: `change` is laid over the check, section by section."""

    description: Sentence
    change: dict[str, Any]
    expected: VerdictWord = "outside"


class Exhibit(Model):
    """A quantity shown beside the check, without a verdict: the check with `change` laid over it."""

    id: Fragment
    description: Sentence
    change: dict[str, Any]


class Arm(Model):
    """What is measured and what is predicted of it: the part of a check that a control or an exhibit may change."""

    quantity: Fragment
    problem: Problem
    training: Training | None = None
    perturbation: Perturbation | None = None
    probe: Probe | None = None
    sweep: Sweep
    prediction: Prediction
    preconditions: Annotated[tuple[Precondition, ...], Field(max_length=len(ALL_PRECONDITIONS))] = ALL_PRECONDITIONS


class Check(Arm):
    """One measurable statement with its own control."""

    id: Fragment
    statement: Sentence
    source: Source
    status: Literal["theorem", "conjecture", "misprint", "derived"] | None = None
    control: Control
    beside: Annotated[tuple[Exhibit, ...], Field(max_length=MAX_EXHIBITS)] = ()
    expected: VerdictWord = "within"
    notes: Annotated[str, Field(max_length=20_000)] = ""


class Claim(Model):
    """An assertion of a paper, with the checks that decide it."""

    schema_version: Annotated[int, Field(alias="schema", ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    id: Fragment
    title: Annotated[str, Field(min_length=1, max_length=200)]
    source: Source
    statement: Sentence
    status: Literal["theorem", "conjecture", "misprint", "derived"] = "theorem"
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=MAX_CHECKS)]
    notes: Annotated[str, Field(max_length=20_000)] = ""
