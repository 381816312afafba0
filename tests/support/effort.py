# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How many examples the property tests run."""

FACTOR = 20
thousands = False  # set by the option --thousands, before tests are collected


def examples(usual: int) -> int:
  """The number of examples: `usual` ones, or many more with --thousands."""
  return usual * FACTOR if thousands else usual
