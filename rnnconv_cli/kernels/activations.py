"""The activations a claim file can ask for, as the integer codes that compiled code branches on."""

from __future__ import annotations

RELU, LINEAR, TANH = 0, 1, 2

ACTIVATIONS = {"relu": RELU, "linear": LINEAR, "tanh": TANH}
