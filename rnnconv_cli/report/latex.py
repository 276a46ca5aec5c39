"""A report as tables for a LaTeX paper: one longtable for each claim, with the rules of booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rnnconv_cli.records import CheckResult, ClaimResult, Report
from rnnconv_cli.report.estimates import measured_in_full
from rnnconv_cli.report.layout import PLAIN, Style, signed
from rnnconv_cli.report.plain import ascii_only, visible
from rnnconv_cli.report.standing import Standing, control_in_a_word, expectation, standing, summary

HEAD = "% \\usepackage{booktabs,longtable}, and \\footnotesize before \\input, which keeps the tables on the page\n"
COLUMNS = {
    "check": 0.22,
    "predicted": 0.15,
    "measured": 0.28,
    "slack": 0.085,
    "control": 0.09,
    "verdict": 0.11,
}  # of a line
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedblright{}", "`": r"\textasciigrave{}",
}  # fmt: skip
SIGNS = {
    "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "±": r"\pm", "×": r"\times", "·": r"\cdot", "→": r"\to",
    "∞": r"\infty", "√": r"\surd", "‖": r"\Vert", "∥": r"\Vert", "−": "-", "∇": r"\nabla", "∂": r"\partial",
    "∑": r"\sum", "∏": r"\prod", "∈": r"\in", "∀": r"\forall", "≪": r"\ll", "≫": r"\gg", "ℓ": r"\ell", "∘": r"\circ",
    "∗": "*", "⋯": r"\cdots", "…": r"\ldots", "½": r"\frac{1}{2}", "′": r"{}^{\prime}", "″": r"{}^{\prime\prime}",
}  # fmt: skip
SMALL = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
)
CAPITAL = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
GREEK = {
    **dict(zip("αβγδεζηθικλμνξπρστυφχψω", (f"\\{name}" for name in (*SMALL.split(), "omega")), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", (f"\\{name}" for name in CAPITAL.split()), strict=True)),
}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵀ", "0123456789+-=()nT")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()")
LETTERS = frozenset(chr(code) for code in range(0xC0, 0x100)) - frozenset("Ðð×÷Þþ")  # that every LaTeX can set
TOKEN = re.compile(
    r"(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵀ]+)|(?P<lowered>[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]+)"
    r"|(?<![A-Za-z])(?P<base>[A-Za-z]\*?)?\^(?P<power>-?\d+(?:\.\d+)?)|(?<![\w.)\]])(?P<minus>-)(?=[\d.])|(?P<other>.)",
    re.DOTALL,
)
LIGATURE = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)|(?<=')(?=')")


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as tables to be \\input: every character of a stranger's words is set as it is, or spelt out."""
    parts = [HEAD, f"% rnnconv {_comment(report.tool_version)}: {_comment(summary(report))}\n"]
    for claim in report.claims:
        checks = [check for check in claim.checks if not style.brief or standing(check) is not Standing.FINE]
        if checks:
            parts.append("\n" + "".join(f"{line}\n" for line in _table(claim, checks, style)))
    return "".join(parts)


def _table(claim: ClaimResult, checks: Sequence[CheckResult], style: Style) -> Iterator[str]:
    head = " & ".join(COLUMNS)
    widths = "".join(rf"p{{{width}\linewidth}}" for width in COLUMNS.values())
    label = re.sub("[^a-z0-9]+", "-", claim.id)
    yield rf"{{\setlength{{\tabcolsep}}{{2pt}}\begin{{longtable}}{{@{{}}{widths}@{{}}}}"
    yield rf"\caption{{{_text(claim.title, style)} ({_text(claim.source, style)})}}\label{{tab:{label}}}\\"
    yield rf"\toprule {head} \tabularnewline \midrule \endfirsthead"
    yield rf"\toprule {head} \tabularnewline \midrule \endhead"
    yield r"\bottomrule \endlastfoot"
    for check in checks:
        yield rf"{_row(check, style)} \tabularnewline"
    yield r"\end{longtable}}"


def _row(check: CheckResult, style: Style) -> str:
    name = _text(check.id, style).replace("-", r"-\allowbreak{}")
    cells = (
        check.predicted.text,
        measured_in_full(check.finding.estimate, check.parameter),
        signed(check.finding.slack),
        control_in_a_word(check),
        expectation(check),
    )
    return " & ".join(
        rf"\raggedright {cell}" for cell in (rf"\texttt{{{name}}}", *(_text(each, style) for each in cells))
    )


def _text(text: str, style: Style) -> str:
    """Words as LaTeX: specials escaped, signs and powers in mathematics, ligatures kept apart."""
    pieces = [_piece(match, style) for match in TOKEN.finditer(visible(text))]
    runs = ((is_math, [piece for _, piece in run]) for is_math, run in groupby(pieces, key=lambda each: each[0]))
    return "".join(
        rf"\ensuremath{{{' '.join(found)}}}" if is_math else LIGATURE.sub("{}", "".join(found))
        for is_math, found in runs
    )


def _piece(match: re.Match[str], style: Style) -> tuple[bool, str]:
    """One token, and whether it belongs into mathematics. A script has a base of its own: two in a row are allowed."""
    if raised := match["raised"]:
        return True, f"{{}}^{{{raised.translate(RAISED)}}}"
    if lowered := match["lowered"]:
        return True, f"{{}}_{{{lowered.translate(LOWERED)}}}"
    if power := match["power"]:
        return True, f"{match['base'] or '{}'}^{{{power}}}"
    if match["minus"]:
        return True, "-"
    char = match["other"]
    if sign := SIGNS.get(char) or GREEK.get(char):
        return True, sign
    if char in LETTERS and not style.ascii_only:
        return False, char
    return False, "".join(SPECIAL.get(each, each) for each in ascii_only(char))


def _comment(text: str) -> str:
    return ascii_only(visible(text))
