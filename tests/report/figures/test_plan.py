"""Places on a page: nothing lies over anything else, everything lies on the page, and what has no room is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.figures.figure import MAIN, Axis, Figure, Note, Panel, Series
from rnnconv_cli.report.figures.plan import COMFORT, LEAST, Look, fitting, legend, planned

X = Axis("m (width) [1]", "log", 1.0, 10.0, ((2.0, "2"), (5.0, "5")))
Y = Axis("pattern-flips [1]", "log", 1.0, 10.0, ((2.0, "0.0002"),))


def _figure(count: int) -> Figure:
    series = Series(MAIN, "line", "fit", (((1.0, 1.0), (2.0, 2.0)),))
    dots = Series(MAIN, "dots", "single draws of a run with a long name", (((1.0, 1.0),),))
    note = Note((2.0, 2.0), "1×∞", label="n × ∞: draws that diverged or missed their target")
    return Figure("", "", (Panel("as claimed", X, Y, (), (series, dots, series), (note,)),) * count, ())


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("look", [Look(), Look(width=3.3), Look(width=9.0, height=4.0), Look(font_size=12.0)])
def test_panels_lie_on_the_page_side_by_side_or_below_each_other(count: int, look: Look) -> None:
    plan = planned(_figure(count), look)
    assert look.width in (None, plan.size[0])
    assert look.height in (None, plan.size[1])
    for index, (box, room) in enumerate(zip(plan.boxes, plan.rooms, strict=True)):
        assert box.left - room >= -1e-9
        assert box.left + box.wide <= 1
        assert box.bottom + box.tall <= 1
        assert box.bottom > max(y for _, y in plan.entries.values())
        assert box.wide * plan.size[0] >= (COMFORT if look.width is None else LEAST)
        for other, its_room in list(zip(plan.boxes, plan.rooms, strict=True))[index + 1 :]:
            assert other.left - its_room > box.left + box.wide or other.bottom + other.tall < box.bottom


def test_a_narrow_page_has_its_panels_below_each_other() -> None:
    wide, narrow = planned(_figure(3), Look()), planned(_figure(3), Look(width=3.3))
    assert len({box.bottom for box in wide.boxes}) == 1
    assert len({box.left for box in narrow.boxes}) == 1
    assert narrow.size[1] > 2 * wide.size[1]


def test_a_page_without_room_is_refused_with_the_least_that_has() -> None:
    with pytest.raises(
        UsageError, match=r"found a figure of 1 x \S+ inches, wanted at least (\S+) x (\S+) for"
    ) as refused:
        planned(_figure(3), Look(width=1.0))
    least = [float(word) for word in refused.value.wanted.split() if word.replace(".", "").isdigit()]
    planned(_figure(3), Look(width=least[0] + 0.01))
    with pytest.raises(UsageError, match="or try smaller letters"):
        planned(_figure(3), Look(height=1.0))
    planned(_figure(3), Look(width=1.2, font_size=3.0))


def test_a_legend_has_every_label_once_and_no_two_in_one_place() -> None:
    figure = _figure(2)
    assert list(legend(figure)) == [
        "fit",
        "single draws of a run with a long name",
        "n × ∞: draws that diverged or missed their target",
    ]
    assert len(set(planned(figure, Look()).entries.values())) == 3
    assert [x for x, _ in planned(figure, Look(width=2.0)).entries.values()] == pytest.approx([0.3 * 7 / 72 / 2] * 3)


def test_long_labels_have_their_unit_below_them_or_are_cut() -> None:
    assert fitting("steps [steps]", 10.0) == "steps [steps]"
    assert fitting("gradient-formula-error [rounding units]", 14.0) == "gradient-formula-error\n[rounding units]"
    assert fitting("a-name-that-no-page-has-room-for [1]", 7.0) == "a-name-that…\n[1]"
    assert fitting("wordwithoutanend", 4.0) == "wordwi…"


def test_what_has_no_point_has_no_entry() -> None:
    figure = _figure(1)
    empty = Series(MAIN, "marks", "geometric mean", ((),))
    panel = replace(figure.panels[0], series=(empty, Series(MAIN, "line", "fit", ()), *figure.panels[0].series[1:2]))
    assert list(legend(replace(figure, panels=(panel,)))) == [
        "single draws of a run with a long name",
        "n × ∞: draws that diverged or missed their target",
    ]
