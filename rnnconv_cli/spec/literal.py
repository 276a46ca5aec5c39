"""The paper's constants taken literally: what each bound says at the sizes of a claim, and whether that says anything.

The paper hides constants in O(.) and Omega(.); they count as 1 here. All numbers are powers of ten, since most have no
place in floating point. rho = n L d log m, varrho = n L d log(m/epsilon) / delta, logarithms natural (Section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnconv_cli.spec.claim import ProfileName
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.spec.regime import points

DEFAULT_ACCURACY = 1e-4  # epsilon where a claim trains nothing


@dataclass(frozen=True, slots=True)
class Sizes:
    """m, L, n, d, delta and epsilon."""

    width: float
    horizon: float
    n_sequences: float
    output_dim: float
    separation: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One constant: log10 of its value, and why it says nothing at these sizes (empty where it does say something)."""

    name: str
    formula: str
    source: str
    log10: float
    vacuous: str


def widest(claim: LoadedClaim, profile: ProfileName) -> tuple[str, Sizes]:
    """The id of the check with the widest network, and the sizes there."""
    found = [
        (each.check.id, point, each.check.training.accuracy if each.check.training else DEFAULT_ACCURACY)
        for each in claim.checks
        for point in points(each.check, profile)
    ]
    name, point, accuracy = max(found, key=lambda entry: entry[1].width.value)
    return name, Sizes(
        point.width.value,
        point.horizon.value,
        point.n_sequences.value,
        point.output_dim.value,
        point.separation.value,
        accuracy,
    )


def ledger(sizes: Sizes) -> tuple[Entry, ...]:
    """The literal constants at these sizes (Sections 2 to 6, Appendices B, C, D and H)."""
    m, horizon, delta = sizes.width, sizes.horizon, sizes.separation
    log = math.log10
    log_m, log_delta = log(max(math.log(m), math.ulp(1.0))), log(delta)
    load = log(sizes.n_sequences * horizon * sizes.output_dim)
    rho = load + log_m
    varrho = load - log_delta + log(math.log(m / sizes.accuracy))
    digits = log(math.log(1 / sizes.accuracy))
    cap = -6 - 2 * log(horizon) - 3 * log_m
    beta_minus, steps = log_delta - 10 * rho, 59 * rho - 2 * log_delta + digits
    needed = 186 * rho + 100 * varrho - 6 * log_delta
    kinks = beta_minus + log(m) - log(64 * horizon)
    flips, naive = 10 / 3 * log(horizon) + 2 / 3 * log(m), horizon * log(1 + math.sqrt(2))
    movement = 50 * varrho - log(m) / 2
    return (
        Entry("rho", "n L d log m", "Sec. 2", rho, ""),
        Entry("varrho", "n L d log(m/epsilon) / delta", "Sec. 2", varrho, ""),
        Entry(
            "width",
            "rho^186 varrho^100 delta^-6",
            "traced through App. H",
            needed,
            f"m = {m:g} is less" if log(m) < needed else "",
        ),
        Entry(
            "cap on delta",
            "1 / (10^6 L^2 log^3 m)",
            "Lemma B.9",
            cap,
            f"delta = {delta:g} is above it" if log_delta > cap else "",
        ),
        Entry(
            "residual",
            "1 / (2 10^6 L^2 log^3 m)",
            "Lemma B.6",
            cap - log(2),
            "below what any draw comes near" if cap < -3 else "",
        ),
        Entry(
            "gradient, lower",
            "delta m / rho^14",
            "Theorem 3",
            log_delta + log(m) - 14 * rho,
            "" if log_delta - 14 * rho > -3 else "less than a thousandth of m",
        ),
        Entry("gradient, upper", "rho^12 m", "Theorem 3", 12 * rho + log(m), _above(12 * rho, 3, "a thousand times m")),
        Entry("beta_-", "delta / rho^10", "Sec. 6", beta_minus, ""),
        Entry(
            "rows near a kink",
            "beta_- m / (64 L)",
            "Lemma D.2",
            kinks,
            "" if kinks >= 0 else "less than one row",
        ),
        Entry("eta", "delta / (rho^44 m)", "Theorem 1", log_delta - 44 * rho - log(m), ""),
        Entry(
            "steps, from",
            "rho^59 log(1/epsilon) / delta^2",
            "Theorem 1",
            steps,
            _above(steps, 9, "a billion steps"),
        ),
        Entry(
            "steps, to",
            "rho^59 varrho^28 log(1/epsilon) / delta^2",
            "Theorem 1",
            steps + 28 * varrho,
            _above(steps + 28 * varrho, 9, "a billion steps"),
        ),
        Entry(
            "movement",
            "varrho^50 / sqrt m",
            "(H.1)",
            movement,
            _above(movement, log(2 * m) / 2, "the Frobenius norm of W itself"),
        ),
        Entry(
            "flips at tau_0 = 1",
            "L^(10/3) m^(2/3)",
            "Lemma C.2b",
            flips,
            _above(flips, log(m), "all m units"),
        ),
        Entry(
            "product",
            "L^3",
            "Lemma B.11",
            3 * log(horizon),
            _above(3 * log(horizon), naive, "(1 + sqrt 2)^L, which needs no lemma"),
        ),
        Entry(
            "perturbed product",
            "L^7",
            "Lemma C.7",
            7 * log(horizon),
            _above(7 * log(horizon), naive, "(1 + sqrt 2)^L, which needs no lemma"),
        ),
    )


def _above(value: float, limit: float, what: str) -> str:
    return f"more than {what}" if value > limit else ""
