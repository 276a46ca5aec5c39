"""The frozen records that cross layers, in the order of the data-flow. Read this file first.

A claim file becomes trials; a trial becomes readings; readings become observations (one long table); the observations
of one check become estimates with intervals; an estimate and a prediction become a finding; findings become a report.
Nothing here computes, and nothing here needs NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the interval says of the prediction."""

    WITHIN = "within"
    OUTSIDE = "outside"
    INCONCLUSIVE = "inconclusive"
    MEASURED = "measured"  # a frontier without a prediction: a number, not a judgement


class Status(StrEnum):
    """What became of one measured number. Only `ok` values enter a fit; every status stays in the table."""

    OK = "ok"
    DIVERGED = "diverged"  # not finite, or above the blow-up limit
    NOT_REACHED = "not-reached"  # the target was not met within the declared number of steps: T = infinity
    ZERO = "zero"  # a count or norm that is exactly zero: no logarithm
    ROUND_OFF = "round-off"  # at the floor of floating-point arithmetic
    OUT_OF_REGIME = "out-of-regime"  # a precondition of the statement does not hold at this trial
    FAILED = "failed"  # the measurement itself could not be carried out; `detail` says why


MAIN, CONTROL = "main", "control"  # the arms that every check has; an exhibit's arm is its own id
TANGENT = "tangent-"  # begins the id of every exhibit that a descent check has without being asked
LARGEST_NUMBER = 1e300  # arithmetic on what is beyond does not stay finite: it is taken for infinite
AGAINST_THE_CLAIM = frozenset({Status.DIVERGED, Status.NOT_REACHED})


# --- what is drawn and what is measured -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProblemSetting:
    """One network and one data set, as numbers: everything a seed is turned into arrays with (Section 2.1, Def 2.3)."""

    width: int  # m
    horizon: int  # L
    n_sequences: int  # n
    input_dim: int  # d_x
    output_dim: int  # d
    separation: float  # delta: distance of the closest pair of first tokens
    later_tokens: str  # fresh | shared | zero
    labels: str  # random | signs | teacher
    copies: int  # how many sequences are identical to the first one, itself included (1: none)
    copy_labels: str  # independent | opposite
    weight_variance: float  # c in N(0, c/m)
    output_variance: str  # 1/d | 1/m
    activation: str  # relu | linear | tanh
    layers: str  # shared (a recurrent network) | independent (feed-forward: one W per layer)
    dtype: str  # float64 | float32


@dataclass(frozen=True, slots=True)
class TrainingSetting:
    """How a descent run is carried out and when it stops."""

    method: str  # gd | sgd
    batch_size: int  # sequences per step; n_sequences for gd
    learning_rate: float  # in the unit below
    learning_rate_unit: str  # absolute | inverse-lambda-max (of the tangent Gram matrix at initialisation)
    max_steps: int  # T_max: a target not reached by then counts as never reached
    accuracy: float  # epsilon, relative to the initial loss
    objective: str  # loss | excess-over-floor (the floor that clashing copies dictate)


@dataclass(frozen=True, slots=True)
class PerturbationSetting:
    """One perturbation W' of given spectral norm."""

    size: float  # ||W'||_2
    adversary: str
    around: str  # initial (at W0) | displaced (at W0 plus a random matrix of spectral norm 1/sqrt(m))


@dataclass(frozen=True, slots=True)
class ProbeSetting:
    """Numbers that a quantity is measured with, besides network, training and perturbation; None where it has none."""

    sparsity: float | None = None  # k: nonzeros of a sparse vector, or rows whose pattern is changed in every layer
    rows: float | None = None  # |N|: rows that are kicked or looked at
    threshold: float | None = None  # b_-: |g_k| <= b_-/sqrt(m) is near a kink
    margin: float | None = None  # b_+: |g_k| >= b_+/sqrt(m) is away from one
    kick: float | None = None  # theta: size of the kick of one row
    deviation: float | None = None  # epsilon or alpha: how far from its typical value a number may be
    search: str = "random"  # random | adversarial: how supports are chosen


