"""What a bench has found as a drawing: shares of the floor against m, a panel for each task, dtype, cores, n and L.

Places are computed here, in inches, so that any number of panels stays legible and the drawing only grows longer.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rnnconv_cli.bench.cases import DTYPES, TASKS, Case
from rnnconv_cli.bench.results import OURS, BenchResult

Panel = tuple[str, str, int, int, int]  # task, dtype, cores, n, L


@dataclass(frozen=True, slots=True)
class Look:
    """How a contestant's line is drawn: colours that colour-blind readers tell apart (Okabe and Ito), and a mark."""

    colour: str
    mark: str
    line: str = "-"


LOOKS: Mapping[str, Look] = {
    OURS: Look("#000000", "o"),
    "numpy": Look("#E69F00", "s"),
    "jax": Look("#0072B2", "^"),
    "jax-manual": Look("#0072B2", "<", "--"),
    "jax-threads": Look("#0072B2", "v", ":"),
    "torch-manual": Look("#D55E00", "D"),
    "torch-loop": Look("#CC79A7", "P"),
    "torch-rnn": Look("#009E73", "X"),
    "numba": Look("#56B4E9", "*"),
    "reference": Look("#999999", "d"),
}
WIDTH, HEIGHT = 1.75, 1.45  # inches of a panel's inside
LEFT, GAP, RIGHT = 0.7, 0.18, 0.2  # inches beside panels: of the page, between two, of the page
TITLE, BELOW = 0.24, 0.26  # inches over a panel, and under it
HEADING, HEADER, FOOTER = 0.38, 0.56, 0.1  # inches of a task's heading, of the page's, and under everything
NAME, LINE = 0.83, 0.16  # inches of a contestant in the legend
NARROWEST = 6.5  # inches of a page, for the words at its head
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "rnnconv",  # names of parts are the same in every run
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],  # the widest first, so that all of them fit
    "font.size": 7.0,
    "axes.linewidth": 0.5,
    "axes.edgecolor": "#666666",
}


