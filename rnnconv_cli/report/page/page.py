"""A report as one page of HTML that holds everything it shows: no script, and nothing that is loaded from elsewhere.

A result is a stranger's data. Every text is shown as it is: what would act on a terminal or turn the direction of
writing is written as its escape, and markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnconv_cli import __version__
from rnnconv_cli.records import CheckResult, Report, Verdict
from rnnconv_cli.report.layout import PLAIN, Style
from rnnconv_cli.report.plain import visible

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

    from rnnconv_cli.report.page.parts import ResultPart, Source

ANY_RESULT = "RESULT.json"  # in commands, where the file of a report has no name yet
TEMPLATE = "page.html.jinja"
VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ')
USUAL_WIDTH = 504.0  # points


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure in SVG, and how wide it is in points, which its letters are measured in."""

    svg: Markup
    points: float


@dataclass(frozen=True, slots=True)
class Tile:
    """A number at the top of the page, and what it counts."""

    look: str
    number: int
    words: str


def render(report: Report, style: Style = PLAIN) -> str:
    """The page of a report; of a style, only its characters count."""
    from rnnconv_cli.report.page.parts import Source

    return page((Source(ANY_RESULT, report),), style)


def page(sources: Sequence[Source], style: Style = PLAIN) -> str:
    """One page for several reports: what they say together, then each of them."""
    from rnnconv_cli.report.page import glossary, words
    from rnnconv_cli.report.page.parts import badge, parts

    results = parts(sources)
    text = _template().render(
        title=_title(results),
        lead=words.lead(_checks(results)),
        tiles=_tiles(results),
        verdicts=[(badge(each, None), str(each), said) for each, said in glossary.VERDICTS.items()],
        glossary=glossary.GLOSSARY,
        symbols=glossary.SYMBOLS,
        adversaries=_adversaries(_checks(results)),
        results=results,
        drawn=_drawn(results),
        version=__version__,
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii") if style.ascii_only else text


def _template() -> Template:
    """The page with its holes. A name that it lacks is an error, and every text that fills it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rnnconv_cli.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE)


def _shown(value: object) -> object:
    """What the template writes: text without characters that act, and markup of ours as it is."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else visible(value)


def _drawn(results: Sequence[ResultPart]) -> Mapping[str, Drawn]:
    """Every figure as it stands on the page, by what its ids begin with."""
    from markupsafe import Markup

    from rnnconv_cli.report.figures.draw import svg

    checks = (each for result in results for claim in result.claims for each in claim.checks)
    drawings = [each.drawing for each in checks if each.drawing is not None]
    texts = ((each.prefix, svg(each.figure, prefix=each.prefix)) for each in drawings)
    return {prefix: Drawn(Markup(text), _width(text)) for prefix, text in texts}


def _width(svg: str) -> float:
    """The width that a drawing was made for, in points."""
    found = VIEW_BOX.search(svg)
    return float(found[1]) if found else USUAL_WIDTH


def _checks(results: Sequence[ResultPart]) -> Sequence[CheckResult]:
    return [each.check for result in results for claim in result.claims for each in claim.checks]


def _adversaries(checks: Sequence[CheckResult]) -> Sequence[tuple[str, str]]:
    """The adversaries that were tried and are known here, each with what it does."""
    from rnnconv_cli.report.page.glossary import ADVERSARIES

    tried = {each.adversary for check in checks for each in check.observations}
    return [(name, words) for name, words in ADVERSARIES.items() if name in tried]


def _title(results: Sequence[ResultPart]) -> str:
    (first, *others) = results
    if others:
        return f"rnnconv: {len(results)} results"
    claims = [each.claim.id for each in first.claims]
    what = claims[0] if len(claims) == 1 else f"{len(claims)} claims"
    return f"rnnconv: {what}, profile {first.report.profile}, seed {first.report.seed}"


def _tiles(results: Sequence[ResultPart]) -> tuple[Tile, ...]:
    checks = _checks(results)
    counted = {
        Verdict.WITHIN: "hold at these sizes",
        Verdict.OUTSIDE: "do not hold at these sizes",
        Verdict.INCONCLUSIVE: "undecided",
        Verdict.MEASURED: "measured, without a verdict",
    }
    tiles = [
        Tile(str(verdict), sum(check.verdict is verdict for check in checks), words)
        for verdict, words in counted.items()
    ]
    against = sum(check.as_expected is False for check in checks)
    return (*tiles, Tile("against" if against else "none", against, "against expectation"))
