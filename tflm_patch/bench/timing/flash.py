# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Flash that waits, behind a small cache as vendors put between it and the core."""

from __future__ import annotations

import dataclasses

from tflm_patch.bench.trace.counts import SectionCounts


@dataclasses.dataclass(frozen=True)
class Flash:
  """Flash with a cache of code, one of constants, and a prefetch of code.

  Code, tables, and a stage's program and weights lie in flash. A line of the caches is
  what flash gives at once; the line that was not used for longest goes. The next line
  of code is fetched while the core runs the one before, for at least a cycle a word of
  four bytes.

  The defaults are those of ST's ART accelerator in STM32L4 and L4+ (RM0351 and RM0432,
  "Adaptive real-time memory accelerator": 1 KiB for code, 256 bytes for constants).

  Attributes:
    wait_states: Cycles that a read of flash takes beyond the first.
    word_bytes: What it gives at once.
    code_bytes, data_bytes: Sizes of the caches.
  """

  wait_states: int
  word_bytes: int = 16
  code_bytes: int = 1024
  data_bytes: int = 256

  @property
  def code_lines(self) -> int:
    return self.code_bytes // self.word_bytes

  @property
  def data_lines(self) -> int:
    return self.data_bytes // self.word_bytes

  def waits(self, counts: SectionCounts) -> int:
    """Cycles that a section waits."""
    prefetched = max(0, self.wait_states - self.word_bytes // 4)
    misses = counts.code_misses + counts.data_misses
    return self.wait_states * misses + prefetched * counts.next_misses