@dataclass(frozen=True, slots=True)
class Trial:
    """One point times one draw: all that a measured number depends on, besides code and machine."""

    quantity: str
    problem: ProblemSetting
    training: TrainingSetting | None
    perturbation: PerturbationSetting | None
    probe: ProbeSetting | None
    read_at: tuple[int, ...]  # decades k (targets f <= 10^-k f_0) or steps t at which one run is read; else empty
    preconditions: tuple[str, ...]
    replicate: int
    seed: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One number that a measurement returns. `point` is set where one trial is read at several decades or steps."""

    value: float | None
    status: Status = Status.OK
    point: float | None = None
    curve: tuple[tuple[int, float], ...] = ()  # (step, f_t / f_0), at most 200 log-spaced steps
    detail: str = ""  # for people: which preconditions are broken, why a measurement failed


@dataclass(frozen=True, slots=True)
class Observation:
    """A reading with its place in one check: a row of the long table."""

    arm: str  # main | control | the id of an exhibit
    point: float  # value of the swept parameter (1 where nothing is swept)
    adversary: str | None
    trial: Trial
    key: str  # of the trial: the first digits of its digest, by which it is named and found
    value: float | None
    status: Status
    curve: tuple[tuple[int, float], ...] = ()
    detail: str = ""


# --- what statistics make of it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """The value of one replicate at one point, after the envelope over adversaries. `value` is None unless ok."""

    value: float | None
    status: Status


@dataclass(frozen=True, slots=True)
class Table:
    """A check's observations as replicates times points: what every estimator takes."""

    parameter: str
    points: tuple[float, ...]  # ascending
    rows: tuple[tuple[Cell, ...], ...]  # [replicate][point]


@dataclass(frozen=True, slots=True)
class Exponent:
    """Power of a parameter: mean of per-replicate log-log slopes with a Student t interval."""

    value: float
    low: float
    high: float
    level: float
    points: tuple[float, ...]  # the points that were fitted
    replicates: int
    local: tuple[float, ...]  # slope of the means of logs between adjacent points
    without_first: tuple[float, float, float]  # value, low, high of the fit without the smallest point
    without_last: tuple[float, float, float]
    curvature_p: float  # two-sided p-value of the quadratic term in log-log
    scatter: float  # standard deviation of the per-replicate slopes


@dataclass(frozen=True, slots=True)
class Growth:
    """Exponential rate r in log q = a + e log p + r p: mean of per-replicate rates, Student t interval."""

    value: float  # r, per unit of the parameter
    low: float
    high: float
    level: float
    points: tuple[float, ...]
    replicates: int
    exponent: float  # the power e that is fitted beside r
    local: tuple[float, ...]
    scatter: float


@dataclass(frozen=True, slots=True)
class Probability:
    """Share of replicates in which an inequality holds, with the exact Clopper-Pearson interval."""

    value: float
    low: float
    high: float
    level: float
    holds: int
    trials: int


@dataclass(frozen=True, slots=True)
class IdentityError:
    """Largest relative error of an exact formula over all trials, in units of epsilon times the problem size."""

    value: float
    allowed: float  # k
    trials: int


@dataclass(frozen=True, slots=True)
class Decay:
    """Growth of log(steps per further decade) on the tail, per decade: 0 for a geometric rate."""

    value: float
    low: float
    high: float
    level: float
    tail: tuple[int, ...]  # the decades that were used
    replicates: int
    steps_per_decade: tuple[float, ...]  # geometric mean over replicates for each tail decade
    rate: float  # tail contraction of the loss per step: 1 - 10^(-1/steps), geometric mean
    rate_low: float
    rate_high: float
    scatter: float


@dataclass(frozen=True, slots=True)
class Frontier:
    """Smallest width m*(p) at which an event holds with probability q, and the power of p it grows with."""

    value: float | None  # exponent of m*(p); None with a single p
    low: float | None
    high: float | None
    level: float
    points: tuple[float, ...]
    widths: tuple[float, ...]  # m*(p) for each p
    widths_low: tuple[float, ...]
    widths_high: tuple[float, ...]
    groups: int
    local: tuple[float, ...]
    scatter: float


@dataclass(frozen=True, slots=True)
class Price:
    """m*(p) of a check over m*(p) of an exhibit: what their difference costs in width, at each p and on average [1]."""

    value: float | None  # geometric mean over the points at which both are inside their range of widths; None without
    low: float | None
    high: float | None
    level: float
    points: tuple[float, ...]
    ratios: tuple[float, ...]
    ratios_low: tuple[float, ...]
    ratios_high: tuple[float, ...]


Estimate = Exponent | Growth | Probability | IdentityError | Decay | Frontier


