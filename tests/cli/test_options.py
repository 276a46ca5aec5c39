from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from rnnconv_cli.cli.options import Destination, cores, example, result_options, run_options


@pytest.fixture
def parsed() -> Callable[..., Any]:
    """The values that a command with all shared options is called with."""

    @click.command()
    @run_options
    @result_options
    def command(**values: Any) -> None:
        seen.update(values)

    seen: dict[str, Any] = {}

    def parse(*words: str) -> Any:
        result = CliRunner().invoke(command, words)
        return seen if result.exit_code == 0 else result.output

    return parse


def test_defaults(parsed: Callable[..., Any]) -> None:
    assert parsed() == {
        "checks": (),
        "profile": "quick",
        "settings": (),
        "replicates": None,
        "budget": None,
        "seed": 0,
        "jobs": None,
        "backend": "compiled",
        "form": "table",
        "outputs": (),
        "strict": False,
        "quiet": False,
    }


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("a.json", Destination("json", Path("a.json"))),
        ("a.JSON", Destination("json", Path("a.JSON"))),
        ("a.txt", Destination("table", Path("a.txt"))),
        ("/dev/stdout", Destination("table", Path("/dev/stdout"))),
        ("json=a.josn", Destination("json", Path("a.josn"))),
        ("json=a.txt", Destination("json", Path("a.txt"))),
        ("table=b/a.json", Destination("table", Path("b/a.json"))),
        ("./x=1.json", Destination("json", Path("x=1.json"))),
        ("a.b=1.json", Destination("json", Path("a.b=1.json"))),
        ("a.md", Destination("markdown", Path("a.md"))),
        ("a.tex", Destination("latex", Path("a.tex"))),
        ("a.csv", Destination("csv", Path("a.csv"))),
        ("a.xml", Destination("junit", Path("a.xml"))),
        ("junit=a.xml", Destination("junit", Path("a.xml"))),
    ],
)
def test_a_destination_is_a_format_and_a_file(parsed: Callable[..., Any], text: str, destination: Destination) -> None:
    assert parsed("--output", text)["outputs"] == (destination,)


def test_settings_keep_what_follows_the_first_equals_sign(parsed: Callable[..., Any]) -> None:
    words = ("--set", "problem.horizon=6", "--set", "sweep.path={width: {a: b=c}}", "--set", "notes=")
    expected = (("problem.horizon", "6"), ("sweep.path", "{width: {a: b=c}}"), ("notes", ""))
    assert parsed(*words)["settings"] == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "horizon"), "wanted KEY=VALUE"),
        (("--set", "=3"), "wanted KEY=VALUE"),
        (("--output", "json="), "wanted a file name"),
        (("--output", "=a.xml"), "found '=a.xml', wanted FORMAT=FILE, or a file alone"),
        (("--output", "jnuit=a.xml"), "found the format 'jnuit', wanted one of table, json, "),
        (("--output", "jnuit=a.xml"), "did you mean junit?"),
        (("--output", "xml=a.xml"), "did you mean junit?"),
        (("--output", "foo=x"), "found the format 'foo', wanted one of table, json, "),
        (("--output", "md=a"), "did you mean markdown?"),
        (
            ("--output", "out.josn"),
            "found the suffix '.josn' of 'out.josn' (did you mean .json?), wanted one of .txt, ",
        ),
        (("--output", "out.yaml"), "found the suffix '.yaml' of 'out.yaml', wanted one of .txt, .json, .html, .md, "),
        (("--output", "out.yaml"), ".xml, or FORMAT=out.yaml"),
        (("--format", "xml"), "'table', 'json'"),
        (("--jobs", "0"), "0 is not in the range"),
        (("--replicates", "0"), "0 is not in the range"),
        (("--budget", "10"), "found '10', wanted a duration such as 90s, 10m or 1h30m"),
        (("--budget", "0s"), "found '0s', wanted a duration"),
        (("--budget", ""), "found '', wanted a duration"),
        (("--budget", "30m1h"), "found '30m1h', wanted a duration"),
        (("--budget", "-5m"), "found '-5m', wanted a duration"),
    ],
)
def test_values_that_cannot_be_read_are_refused(
    parsed: Callable[..., Any], words: tuple[str, ...], message: str
) -> None:
    assert message in parsed(*words)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("2h", 7200.0), ("1H0.5m2s", 3632.0)]
)
def test_a_duration_is_read_in_seconds(parsed: Callable[..., Any], text: str, seconds: float) -> None:
    assert parsed("--budget", text)["budget"] == seconds


def test_jobs_are_the_usable_cores_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnconv_cli.sweep.machine.usable_cores", lambda: 3)
    assert cores() == 3


def test_examples_are_shown_as_typed() -> None:
    @click.command(epilog=example("rnnconv list", "rnnconv show " + "x" * 90))
    def command() -> None:
        """Do nothing."""

    shown = CliRunner().invoke(command, ["--help"]).output
    assert shown.endswith(f"Example:\n    rnnconv list\n    rnnconv show {'x' * 90}\n")
