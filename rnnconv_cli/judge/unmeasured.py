"""What a check lacks where it could not be measured."""

from __future__ import annotations

from collections.abc import Sequence

from rnnconv_cli.records import CONTROL, MAIN, CheckResult, Observation, Status, Verdict


def could_not_measure(check: CheckResult) -> str:
    """Why a check has no measurement to judge; empty where it has. What only an exhibit lacks takes nothing away."""
    judged = [each for each in check.observations if each.arm in (MAIN, CONTROL)]
    nothing = check.finding.verdict is Verdict.INCONCLUSIVE and check.finding.estimate is None
    return failures_among(judged) or (check.finding.because if nothing else "")


def failures_among(observations: Sequence[Observation]) -> str:
    """How many trials could not be carried out, and why the first could not; empty where all could."""
    failed = [each for each in observations if each.status is Status.FAILED]
    if not failed:
        return ""
    arms = " and ".join(dict.fromkeys(each.arm for each in failed))
    detail = f": {failed[0].detail}" if failed[0].detail else ""
    return f"could not measure {len(failed)} of {len(observations)} observations ({arms}){detail}"
