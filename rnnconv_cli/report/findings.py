"""The findings: our words about each statement, with every number taken from a stored result.

`docs/findings.template.md` holds the words, and names numbers in double braces:

    {{claim/check}}             what was measured, with its interval
    {{claim/check|slack}}       or another field of a stored check: predicted, verdict, worst, because, control, ...
    {{claim/check@exhibit}}     the median of an exhibit beside the check, or what m* is in units of its own
    {{run claim/check}}         the command that measures it again
    {{table claim}}             one row for each check of a claim, and the command that measures it again
    {{result}}                  version, profile and seed of the result

`python -m rnnconv_cli.report.findings RESULT.json... docs` writes `findings.json`, the figures of these results without
their observations, and `findings.md` from it. Several results of one version, profile and seed count as one. With the
folder alone the figures stay, and only the words are put around them anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.layout import quantity, signed
from rnnconv_cli.report.reading.stored import StoredCheck, StoredResult, read

TEMPLATE, FIGURES, FINDINGS = "findings.template.md", "findings.json", "findings.md"
FIELDS = frozenset(field.name for field in fields(StoredCheck)) - {"beside"}
_PLACE = re.compile(r"\{\{(?:(table|run) )?([a-z0-9-]+)(?:/([a-z0-9-]+))?(?:\|([a-z_]+)|@([a-z0-9-]+))?\}\}")


def figures(result: StoredResult) -> str:
    """A result without its observations, as JSON with one check on each line."""
    rows = [json.dumps(asdict(check), allow_nan=False) for check in result.checks.values()]
    head = json.dumps({"version": result.version, "profile": result.profile, "seed": result.seed})
    return f'{head[:-1]}, "checks": [\n' + ",\n".join(rows) + "\n]}\n"


def of_figures(text: str) -> StoredResult:
    """The result that `figures` has written."""
    found = json.loads(text)
    checks = [StoredCheck(**row) for row in found["checks"]]
    by_name = {(check.claim, check.check): check for check in checks}
    return StoredResult(found["version"], found["profile"], found["seed"], by_name)


def render(template: str, result: StoredResult) -> str:
    """The template with its numbers. Raises UsageError where it names what the result has not."""
    filled = _PLACE.sub(lambda match: _filled(match, result), template)
    if "{{" in filled:
        start = filled.index("{{")
        raise UsageError(filled[start : start + 60], "a place as the module describes it")
    return filled


def _filled(match: re.Match[str], result: StoredResult) -> str:
    verb, claim, name, field, exhibit = match.groups()
    if (verb, claim, name) == (None, "result", None):
        return f"rnnconv {result.version}, profile {result.profile}, seed {result.seed}"
    if verb == "table":
        return _table(claim, result)
    check = result.checks.get((claim, name or ""))
    if check is None:
        raise UsageError(match.group(), "a check of this result", "run the whole profile first")
    if verb == "run":
        return f"`rnnconv verify {claim} --check {name} --profile {result.profile}`"
    if exhibit is not None:
        if exhibit not in check.beside:
            raise UsageError(match.group(), f"one of {', '.join(check.beside)}")
        return quantity(check.beside[exhibit])
    if field is not None and field not in FIELDS:
        raise UsageError(match.group(), f"one of {', '.join(sorted(FIELDS))}")
    value = getattr(check, field or "measured")
    return signed(value) if field == "slack" else _cell(str(value))


def _table(claim: str, result: StoredResult) -> str:
    rows = [check for (owner, _), check in result.checks.items() if owner == claim]
    if not rows:
        raise UsageError(f"{{{{table {claim}}}}}", "a claim of this result", "run the whole profile first")
    lines = [
        "| check | predicted | measured | slack | verdict | control | worst adversary |",
        "|---|---|---|---|---|---|---|",
    ]
    for check in rows:
        verdict = check.verdict if check.expected == "within" else f"{check.verdict} (expected {check.expected})"
        cells = (
            f"`{check.check}`",
            check.predicted,
            check.measured,
            signed(check.slack),
            verdict,
            check.control,
            check.worst,
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    lines += ["", f"A row again: `rnnconv verify {claim} --check CHECK --profile {result.profile}`"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text that no Markdown table reads as its own."""
    return text.replace("|", "\\|").replace("\n", " ")


def together(results: Sequence[StoredResult]) -> StoredResult:
    """Results of one run in parts as one. Raises UsageError where version, profile or seed differ, or for a budget."""
    if any(each.budget is not None for each in results):
        raise UsageError("a result within a budget", "results of a whole profile", "leave out --budget")
    origins = {(each.version, each.profile, each.seed) for each in results}
    if len(origins) != 1:
        raise UsageError(f"results of {len(origins)} versions, profiles or seeds", "results of one")
    names = [name for each in results for name in each.checks]
    if len(set(names)) != len(names):
        raise UsageError("a check that stands in two results", "each check once")
    checks = {name: check for each in results for name, check in each.checks.items()}
    return StoredResult(*origins.pop(), dict(sorted(checks.items(), key=lambda item: item[0][0])))


def main(arguments: list[str]) -> int:
    """Write the figures and the findings of stored results into the folder of the template, which comes last."""
    *sources, folder = map(Path, arguments)
    if sources:
        result = together([read(source.read_text(encoding="utf-8"), str(source)) for source in sources])
        (folder / FIGURES).write_text(figures(result), encoding="utf-8")
    else:
        result = of_figures((folder / FIGURES).read_text(encoding="utf-8"))
    template = (folder / TEMPLATE).read_text(encoding="utf-8")
    (folder / FINDINGS).write_text(render(template, result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
