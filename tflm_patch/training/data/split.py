# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which examples are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def held_out(names: Sequence[str], share: float, seed: int) -> set[str]:
  """Those of a class that are held out: a share of them, at least one.

  The choice depends on the names alone, not on the order in which a folder lists them.

  Args:
    names: Of the examples of one class; distinct.
    share: Between 0 and 1.
    seed: Other seeds hold out others.
  """
  ranked = sorted(names, key=lambda name: hashlib.sha256(f'{seed}:{name}'.encode()).digest())
  count = min(max(1, round(share * len(names))), len(names) - 1)
  return set(ranked[:count])
