# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is asked for."""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.errors import TflmPatchError


class Objective(enum.Enum):
  """What is to become smaller."""

  OVERHEAD = 'overhead'  # extra MACs of the patch stage, as a part of its own
  LINE_BUFFERS = 'line_buffers'  # bytes of the rows that the windows of the stage keep
  ARENA = 'arena'  # bytes, of the converted model


@dataclasses.dataclass(frozen=True)
class RedistributionOptions:
  """How receptive fields are redistributed.

  Attributes:
    objective: What is to become smaller.
    goal: The largest value of it that will do; None for as small as it gets. Of all specs
      that will do, the one is taken whose stage keeps the most MACs.
    network_overhead: The largest overhead of the patch stage as a part of the network's
      MACs that will do, patches without what lies outside of the image; None for any.
    grid: Rows and columns of patches.
    blocks: How many of the first blocks are the patched or streamed part; None for the
      patch stage of the lowest peak.
    macs_tolerance: How far the MACs may end from those of before, as a part of them.
    least_kernel: No kernel becomes smaller than this.
    expansions: What inverted bottlenecks of the stage may expand to, where that is less.
    most_added: At most so many blocks are added after the stage.
  """

  objective: Objective = Objective.OVERHEAD
  goal: float | None = None
  network_overhead: float | None = None
  grid: tuple[int, int] = (4, 4)
  blocks: int | None = None
  macs_tolerance: float = 0.02
  least_kernel: int = 1
  expansions: tuple[float, ...] = (4.0, 3.0)
  most_added: int = 6

  def __post_init__(self) -> None:
    if min(self.grid) < 1 or self.least_kernel < 1 or self.most_added < 0:
      raise TflmPatchError('a grid and kernels are at least 1, added blocks at least 0')
    if any(each < 1 for each in self.expansions):
      raise TflmPatchError('an expansion is at least 1')
    if not 0 <= self.macs_tolerance <= 1:
      raise TflmPatchError(f'a tolerance of {self.macs_tolerance:g} is not from 0 to 1')


DEFAULT = RedistributionOptions()
