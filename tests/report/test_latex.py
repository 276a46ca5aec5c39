"""LaTeX that compiles whatever a stranger's words hold, and says of the numbers what the table says."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from rnnconv_cli.records import Report
from rnnconv_cli.report.latex import render
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.plain import SIGNS

COMMANDS = {  # every command that may stand in a table
    "begin", "end", "setlength", "tabcolsep", "linewidth", "caption", "label", "toprule", "midrule", "bottomrule",
    "endfirsthead", "endhead", "endlastfoot", "tabularnewline", "raggedright", "texttt", "allowbreak", "ensuremath",
    "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "textasciigrave",
    "textquotedblright",
}  # fmt: skip
ASCII = "".join(map(chr, range(32, 127)))
EVERYTHING = ASCII + "".join(SIGNS) + "".join(
    char for code in range(0x80, 0x2500) if unicodedata.category(char := chr(code)) not in ("Cn", "Co")
)  # fmt: skip
HOSTILE = (
    r"\input{/etc/passwd} \write18{ls} \def\x{\x}\x \end{longtable} \\[1cm] \\* % gone",
    "a & b $ c # d % e _ f { g } h ~ i ^ j \\ k | l < m > n \" o ` p ' q",
    "x^2^3 x²³₁₂ ₀^0.5 ^-1 m^-0.5 ab^2 m*^2 ''' ,,, --- -0.5 1-2",
    "}}}{{{ $$ ^^41 ^^M \\",
    ASCII,
)


def bodies(report: Report, style: Style | None = None) -> str:
    """The text without comments; its braces and its mathematics must balance, and no command be a stranger's."""
    shown = render(report) if style is None else render(report, style)
    lines = shown.splitlines()
    assert all(line.isascii() for line in lines if line.startswith("%"))
    text = "\n".join(line for line in lines if not line.startswith("%"))
    bare = re.sub(r"\\[\\{}$&#%_]", "", text)
    assert not re.search(r"[$#%~]", bare)
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    return text


def commands_in(text: str) -> set[str]:
    outside = re.sub(r"\\ensuremath\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}", "", text)
    return set(re.findall(r"\\([A-Za-z]+)", outside))


def with_text(report: Report, text: str) -> Report:
    first = report.claims[0].checks[0]
    check = replace(first, id=text, predicted=replace(first.predicted, text=text))
    claim = replace(report.claims[0], id=text, title=text, source=text, checks=(check,))
    return replace(report, tool_version=text, profile=text, claims=(claim,))


def test_a_table_for_each_claim_and_a_row_for_each_check(report: Report) -> None:
    text = bodies(report)
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 2
    rows = [line for line in text.splitlines() if line.startswith(r"\raggedright")]
    assert len(rows) == 10
    assert all(len(re.split(r"(?<!\\)&", row)) == 6 and row.endswith(r" \tabularnewline") for row in rows)
    assert r"\label{tab:perturbation-bound}" in text


def test_powers_signs_and_minus_are_mathematics(report: Report) -> None:
    text = bodies(report)
    cells = (
        r"\ensuremath{\leq} \ensuremath{m^{0.667}} (+0.06)",
        r"\ensuremath{m^{-1}} \ensuremath{\pm} 0.25",
        r"\ensuremath{\leq} 8 \ensuremath{\varepsilon} size",
        r"\ensuremath{-}1.020 [\ensuremath{-}1.200, \ensuremath{-}0.900]",
        r"\textbar{}r\textbar{} \ensuremath{\leq} 0.17",
    )
    assert [cell for cell in cells if cell not in text] == []
    tau = bodies(with_text(report, "τ₀^0.333 ‖W'‖^2 m* ≤ L^1.5 b₋"))
    assert r"\ensuremath{\tau {}_{0} {}^{0.333}} \ensuremath{\Vert}W'\ensuremath{\Vert {}^{2}} m* " in tau
    assert r"\ensuremath{L^{1.5}} b\ensuremath{{}_{-}}" in tau


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_brings_no_command(report: Report, evil: str) -> None:
    assert commands_in(bodies(with_text(report, evil))) <= COMMANDS


def test_specials_are_set_as_they_are(report: Report) -> None:
    text = bodies(with_text(report, r"a\b{c}d$e&f#g%h_i^j~k<l>m|n`o"))
    assert (
        r"a\textbackslash{}b\{c\}d\$e\&f\#g\%h\_i\textasciicircum{}j\textasciitilde{}k\textless{}l\textgreater{}m\textbar{}n"
        r"\textasciigrave{}o"
    ) in text


def test_ligatures_are_kept_apart(report: Report) -> None:
    assert "a-{}-{}-b,{},c'{}'d\\textquotedblright{}e" in bodies(with_text(report, "a---b,,c''d\"e"))


def test_unicode_is_mapped_or_spelt_out(report: Report) -> None:
    text = bodies(with_text(report, EVERYTHING))
    assert {char for char in text if not char.isascii()} <= {chr(code) for code in range(0xC0, 0x100)}
    assert bodies(with_text(report, EVERYTHING), Style(ascii_only=True)).isascii()


def test_brief_shows_only_what_contradicts_or_does_not_decide(report: Report) -> None:
    text = bodies(report, Style(brief=True))
    assert text.count(r"\begin{longtable}") == 1
    assert text.count(r"\raggedright\texttt") + text.count(r"\raggedright \texttt") == 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_it_compiles(report: Report, tmp_path: Path) -> None:
    chunks = [" ".join(EVERYTHING[start : start + 100]) for start in range(0, len(EVERYTHING), 100)]
    parts = [render(report), *(render(with_text(report, text)) for text in (*HOSTILE, *chunks))]
    for number, part in enumerate(parts):
        (tmp_path / f"part-{number}.tex").write_text(part, encoding="utf-8")
    inputs = "\n".join(rf"\input{{part-{number}}}" for number in range(len(parts)))
    head = r"\documentclass{article}\usepackage{booktabs,longtable}\begin{document}\footnotesize"
    document = f"{head}\n{inputs}\n\\end{{document}}"
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-3000:]
