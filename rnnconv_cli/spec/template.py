"""The text of a new claim file: commented, and valid as it stands."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from rnnconv_cli.errors import UsageError
from rnnconv_cli.spec.claim import Fragment
from rnnconv_cli.spec.document import shown
from rnnconv_cli.spec.scalar import resolve
from rnnconv_cli.spec.schema import SHIPPED

_TEXT = """\
# yaml-language-server: $schema=@SCHEMA@
# A claim is an assertion of a paper; each of its checks is one measurable statement with a control that turns it.
schema: 1                       # the version of this format
id: @ID@
title: Hidden norms stay bounded
source: {statement: "Lemma B.3", page: "24"}   # `paper` is arXiv:1810.12065v4 unless you say otherwise
statement: >-
  Your own words: what is claimed, for which sizes, with which probability.
status: theorem                 # theorem | conjecture | misprint | derived

checks:
  - id: hidden-norm-upper       # a lower-case fragment that can be false
    source: {statement: "Lemma B.3", page: "24"}
    statement: All hidden norms stay below 2l + 4 at once.
    quantity: hidden-norm-upper # what is measured: here max over i, l of ||h_{i,l}|| / (2(l - 1) + 4)

    # Network and data. Left out, and therefore at their defaults: input_dim 16, output_dim 1, separation 0.5,
    # later_tokens fresh, labels random, copies 1, weight_variance 2.0 (in N(0, c/m)), output_variance 1/d,
    # activation relu, layers shared, dtype float64.
    problem: {width: 256, horizon: 16, n_sequences: 4}

    # What varies, and how much is measured in each profile. An event and an identity are decided at one point and sweep
    # nothing. The other kinds sweep one parameter, which is then left out of `problem`, over 5 points or more:
    #   sweep:
    #     parameter: width        # width | horizon | n_sequences | output_dim | separation | tau0 | size
    #                             # | decades | steps of a run | any number of `probe`
    #     quick: {grid: [128, 256, 512, 1024, 2048], replicates: 8}
    #     full: {grid: [128, 256, 512, 1024, 2048, 4096], replicates: 16}
    # A second parameter may follow the first along a path:
    #     path: {width: {coefficient: 4, parameter: horizon, power: 2, at_least: 256}}   # m = max(256, 4 L^2)
    sweep:
      quick: {replicates: 60}
      full: {replicates: 200}

    # One of: exponent {side, exponent, log_power, tolerance, reason} | attainment {exponent, tolerance, reason}
    #   | growth {side, rate, reason} | event {side, bound, probability, reason} | identity {rounding_units, reason}
    #   | decay {tail, tolerance, reason} | frontier {side, bound, probability, exponent, tolerance, reason}
    prediction:
      kind: event
      side: upper
      bound: 1.0
      probability: 0.9
      reason: The quantity is divided by its bound; the share of draws is ours.   # why these numbers

    # A descent run, for quantities that need one:
    #   training: {method: gd, learning_rate: {over_lambda_max: 1.0}, max_steps: 20000, accuracy: 1e-4}
    # A perturbation of spectral norm tau0/sqrt(m), for quantities that need one; the worst adversary counts:
    #   perturbation: {tau0: 1.0, adversaries: [gaussian]}

    # The same check under a change that must turn its verdict: sections are laid over these, null takes a key away.
    control:
      description: "Variance 4/m: norms double at every second layer."
      change:
        problem: {weight_variance: 4.0}
      expected: outside         # the verdict that shows that this check has power

    expected: within            # outside once a full run has shown it, with the figure in the notes

notes: >-
  What a reader should know: surprises, sizes tried, what did not work.
"""


def claim_text(claim_id: str) -> str:
    """The text of a claim file of that id. Raises UsageError where the id is not a lower-case fragment."""
    try:
        TypeAdapter(Fragment).validate_python(claim_id, strict=True)
    except ValidationError as error:
        wanted = "a lower-case id of at most 64 letters, digits and hyphens"
        raise UsageError(f"the id {shown(claim_id)}", wanted, "for example hidden-norm-bounded") from error
    written = claim_id if resolve(claim_id) == claim_id else f'"{claim_id}"'  # `true` is an id only in quotes
    return _TEXT.replace("@SCHEMA@", SHIPPED.as_uri()).replace("@ID@", written)
