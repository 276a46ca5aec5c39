"""What the models refuse, said in plain words at the right place."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "tau0: 4.0",
            "tau0: -4.0",
            "29:13: checks.1.perturbation.tau0: found -4.0, wanted a positive number, or a law {",
        ),
        (
            "tau0: 4.0",
            "tau0: '4'",
            'found "4", wanted a positive number, or a law {coefficient, parameter, power} (remove',
        ),
        ("tau0: 4.0", "tau0: {x: 1}", "tau0: found a mapping with the keys x, wanted a positive number, or a law {"),
        (
            "tau0: 4.0",
            "tau0: {coefficient: 0, parameter: width, power: 1}",
            "tau0.coefficient: found 0, wanted a positive",
        ),
        (
            "{over_lambda_max: 1.0}",
            "{over_lambda_max: no}",
            'learning_rate.over_lambda_max: found "no", wanted a positive',
        ),
        (
            "{over_lambda_max: 1.0}",
            "{power: 1, coefficient: 1}",
            "learning_rate.parameter: found nothing, wanted the key",
        ),
        (
            "parameter: width",
            "paramter: width",
            'found the unknown key "paramter", wanted one of parameter, path, quick',
        ),
        ("parameter: width", "paramter: width", "(did you mean parameter?)"),
        (
            "parameter: width",
            "parameter: widht",
            'found the unknown word "widht", wanted one of width, horizon, n_sequ',
        ),
        ("parameter: width", "parameter: widht", "(did you mean width?)"),
        ("path: {width:", "path: {wdth:", "78:14: checks.3.sweep.path.wdth: found the unknown key"),
        ("kind: exponent", "kind: exponnt", "36:13: checks.1.prediction.kind: found the unknown kind"),
        ("kind: exponent", "kind: exponnt", "(did you mean exponent?)"),
        (
            "      kind: exponent\n",
            "",
            "checks.1.prediction.kind: found nothing, wanted the key kind: one of exponent,",
        ),
        ("kind: exponent", "kind: 3", 'found the unknown kind "3"'),
        ("exponent: 0.6667", "exponent: yes", '37:17: checks.1.prediction.exponent: found "yes", wanted a number'),
        ("tolerance: 0.04", "tolernce: 0.04", "checks.1.prediction.tolernce: found the unknown key"),
        ("width: 256", "width: 2.56e2", "found 256.0, wanted a whole number from 1 to 1000000000 (write 256)"),
        ("width: 256", "width: true", "found true, wanted a whole number"),
        (
            "width: 256",
            "width: 0",
            "14:22: checks.0.problem.width: found 0, wanted a whole number from 1 to 1000000000",
        ),
        (
            "grid: [256, 512,",
            "grid: [256, x,",
            '33:27: checks.1.sweep.quick.grid.1: found "x", wanted a positive number',
        ),
        ("adversaries: [gaussian, kink-targeted]", "adversaries: gaussian", "(write [gaussian])"),
        ("adversaries: [gaussian, kink-targeted]", 'adversaries: "\\ufeff"', "(put it in square brackets)"),
        ("adversaries: [gaussian, kink-targeted]", "adversaries: []", "found an empty list, wanted a list of 1 to 100"),
        (
            "id: hidden-norm-upper",
            "id: Lemma B.3",
            'found "Lemma B.3", wanted a lower-case name such as hidden-norm-upper',
        ),
        ("reason: Nothing but rounding.", "reason: ' '", 'found " ", wanted a text of 1 to 4000 characters, not all'),
        ("title: One check of each kind", "title: ''", 'found "", wanted a text of 1 to 200 characters'),
        ("schema: 1", "schema: true", "claim.yaml:2:9: schema: found true, wanted 1"),
        ("schema: 1", "schema: 2", "claim.yaml:2:9: schema: found 2, wanted 1"),
        ("status: theorem", "status: null", "status: found nothing (null), wanted one of theorem, conjecture"),
        ("title: One check of each kind\n", "", "title: found nothing, wanted the key title: a text of 1 to 200"),
        ("change: {problem: {weight_variance: 1.0}}", "change: 3", "control.change: found 3, wanted a mapping"),
    ],
)
def test_one_fault_one_message(broken: Any, old: str, new: str, message: str) -> None:
    assert message in broken((old, new))


def test_a_choice_between_forms_is_one_message(broken: Any) -> None:
    assert broken(("tau0: 4.0", "tau0: -4.0")).count("\n") == 0


def test_a_flaw_inside_one_form_is_told_without_the_others(broken: Any) -> None:
    message = broken(("tau0: 4.0", "tau0: {coefficient: 1, parameter: m, power: 1}"))
    assert message == (
        'claim.yaml:29:41: checks.1.perturbation.tau0.parameter: found the unknown word "m", '
        "wanted one of width, horizon, n_sequences, separation, output_dim"
    )


def test_a_list_of_invalid_elements_is_not_called_too_short(broken: Any) -> None:
    message = broken(("title: One check of each kind\n", ""), ("n_sequences: 4", "n_sequences: none"))
    assert len(message.splitlines()) == 2


def test_nothing_more_is_said_of_what_the_reader_refused(broken: Any) -> None:
    message = broken(("width: 256", "width: 0256"), ("problem: {n_sequences: 2}", "problem: *x"))
    assert len(message.splitlines()) == 2


def test_no_message_speaks_pydantic(refuse: Any) -> None:
    message = refuse(
        "schema: x\nchecks: [{prediction: 3, sweep: {quick: 1}, problem: [], control: no}]\nid: 3\nzz: 1\n"
    )
    for jargon in ("Input should", "Field required", "constrained", "Literal", "dictionary", "tuple", "None", "union"):
        assert jargon not in message
