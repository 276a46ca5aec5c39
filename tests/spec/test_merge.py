"""A change laid over a check keeps what it does not name, and every value keeps its place."""

from __future__ import annotations

from typing import Any

import pytest

from rnnconv_cli.spec.document import Mark, Node, parse, plain
from rnnconv_cli.spec.merge import laid_over, marks, override, put, replicates


def tree(text: str, where: str = "a.yaml") -> Node:
    """Return the tree of a text without faults."""
    node, violations = parse(text, where)
    assert violations == ()
    return node


@pytest.mark.parametrize(
    ("base", "change", "merged"),
    [
        ("{a: {b: 1, c: 2}, d: 3}", "{a: {c: 4}}", {"a": {"b": 1, "c": 4}, "d": 3}),
        ("{a: {b: 1}}", "{a: 2}", {"a": 2}),
        ("{a: 1}", "{a: {b: 2}}", {"a": {"b": 2}}),
        ("{a: [1, 2, 3]}", "{a: [4]}", {"a": (4,)}),
        ("{a: 1, b: 2}", "{a: null}", {"b": 2}),
        ("{a: 1}", "{b: null}", {"a": 1}),
        ("{problem: {separation: 0.5}}", "{problem: {separation: null}}", {"problem": {"separation": None}}),
        (
            "{training: {learning_rate: {over_lambda_max: 1}, max_steps: 5}}",
            "{training: {learning_rate: {coefficient: 1, parameter: width, power: -2}}}",
            {"training": {"learning_rate": {"coefficient": 1, "parameter": "width", "power": -2}, "max_steps": 5}},
        ),
        (
            "{sweep: {path: {width: {coefficient: 1, at_least: 2}, n_sequences: {power: 1}}}}",
            "{sweep: {path: {width: {coefficient: 3}}}}",
            {"sweep": {"path": {"width": {"coefficient": 3}, "n_sequences": {"power": 1}}}},
        ),
        (
            "{prediction: {kind: event, bound: 1, probability: 0.9}}",
            "{prediction: {kind: exponent, exponent: 1}}",
            {"prediction": {"kind": "exponent", "exponent": 1}},
        ),
        (
            "{prediction: {kind: event, bound: 1}}",
            "{prediction: {kind: event, bound: 2}}",
            {"prediction": {"kind": "event", "bound": 2}},
        ),
        (
            "{prediction: {kind: event, bound: 1}}",
            "{prediction: {bound: 2}}",
            {"prediction": {"kind": "event", "bound": 2}},
        ),
    ],
)
def test_laid_over(base: str, change: str, merged: Any) -> None:
    assert plain(laid_over(tree(base), tree(change))) == merged


def test_values_keep_their_places() -> None:
    merged = laid_over(tree("a: 1\nb: {c: 2}\n", "base"), tree("b:\n  d: 3\n", "change"))
    assert merged.nearest(("a",))[0].mark == Mark("base", 1, 4)
    assert merged.nearest(("b", "c"))[0].mark == Mark("base", 2, 8)
    assert merged.nearest(("b", "d"))[0].mark == Mark("change", 2, 6)
    assert merged.nearest(("b",))[0].key == Mark("change", 1, 1)


def test_what_was_refused_stays_refused() -> None:
    base, _ = parse("a: *x\n", "a.yaml")
    assert laid_over(base, tree("a: {b: 1}")).nearest(("a", "b"))[1] is False
    assert put(base, ("a", "b"), tree("1")).nearest(("a", "b"))[1] is False


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        (("a", "b"), "2", {"a": {"b": 2, "c": 1}}),
        (("d", "e"), "2", {"a": {"b": 1, "c": 1}, "d": {"e": 2}}),
        (("a", "b", "x"), "2", {"a": {"b": {"x": 2}, "c": 1}}),
        (("a", "b"), "null", {"a": {"c": 1}}),
        (("problem", "separation"), "null", {"a": {"b": 1, "c": 1}, "problem": {"separation": None}}),
    ],
)
def test_put(path: tuple[str, ...], value: str, result: Any) -> None:
    assert plain(put(tree("{a: {b: 1, c: 1}}"), path, tree(value))) == result


def test_an_override_stands_on_the_command_line() -> None:
    path, node, violations = override("sweep.quick.grid", "[1, 2e1]")
    assert (path, violations) == (("sweep", "quick", "grid"), ())
    assert node is not None
    assert plain(node) == (1, 20.0)
    assert node.mark == Mark("--set sweep.quick.grid", 1, 1)


@pytest.mark.parametrize("key", ["", ".", "a..b", "a.", ".".join("a" * 1000)])
def test_an_override_needs_a_path(key: str) -> None:
    _, node, violations = override(key, "1")
    assert node is None
    assert "wanted a dotted path inside a check, such as sweep.quick.replicates" in str(violations[0])


def test_replicates_go_into_both_profiles() -> None:
    assert [(path, node.value) for path, node in replicates(7)] == [
        (("sweep", "quick", "replicates"), 7),
        (("sweep", "full", "replicates"), 7),
    ]


def test_marks_are_all_the_places_of_a_tree() -> None:
    assert {(mark.line, mark.column) for mark in marks(tree("a:\n  - b: 1\n"))} == {(1, 1), (2, 3), (2, 5), (2, 8)}
