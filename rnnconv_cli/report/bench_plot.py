"""What a bench has found as a drawing: achieved over floor against m, a line for each contestant and n."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult
from rnnconv_cli.errors import UsageError

Panel = tuple[str, int, str, int]  # task, L, dtype, cores
Line = tuple[str, int]  # contestant, n
MARKS = "osD^vP"
SETTINGS: dict[str, str | float] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "rnnconv",  # names of parts are the same in every run
    "font.size": 8.0,
}


def require_matplotlib() -> None:
    """Raises UsageError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError("--plot without matplotlib", "matplotlib to be installed", "try pip install 'rnnconv[bench]'")


def render(result: BenchResult) -> str:
    """The drawing as SVG, the same bytes for the same result: a panel for each task, L, dtype and number of cores."""
    import matplotlib
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys(_panel(each.case) for each in result.cases))
    columns = min(4, max(1, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(3.6 * columns, 2.8 * rows), layout="constrained")
        places = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, panel in zip(places, panels, strict=False):
            _draw(axes, panel, shares(result, panel))
        for axes in places[len(panels) :]:
            axes.set_axis_off()
        drawing = io.StringIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
    return drawing.getvalue()


def _panel(case: Case) -> Panel:
    return case.task, case.horizon, case.dtype, case.cores


def shares(result: BenchResult, panel: Panel) -> Mapping[Line, Mapping[int, float]]:
    """Achieved over floor by width, for each contestant and n of a panel."""
    lines: dict[Line, dict[int, float]] = {}
    for each in result.cases:
        for entry in each.entries if _panel(each.case) == panel else ():
            share = each.of_floor(entry)
            if share is not None:
                lines.setdefault((entry.contestant, each.case.n_sequences), {})[each.case.width] = share
    return lines


def _draw(axes: Any, panel: Panel, lines: Mapping[Line, Mapping[int, float]]) -> None:
    """One panel: a colour for each contestant, a mark for each n."""
    task, horizon, dtype, cores = panel
    contestants = list(dict.fromkeys(contestant for contestant, _ in lines))
    sequences = sorted({n_sequences for _, n_sequences in lines})
    for (contestant, n_sequences), shares in lines.items():
        widths = sorted(shares)
        axes.plot(
            widths,
            [shares[width] for width in widths],
            color=f"C{contestants.index(contestant)}",
            marker=MARKS[sequences.index(n_sequences) % len(MARKS)],
            markersize=3,
            label=f"{contestant}, n {n_sequences}",
        )
    axes.axhline(1.0, color="black", linewidth=0.5)
    axes.set(yscale="log", xlabel="m", ylabel="achieved over floor")
    axes.set_title(f"{task}, L {horizon}, {dtype}, {cores} core{'s' if cores > 1 else ''}")
    axes.set_xscale("log", base=2)
    axes.legend(fontsize=4)
