# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What an access costs in each memory of a target.

The cycles of `CostTable` are those of memories that do not wait. An access to one that
does takes so many cycles instead of one, loads and stores alike, of bytes and of words; no
cache is modelled.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.errors import TflmPatchError
from tflm_patch.targets import Target

# Of external memory, or of SRAM behind a slower bus.
SLOW_CYCLES = 10


@dataclasses.dataclass(frozen=True)
class Memories:
  """Two memories for activations, and that of the weights.

  Attributes:
    fast_bytes: What a stage may take of the fast memory.
    slow_cycles: Of an access to the arena, and to state.
    fast_cycles: Of one to the fast memory, in which the stack lies as well.
    weights_cycles: Of one to the constants; flash behind a cache by default.

  Raises:
    TflmPatchError: sizes or cycles that no memory has.
  """

  fast_bytes: int
  slow_cycles: int = SLOW_CYCLES
  fast_cycles: int = 1
  weights_cycles: int = 1

  def __post_init__(self) -> None:
    if self.fast_bytes < 16:
      raise TflmPatchError(
        f'{self.fast_bytes} bytes of fast memory hold nothing; give 16 or more, or leave it out'
      )
    if min(self.slow_cycles, self.fast_cycles, self.weights_cycles) < 1:
      raise TflmPatchError('an access to memory takes 1 cycle or more')
    if self.slow_cycles < self.fast_cycles:
      raise TflmPatchError(
        f'the arena takes {self.slow_cycles} cycles an access, the fast memory {self.fast_cycles}: '
        'exchange them'
      )


def of_target(fast_bytes: int | None, target: Target | None) -> Memories | None:
  """The memories of a chip, or of one that nothing else is known of.

  Args:
    fast_bytes: What a stage may take of the fast one; None where only one is to be used.
    target: The chip.

  Raises:
    TflmPatchError: the chip has less, or so little holds nothing.
  """
  if fast_bytes is None:
    return None
  if target is None:
    return Memories(fast_bytes)
  if target.fast_bytes is not None and fast_bytes > target.fast_bytes:
    raise TflmPatchError(
      f'{target.name} has {target.fast_bytes:,} bytes of fast memory, --fast asks for '
      f'{fast_bytes:,}; give at most that'
    )
  return Memories(fast_bytes, target.slow_cycles or SLOW_CYCLES)
