"""Points that are no networks or sequences of the paper's setting are refused with their numbers."""

from __future__ import annotations

from typing import Any

import pytest

from rnnconv_cli.spec.loader import loads

EVENT = "problem: {width: 256, horizon: 16, n_sequences: 4}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            EVENT,
            "problem: {width: 64, horizon: 16, n_sequences: 4}",
            "14:22: checks.0.problem.width: found n L = 4 x 16 = 64 at width 64, wanted n L < m, which the "
            "precondition gram-schmidt needs (lower n_sequences to 3, or remove gram-schmidt from preconditions)",
        ),
        (
            EVENT,
            "problem: {width: 16, horizon: 16, n_sequences: 1}",
            "found n L = 1 x 16 = 16 at width 16, wanted n L < m, which the precondition gram-schmidt needs (widen to",
        ),
        (
            "at_least: 256}",
            "at_least: 1}, n_sequences: {coefficient: 4, parameter: horizon, power: 1.5}",
            "n_sequences given by problem.n_sequences and sweep.path.n_sequences, wanted n_sequences given once",
        ),
        (
            "coefficient: 4, parameter: horizon, power: 2, at_least: 256",
            "coefficient: 4, parameter: horizon, power: 1",
            None,
        ),
        (
            "coefficient: 4, parameter: horizon, power: 2, at_least: 256",
            "coefficient: 2, parameter: horizon, power: 1",
            "78:21: checks.3.sweep.path.width: found n L = 2 x 4 = 8 at width 8, wanted n L < m",
        ),
        (
            "coefficient: 4, parameter: horizon, power: 2, at_least: 256",
            "coefficient: 4, parameter: horizon, power: 200",
            "checks.3.sweep.path.width: found width = 1.03",
        ),
        (
            "coefficient: 4, parameter: horizon, power: 2, at_least: 256",
            "coefficient: 1e-3, parameter: horizon, power: 1",
            "checks.3.sweep.path.width: found width = 0, wanted a width of at least 1",
        ),
        (
            "coefficient: 4, parameter: horizon",
            "coefficient: 4, parameter: width",
            "checks.3.sweep.path.width.parameter: found a law in width, wanted one in horizon, the swept parameter",
        ),
        (
            "path: {width:",
            "path: {horizon:",
            "found a path of horizon, which is swept itself, wanted a law for another",
        ),
        (
            "      parameter: horizon\n      path",
            "      path",
            "checks.3.sweep.path.width: found a path although nothing is swept, wanted sweep.parameter, or the number",
        ),
        (
            "horizon: 16, n_",
            "horizon: 1, n_",
            "14:36: checks.0.problem.horizon: found horizon = 1, wanted a horizon of at",
        ),
        (
            "grid: [4, 8, 16, 24, 32]",
            "grid: [1, 8, 16, 24, 32]",
            "checks.3.sweep.quick.grid.0: found horizon = 1, wanted",
        ),
        (
            "horizon: 16, n_",
            "n_",
            "14:5: checks.0.problem.horizon: found nothing, wanted the key horizon, or horizon as",
        ),
        (
            "problem: {horizon: 4, n_sequences: 2, separation: 1e-3}",
            "problem: {horizon: 4, n_sequences: 2, width: 64}",
            "checks.1.problem.width: found width given by problem.width and sweep.parameter, wanted width given once "
            "(write `width: null` in problem)",
        ),
        (
            "parameter: width\n      quick: {grid: [256, 512, 1024, 2048, 4096]",
            "parameter: separation\n      quick: {grid: [1e-8, 1e-6, 1e-4, 1e-2, 1]",
            "separation given by problem.separation and sweep.parameter, wanted separation given once (write "
            "`separation: null` in problem)",
        ),
        (
            "widths: [8, 16, 32, 64, 128], ",
            "",
            "checks.6.sweep.quick.widths: found no widths here, and widths in the other profile, wanted widths or a "
            "search in both",
        ),
        (
            "separation: 1e-3",
            "separation: null",
            "found nothing, wanted the key separation, or separation as sweep.param",
        ),
        (
            "adversaries: [gaussian, kink-targeted]",
            "adversaries: [gaussian, gaussian]",
            "checks.1.perturbation.adversaries: found gaussian twice, wanted each adversary once",
        ),
        (
            "horizon: 16, n_sequences: 4}",
            "horizon: 16, n_sequences: 4}\n    probe: {sparsity: 300}",
            "checks.0.probe.sparsity: found sparsity 300 at width 256, wanted no more nonzeros than units",
        ),
        (
            "horizon: 16, n_sequences: 4}",
            "horizon: 16, n_sequences: 4}\n    probe: {sparsity: {coefficient: 2, parameter: width, power: 1}}",
            "checks.0.probe.sparsity: found sparsity 512 at width 256, wanted no more nonzeros than units",
        ),
        (
            "horizon: 16, n_sequences: 4}",
            "horizon: 16, n_sequences: 4}\n    probe: {rows: 4.5}",
            "checks.0.probe.rows: found rows = 4.5, wanted a whole number",
        ),
        (
            "horizon: 16, n_sequences: 4}",
            "horizon: 16, n_sequences: 4}\n    probe: {rows: {coefficient: 0.001, parameter: width, power: 1}}",
            "checks.0.probe.rows: found rows = 0.256 at width 256, wanted at least 1 at every point, after rounding",
        ),
        ("tau0: 4.0", "around: displaced", "checks.1.perturbation: found neither tau0 nor size, wanted exactly one of"),
        (
            "tau0: 4.0",
            "tau0: 4.0\n      size: 1",
            "checks.1.perturbation: found tau0 and size, wanted exactly one of tau0",
        ),
        (
            "parameter: width",
            "parameter: tau0",
            "29:7: checks.1.perturbation.tau0: found tau0 set here, and tau0 swept",
        ),
        (
            "parameter: width",
            "parameter: size",
            "found tau0 set here, and size swept, wanted the swept one alone (remove",
        ),
        (
            "parameter: width\n      quick: {grid: [64",
            "parameter: tau0\n      quick: {grid: [64",
            "checks.5.perturbation: found nothing, wanted the section perturbation, whose tau0 is swept",
        ),
        ("copies: 2,", "copies: 5,", "62:27: checks.2.control.change.problem.copies: found 5 copies among 4 sequences"),
        (
            "        preconditions: [unit-first-token, token-norms]\n",
            "",
            "checks.2.control.change.preconditions: found 2 copies and the precondition separation, wanted "
            "preconditions without separation: copies are at distance 0 "
            "(preconditions: [unit-first-token, token-norms, gram-schmidt, step-size])",
        ),
        (
            "      max_steps: 20000\n",
            "      max_steps: 20000\n      method: sgd\n      batch_size: 5\n",
            "checks.2.training.batch_size: found a batch of 5 among 4 sequences, wanted no more than there are",
        ),
        (
            "power: 0.5}",
            "power: -400}",
            "checks.1.control.change.perturbation.tau0: found tau0 = 0 at width 256, wanted a",
        ),
        ("power: 0.5}", "power: 400}", "found tau0 = inf at width 256, wanted a positive finite number at every point"),
    ],
)
def test_refusals_give_the_numbers(broken: Any, base: str, old: str, new: str, message: str | None) -> None:
    if message is None:
        loads(base.replace(old, new, 1), "claim.yaml")
    else:
        assert message in broken((old, new))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            "n_sequences: 31, input_dim: 16, separation: 1",
            "found 31 first tokens at distance 1 with input_dim 16, wanted at",
        ),
        (
            "n_sequences: 31, input_dim: 16, separation: 1",
            "wanted at most 30: the sphere holds no more (lower separation or",
        ),
        (
            "n_sequences: 3, input_dim: 2, separation: 1e-8",
            "found 3 first tokens at distance 1e-08 with input_dim 2, wanted",
        ),
        ("n_sequences: 6, input_dim: 3, separation: 0.8", "with input_dim 3, wanted at most 5"),
    ],
)
def test_a_separation_that_the_sphere_cannot_hold(broken: Any, problem: str, message: str) -> None:
    assert message in broken((EVENT, f"problem: {{width: 4096, horizon: 4, {problem}}}"))


@pytest.mark.parametrize(
    "problem",
    [
        "n_sequences: 30, input_dim: 16, separation: 1",
        "n_sequences: 2, input_dim: 2, separation: 1",
        "n_sequences: 5, input_dim: 3, separation: 0.8",
        "n_sequences: 1000, input_dim: 16, separation: 1e-8",
    ],
)
def test_a_separation_that_the_sphere_holds(base: str, problem: str) -> None:
    loads(base.replace(EVENT, f"problem: {{width: 8192, horizon: 4, {problem}}}"), "claim.yaml")
