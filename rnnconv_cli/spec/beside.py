"""What stands beside every descent check without being asked for: the tangent kernel's prediction, and how it fares.

Descent near the initialisation follows r_{t+1} = (I - eta K) r_t, K the tangent Gram matrix of the outputs; so its
extreme eigenvalues, the tail rate that they predict and the largest stable step belong to every run, at its start and,
evaluated again, at its end.
"""

from __future__ import annotations

from typing import Any

from rnnconv_cli.records import TANGENT
from rnnconv_cli.spec.claim import Arm, Check, Exhibit, FrontierPrediction, InverseLambdaMax

DRAWS = {"quick": 2, "full": 3}  # an exhibit has no verdict: enough for a look
STABLE_STEPS = 30  # T of the criterion f_T < f_0 for a stable step
STABLE = f"{TANGENT}stable-step"
PREDICTED = "predicted-steps"  # by the tangent kernel alone: no run to stand beside
DEEP = 1e-8  # accuracy of the runs that are read for a tail

QUANTITIES = {
    f"{TANGENT}largest": ("largest-tangent-eigenvalue", "lambda_max / m at the start"),
    f"{TANGENT}smallest": ("smallest-tangent-eigenvalue", "lambda_min / m at the start"),
    f"{TANGENT}largest-after": ("largest-tangent-eigenvalue-after-training", "lambda_max / m at the end"),
    f"{TANGENT}smallest-after": ("smallest-tangent-eigenvalue-after-training", "lambda_min / m at the end"),
    f"{TANGENT}rate": ("measured-tail-rate", "measured decay of log f per step on the tail"),
    f"{TANGENT}rate-predicted": ("predicted-tail-rate", "-2 log(1 - eta lambda_min) at the start"),
    f"{TANGENT}rate-predicted-after": ("predicted-tail-rate-after-training", "-2 log(1 - eta lambda_min) at the end"),
    STABLE: ("stable-step-multiple", "largest stable step in units of 2 / lambda_max"),
}


def tangent_exhibits(check: Check) -> tuple[tuple[Exhibit, Arm], ...]:
    """The exhibits of a check that descends, at the last point of its sweep; none for any other, nor for a frontier."""
    if check.training is None or check.quantity == PREDICTED or isinstance(check.prediction, FrontierPrediction):
        return ()
    declared = {exhibit.id for exhibit in check.beside}
    return tuple(
        (Exhibit(id=name, description=description, change={}), _arm(check, quantity, stable=name == STABLE))
        for name, (quantity, description) in QUANTITIES.items()
        if name not in declared
    )


def _arm(check: Check, quantity: str, *, stable: bool) -> Arm:
    """The check with another quantity, on few draws of its last point; a run read at many places is read once."""
    along = check.sweep.parameter in ("decades", "steps")
    profiles = {}
    for name, draws in DRAWS.items():
        profile = getattr(check.sweep, name)
        changed = {"grid": () if along else profile.grid[-1:], "replicates": min(draws, profile.replicates)}
        profiles[name] = profile.model_copy(update=changed)
    parameter = {"parameter": None} if along else {}
    changes: dict[str, Any] = {"quantity": quantity, "sweep": check.sweep.model_copy(update={**parameter, **profiles})}
    if check.training is not None:
        training: dict[str, Any] = {"accuracy": DEEP} if along else {}
        if stable:
            training = {
                "learning_rate": InverseLambdaMax(over_lambda_max=2.0),
                "max_steps": STABLE_STEPS,
                "method": "gd",
            }
            changes["preconditions"] = tuple(each for each in check.preconditions if each != "step-size")
        changes["training"] = check.training.model_copy(update=training)
    arm = {name: getattr(check, name) for name in Arm.model_fields}
    return Arm.model_construct(**{**arm, **changes})
