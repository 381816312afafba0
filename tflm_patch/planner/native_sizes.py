# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What plans of a stage need, found natively from the stage's arrays alone.

The answers are those of `Planner`, which also makes the plans.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.graph.types import DType
from tflm_patch.planner import limits
from tflm_patch.planner.cut_search import CutSearch
from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.laid_out import count_steps
from tflm_patch.planner.memory import layout, layout_search
from tflm_patch.planner.memory.layout_search import Wish
from tflm_patch.planner.native import layouts, library
from tflm_patch.planner.native.library import BufferArrays
from tflm_patch.planner.native.stage_tables import REUSED_INPUT, ROLES, StageArrays
from tflm_patch.planner.schedule.segments import Cuts
from tflm_patch.planner.stage_plan import PlanSize
from tflm_patch.program.records import MAX_OPS

_ELEMENT_BYTES = np.array([dtype.bytes or 1 for dtype in DType], np.int64)  # by number


@dataclasses.dataclass(frozen=True, eq=False)
class Simulated:
  """Cuts and what their segments need.

  Attributes:
    cuts: Operators [first, last) of each segment.
    buffers: Of memory.
  """

  cuts: Cuts
  buffers: BufferArrays

  @property
  def peak_bytes(self) -> int:
    """The most bytes that are alive at once."""
    return int(layouts.live_bytes(self.buffers).max())

  def peak_op(self) -> int:
    """The operator that runs when the most memory is alive."""
    return int(self.buffers.order[layouts.live_bytes(self.buffers).argmax()])

  def bounding_segment(self) -> tuple[int, int]:
    """The segment during which that is."""
    op = self.peak_op()
    return next(cut for cut in self.cuts if cut[0] <= op < cut[1])


@dataclasses.dataclass(frozen=True, eq=False)
class Placed:
  """Cuts with places for their rows.

  Attributes:
    candidate: The cuts.
    wish: What was of interest.
    workspace_bytes: That was allowed.
    used_bytes: That are used of it, a multiple of 16.
  """

  candidate: Simulated
  wish: Wish
  workspace_bytes: int
  used_bytes: int

  def size(self, workspace_bytes: int) -> PlanSize:
    """With a workspace of this size."""
    steps = count_steps(self.candidate.buffers.order)
    return PlanSize(workspace_bytes, len(self.candidate.cuts), steps)


class NativeSizes(CutSearch[Simulated, Placed]):
  """Sizes of plans of one stage.

  Args:
    arrays: The stage; its tensors' maps are numbered in the order of the tensors.

  Raises:
    InPython: the library is not there or not made for this stage; from every method, too.
    NotStageable: it is too much work to plan.
  """

  def __init__(self, arrays: StageArrays) -> None:
    steps = int(arrays.steps.sum())
    limits.check_size(len(arrays.steps), steps)
    self._arrays = arrays
    self._native = library.SegmentSearch(arrays, limits.longest_segment(steps, MAX_OPS))
    is_tensor = (arrays.role == REUSED_INPUT) | (arrays.role == ROLES[MapRole.OUTPUT])
    tensor_bytes = int((arrays.rows * arrays.row_bytes)[is_tensor].sum())
    super().__init__(self._native, tensor_bytes)

  def size_within(self, workspace_limit: int) -> PlanSize | None:
    """As `Planner.size_within`."""
    found = self.placed_within(workspace_limit)
    return None if found is None else found.size(found.used_bytes)

  def smallest_size(self) -> PlanSize:
    """As `Planner.smallest_size`."""
    found = self.smallest_placed()
    return found.size(found.workspace_bytes)

  def peak_op(self) -> int:
    """The operator during which `smallest_size()` needs the most."""
    return self.smallest_placed().candidate.peak_op()

  def smallest_cuts(self) -> tuple[Cuts, int | None]:
    """For `Planner.plan_of`: the cuts of the smallest, and below what they were laid out."""
    found = self.smallest_placed()
    return found.candidate.cuts, found.wish.limit

  def _simulate(self, cuts: Cuts) -> list[Simulated]:
    return [Simulated(cuts, buffers) for buffers in self._native.variants(cuts)]

  def _lay_out(self, candidates: Sequence[Simulated], wish: Wish) -> Placed | None:
    found = super()._lay_out(candidates, wish)
    return None if found is None else dataclasses.replace(found, wish=wish)

  def _place(self, candidate: Simulated, wish: Wish) -> Placed | None:
    buffers = candidate.buffers
    items = buffers.of_maps + buffers.of_ops
    if not items:
      return Placed(candidate, wish, 0, 0) if wish.limit is None or wish.limit > 0 else None
    alignment = np.full(items, layout.ALIGNMENT, np.int64)
    alignment[: buffers.of_maps] = _ELEMENT_BYTES[
      self._arrays.dtype[buffers.owner[: buffers.of_maps]]
    ]
    problem = layouts.problem_of(buffers, alignment, limits.MAX_SLOTS_IN_PIECES)
    found = layout_search.find_places(problem, len(buffers.order), wish)
    if found is None:
      return None
    places, size = found
    return Placed(candidate, wish, size, layout.aligned(layouts.used_bytes(problem, places)))
