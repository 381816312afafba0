# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers by chance that depend on what they are for, not on what was drawn before."""

from __future__ import annotations

import hashlib
import random


def seed_of(*what: object) -> int:
  """A seed of 32 bits: the same for the same words, in every process."""
  return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:4], 'big')


def rng_of(*what: object) -> random.Random:
  """A stream of numbers by chance that begins anew for the same words."""
  return random.Random(seed_of(*what))
