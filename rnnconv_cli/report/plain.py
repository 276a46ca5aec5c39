"""Text that any terminal can show: nothing in it acts on the terminal, and it can be brought down to ASCII."""

from __future__ import annotations

import re
import unicodedata

# Control, format (bidirectional overrides among them) and surrogate characters, line and paragraph separators.
ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
NOT_IN_XML = "\ufffe\uffff"  # no characters at all, though text may hold them

SIGNS = {
    "µ": "u", "−": "-", "–": "-", "—": "-", "\u2010": "-", "\u2011": "-", "─": "-", "·": "*", "∗": "*", "×": "x",
    "∕": "/", "÷": "/", "±": "+-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "\u223c": "~", "≪": "<<", "≫": ">>",
    "→": "->", "←": "<-", "∞": "inf", "√": "sqrt ", "‖": "||", "∥": "||", "ℓ": "l", "∇": "grad ", "∂": "d",
    "∑": "sum ", "∏": "prod ", "∈": " in ", "∀": "for all ", "∘": "o", "\u22a4": "T", "⋯": "...", "…": "...",
    "′": "'", "″": "''", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"', "„": '"', "½": "1/2", "¼": "1/4",
    "¾": "3/4", "✓": "ok", "✗": "no", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "§": "section ",
}  # fmt: skip
TRANSLATION = str.maketrans(SIGNS)
SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵀ]+")
GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)")


def visible(text: str, *, lines: bool = False) -> str:
    """The text with every character that acts on a terminal written as its escape; line breaks stay only on request."""
    kept = "\n" if lines else ""
    flat = text if lines else re.sub(r"[ \t\r\n]+", " ", text).strip()
    return "".join(char if char in kept or not _acts(char) else _escape(char) for char in flat)


def ascii_only(text: str) -> str:
    """The text in ASCII: signs and Greek letters by name, powers with a caret, accents dropped, the rest escaped."""
    if text.isascii():
        return text
    raised = SUPERSCRIPT.sub(lambda match: "^" + match[0], text)
    letters = unicodedata.normalize("NFKD", raised.translate(TRANSLATION)).translate(TRANSLATION)
    return "".join(char if char.isascii() else _named(char) for char in letters if not unicodedata.combining(char))


def _acts(char: str) -> bool:
    return unicodedata.category(char) in ACTING or char in NOT_IN_XML


def _named(char: str) -> str:
    match = GREEK.fullmatch(unicodedata.name(char, ""))
    if match is None:
        return _escape(char)
    name = match[2].lower().replace("lamda", "lambda")
    return name if match[1] == "SMALL" else name.capitalize()


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
