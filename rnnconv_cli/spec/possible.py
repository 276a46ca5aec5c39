"""A TRIAL'S NUMBERS → WHY NO CLAIM COULD ASK FOR THEM: for trials that come from elsewhere than a claim file."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import ValidationError

from rnnconv_cli.records import Trial
from rnnconv_cli.spec.claim import Arm
from rnnconv_cli.spec.regime import LARGEST_COUNT, regime_faults

LARGEST_SEED = 2**63 - 1


def impossible(trial: Trial) -> str:
    """Return what a claim file could not say of this trial, in words; nothing where it could."""
    if not (0 <= trial.replicate <= LARGEST_COUNT and 0 <= trial.seed <= LARGEST_SEED):
        return f"found draw {trial.replicate} of seed {trial.seed}, wanted a draw and a seed that are not negative"
    try:
        arm = Arm.model_validate(_arm(trial))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:2]))}: {first['msg']}"
    # A law may give a probe numbers that no claim file could write down, such as half a row.
    faults = regime_faults(arm.model_copy(update={"probe": None}))
    return f"found {faults[0].found}, wanted {faults[0].wanted}" if faults else ""


def _arm(trial: Trial) -> dict[str, object]:
    """The arm that asks for this trial alone; its prediction does not matter."""
    draws = {"replicates": 1}
    arm: dict[str, object] = {
        "quantity": trial.quantity,
        "problem": asdict(trial.problem),
        "sweep": {"quick": draws, "full": draws},
        "prediction": {"kind": "identity", "rounding_units": 1.0, "reason": "none is judged"},
        "preconditions": trial.preconditions,
    }
    if trial.training is not None:
        training = asdict(trial.training)
        rate, unit = training["learning_rate"], training.pop("learning_rate_unit")
        rates = {"absolute": rate, "inverse-lambda-max": {"over_lambda_max": rate}}
        arm["training"] = {**training, "learning_rate": rates.get(unit)}
    if trial.perturbation is not None:
        wanted = trial.perturbation
        arm["perturbation"] = {"size": wanted.size, "adversaries": (wanted.adversary,), "around": wanted.around}
    if trial.probe is not None:
        arm["probe"] = {name: value for name, value in asdict(trial.probe).items() if value is not None}
    return arm