# --- what is concluded ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inequality:
    """What an event or a frontier counts: the draws on one side of a bound, and the share of them that is wanted."""

    side: str  # upper | lower: the quantity is at most the bound, or at least
    bound: float
    probability: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction in the words of a result: the side that is allowed, the number, the declared excess."""

    kind: str
    side: str  # upper | lower | both
    number: float | None  # exponent, probability, rate, or number of rounding units, by kind
    number_name: str  # exponent | probability | rate | rounding-units
    tolerance: float
    earned: float  # what a log factor in the bound adds on this grid; 0 without one
    text: str  # for the table, e.g. "m^<=0.333 (+0.10)"
    counted: Inequality | None = None  # of an event and of a frontier
    reason: str = ""  # why these numbers, as the claim file has it


@dataclass(frozen=True, slots=True)
class Finding:
    """One arm of a check, judged."""

    verdict: Verdict
    because: str
    estimate: Estimate | None
    slack: float | None  # predicted (and earned) minus measured, > 0 on the allowed side; None where it has no meaning
    settle: str  # what would settle an inconclusive finding; else empty


@dataclass(frozen=True, slots=True)
class ControlResult:
    """The same check under a change that must turn its verdict."""

    description: str
    quantity: str  # the check's, or one that stands in for it
    definition: str
    expected: Verdict
    finding: Finding
    as_expected: bool


@dataclass(frozen=True, slots=True)
class ExhibitResult:
    """A quantity shown beside a check, without a verdict: its median and range over replicates at the last point.

    Beside a frontier it is a frontier too, and what the check's m* is in units of its own.
    """

    id: str
    description: str
    parameter: str | None
    point: float
    median: float | None
    low: float | None
    high: float | None
    counts: tuple[tuple[str, int], ...]  # (status, how many trials)
    estimate: Frontier | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check, decided."""

    id: str
    source: str
    statement: str
    quantity: str
    definition: str  # of the quantity, with its unit
    parameter: str | None
    path: str  # what follows the swept parameter, e.g. "m = max(256, 4 L^2)"; empty where nothing does
    kind: str
    status: str  # theorem | conjecture | misprint | derived
    verdict: Verdict
    expected: Verdict
    as_expected: bool | None  # None where inconclusive or only measured
    because: str
    predicted: Predicted
    finding: Finding  # the main arm alone; `verdict` also weighs the control
    control: ControlResult
    exhibits: tuple[ExhibitResult, ...]
    worst_adversary: str | None
    observations: tuple[Observation, ...]
    notes: str
    worst: str = "largest"  # largest | smallest: which value counts of those that the adversaries reach


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim, decided: outside if a check is, else inconclusive if one is, else within."""

    id: str
    title: str
    source: str
    statement: str
    digest: str  # SHA-256 of the parsed claim
    verdict: Verdict
    expected: Verdict
    as_expected: bool | None
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """What may differ between two runs of one seed: machine, versions, command."""

    facts: tuple[tuple[str, str | int | float | bool | None], ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall-clock seconds by phase."""

    seconds: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """What a budget takes of one arm's profile, and what it leaves out."""

    claim: str
    check: str
    arm: str  # main | control | the id of an exhibit
    parameter: str | None
    grid: tuple[float, ...]
    replicates: int
    grid_left_out: tuple[float, ...]
    replicates_left_out: int


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """What a run measures within a budget of time: chosen before anything was measured."""

    seconds: float  # of wall-clock time that were asked for
    jobs: int  # on so many cores
    inflation: float  # predicted half-widths of main runs and controls over those of the whole profile, at most [1]
    arms: tuple[ArmPlan, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a claim file declares a claim, or one of its checks."""

    claim: str
    check: str  # empty for the claim itself
    path: str  # as whoever has run it would open it
    line: int  # counted from 1


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a run has found: the one thing that every output format is made from."""

    tool_version: str
    profile: str
    seed: int
    backend: str
    exit_status: int
    exit_reasons: tuple[str, ...]  # every reason that applies, most important first
    claims: tuple[ClaimResult, ...]
    environment: Environment
    timing: Timing
    plan: BudgetPlan | None = None  # None for the whole profile
    places: tuple[Place, ...] = ()  # of its claims and checks, so that a message can lead there


# --- what is kept of a run, and compared with later ones --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptNumber:
    """One number of an arm with its interval. What is None is not known, out of reach, or an open end."""

    name: str  # exponent | rate | probability | error | steps-growth | "m* at 8"
    value: float | None
    low: float | None
    high: float | None
    scatter: float | None  # standard deviation over replicates
    by_ratio: bool = False  # it is positive, and its logarithm has the symmetric interval


LEAST_KEPT_LEVEL = 0.01  # of an interval: below, its half-width is next to nothing of a standard error
MOST_DRAWS = 10**6  # of an event that is compared: an exact test lists them all


@dataclass(frozen=True, slots=True)
class KeptArm:
    """The numbers of one arm of a check, and what they were made from."""

    verdict: Verdict
    kind: str  # of the estimate, as a document names it; empty where there is none
    points: tuple[float, ...]  # that were fitted
    level: float | None  # of the intervals
    count: int  # replicates, trials or groups: what the intervals are made over
    holds: int | None  # of an event: in how many of them
    trials: str  # digest of all trials that were asked for: equal for the same seed, grid and draws
    numbers: tuple[KeptNumber, ...]
    draws: int = 0  # replicates that were measured; 0 where nobody has kept it
    left_out: int = 0  # replicates of the profile that a budget has taken away


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """A check as a baseline keeps it, with what may be declared for it there."""

    claim: str
    id: str
    verdict: Verdict
    main: KeptArm
    control: KeptArm
    threshold: float | None = None  # the smallest change of interest, in the number's unit
    noise: float | None = None  # a difference up to it is none, in the number's unit


@dataclass(frozen=True, slots=True)
class Revision:
    """One rewriting of a baseline: when, why, and the SHA-256 of the file that it replaced."""

    date: str
    reason: str
    digest: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The numbers of a run that later ones are compared with."""

    date: str
    tool_version: str
    profile: str
    seed: int
    backend: str
    conditions: tuple[tuple[str, str], ...]  # what the numbers depend on besides their trials, as named facts
    claims: tuple[tuple[str, str], ...]  # id and digest
    checks: tuple[KeptCheck, ...]
    threshold: float = 0.0  # for every check that declares none
    noise: float = 0.0
    history: tuple[Revision, ...] = ()


class Outcome(StrEnum):
    """What a comparison says of one number."""

    SAME = "same"
    CHANGED = "changed"
    UNTESTED = "not tested"  # an extreme: at another seed it has no distribution to be tested by
    NOT_COMPARED = "not compared"  # one side has no such number, or one without an interval


class Rule(StrEnum):
    """What decides whether a number has changed."""

    BITS = "bits"  # the same trials under the same conditions
    ROUND_OFF = "round-off"  # the same trials under others
    TEST = "test"  # other trials: both intervals
    DRIFT = "drift"  # over several baselines


@dataclass(frozen=True, slots=True)
class Change:
    """One number then and now."""

    claim: str
    check: str
    arm: str  # main | control
    number: str
    outcome: Outcome
    rule: Rule
    then: float | None = None
    now: float | None = None
    difference: float | None = None  # now minus then, in the number's unit; of a ratio, its logarithm
    allowed: float = 0.0  # what round-off or declared noise may make of it, in the same unit
    half_width: float | None = None  # of the interval then, in the same unit
    p: float | None = None  # of the test, corrected for all tests of the run [1]
    by_ratio: bool = False
    because: str = ""  # why it was not compared, or what else has changed


@dataclass(frozen=True, slots=True)
class VerdictMove:
    """A check with another verdict than before; it contradicts where one is within and the other outside."""

    claim: str
    check: str
    then: Verdict
    now: Verdict

    @property
    def contradicts(self) -> bool:
        """Whether one run says the opposite of the other."""
        return {self.then, self.now} == {Verdict.WITHIN, Verdict.OUTSIDE}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What has become of the numbers of a baseline."""

    changes: tuple[Change, ...]  # every number of both
    drifts: tuple[Change, ...]  # numbers that have gone one way over several baselines
    verdicts: tuple[VerdictMove, ...]
    only_then: tuple[str, ...]  # checks, as claim/check
    only_now: tuple[str, ...]
    differs: tuple[str, ...]  # conditions, in words
    baselines: int
    error: float  # chance of a false alarm among the tests of the run, at most [1]
    other_runs: tuple[str, ...] = ()  # in what the runs differ besides conditions: seed, profile, claims; in words