def render(result: BenchResult) -> str:
    """The drawing as SVG, the same bytes for the same result."""
    import matplotlib
    from matplotlib.figure import Figure

    panels = drawn(result)
    tasks = [(task, list(group)) for task, group in groupby(panels, key=lambda panel: panel[0])]
    columns = max((len(list(group)) for _, group in groupby(panels, key=lambda panel: panel[:3])), default=1)
    names = sorted({name for lines in panels.values() for name in lines}, key=list(LOOKS).index)
    width = max(NARROWEST, LEFT + columns * (WIDTH + GAP) - GAP + RIGHT)
    legend = max(1, int((width - LEFT) / NAME))
    head = HEADER + LINE * -(-len(names) // legend)
    rows = sum(-(-len(group) // columns) for _, group in tasks)
    page = width, head + len(tasks) * HEADING + rows * (TITLE + HEIGHT + BELOW) + FOOTER
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=page)
        paper = _Paper(figure, page)
        _head(paper, result, names, legend)
        widths, top = sorted({each.case.width for each in result.cases}), head
        for task, group in tasks:
            paper.write(LEFT, top + 0.3, f"{task}: {TASKS[task]}", size=9, weight="bold")
            top += HEADING
            shares = [share for panel in group for line in panels[panel].values() for share in line.values()]
            for start in range(0, len(group), columns):
                for column, panel in enumerate(group[start : start + columns]):
                    axes = paper.axes(LEFT + column * (WIDTH + GAP), top + TITLE)
                    _draw(axes, panel, panels[panel])
                    _scale(axes, widths, (min(shares), max(shares)), has_numbers=column == 0)
                top += TITLE + HEIGHT + BELOW
        drawing = io.StringIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
    return drawing.getvalue()


@dataclass(frozen=True, slots=True)
class _Paper:
    """A figure with places in inches from its upper left corner."""

    figure: Any
    page: tuple[float, float]

    def axes(self, left: float, top: float) -> Any:
        """A panel's inside."""
        width, height = self.page
        return self.figure.add_axes((left / width, 1 - (top + HEIGHT) / height, WIDTH / width, HEIGHT / height))

    def write(self, left: float, base: float, text: str, **look: Any) -> None:
        """A line of text on its base line."""
        width, height = self.page
        self.figure.text(left / width, 1 - base / height, text, **look)


def drawn(result: BenchResult) -> dict[Panel, dict[str, dict[int, float]]]:
    """Shares of the floor by panel, contestant and width; panels in the order of tasks, dtypes, cores, n and L."""
    panels: dict[Panel, dict[str, dict[int, float]]] = {}
    for each in sorted(result.cases, key=lambda each: _place(each.case)):
        case = each.case
        lines = panels.setdefault((case.task, case.dtype, case.cores, case.n_sequences, case.horizon), {})
        for entry in each.entries:
            share = each.of_floor(entry)
            if share is not None:
                lines.setdefault(entry.contestant, {})[case.width] = share
    return {panel: lines for panel, lines in panels.items() if lines}


def _place(case: Case) -> tuple[int, ...]:
    task, dtype = list(TASKS).index(case.task), DTYPES.index(case.dtype)
    return task, dtype, case.cores, case.n_sequences, case.horizon, case.width


def _head(paper: _Paper, result: BenchResult, contestants: Sequence[str], columns: int) -> None:
    from matplotlib.lines import Line2D

    about = f"grid {result.grid}, seed {result.seed}"
    paper.write(LEFT, 0.3, "Share of the floor: the time that the machine needs at least, over the time taken", size=10)
    paper.write(LEFT, 0.48, f"rnnconv {result.tool_version}, {about}; the line at 100 % is the floor", color="#666666")
    handles = [Line2D([], [], label=name, **_style(name)) for name in contestants]
    width, height = paper.page
    if handles:
        paper.figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(LEFT / width, 1 - 0.52 / height),
            ncols=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0.3,
            columnspacing=1.3,
            handlelength=2.2,
        )


def _style(contestant: str) -> dict[str, Any]:
    look, is_ours = LOOKS[contestant], contestant == OURS
    return {
        "color": look.colour,
        "marker": look.mark,
        "linestyle": look.line,
        "linewidth": 1.6 if is_ours else 0.9,
        "markersize": 3.6 if is_ours else 3.0,
        "markeredgewidth": 0,
        "zorder": 3 if is_ours else 2,
    }


def _draw(axes: Any, panel: Panel, lines: Mapping[str, Mapping[int, float]]) -> None:
    """The lines of one panel, and its title."""
    _, dtype, cores, n_sequences, horizon = panel
    axes.axhline(1.0, color="#666666", linewidth=0.8, zorder=1)
    for contestant, shares in lines.items():
        axes.plot(sorted(shares), [shares[width] for width in sorted(shares)], **_style(contestant))
    cores_word = f"{cores} core{'s' if cores > 1 else ''}"
    axes.set_title(f"n {n_sequences}, L {horizon}, {dtype}, {cores_word}", fontsize=7, pad=3)


def _scale(axes: Any, widths: Sequence[int], extent: tuple[float, float], *, has_numbers: bool) -> None:
    """The axes of one panel, the same for all of a task, so that they can be compared."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(widths[0] / 1.3, widths[-1] * 1.3)
    lowest, highest = extent[0] / 1.3, max(1.6, 1.1 * extent[1])
    axes.set_ylim(lowest, highest)
    named = [width for width in widths if width.bit_length() % 2] if len(widths) > 4 else widths  # 64, 256, ...
    axes.set_xticks(named, [str(width) for width in named])
    axes.set_xticks(widths, minor=True, labels=[""] * len(widths))
    ticks = [tick for tick in TICKS if tick > lowest]
    axes.set_yticks(ticks, [f"{tick:.0%}" if has_numbers else "" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.tick_params(which="both", length=2, width=0.5, pad=2, colors="#333333")
    axes.grid(color="#e6e6e6", linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.annotate("m", (1.0, 0.0), (-1, 2), xycoords="axes fraction", textcoords="offset points", ha="right")
    if has_numbers:
        axes.set_ylabel("share of the floor", labelpad=2)
