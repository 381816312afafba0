# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the smallest plans of a stage need, without the plans."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Protocol, TypeVar

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.native.library import InPython
from tflm_patch.planner.native.stage_tables import StageArrays
from tflm_patch.planner.native_sizes import NativeSizes
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.stage_plan import PlanSize, StagePlan

T = TypeVar('T')


class SizeSearch(Protocol):
  """What is asked of the plans of a stage before any is made."""

  def gets_below(self, limit: int, floor: int) -> bool:
    """Whether at most `limit` bytes are alive at once in some plan, tensors counted by rows.

    Args:
      limit: In bytes.
      floor: What is below that is all the same.
    """

  def least_bytes(self) -> int:
    """What the stage needs at least, its tensors included."""

  def smallest_size(self) -> PlanSize:
    """What the smallest plan needs."""


class StageSizes:
  """A `SizeSearch` of a stage given as arrays; its graph is made where a plan is.

  All inputs of the stage may be overwritten.

  Args:
    arrays: The stage.
    graph: The same.

  Raises:
    NotStageable: it is too much work to plan.
  """

  def __init__(self, arrays: StageArrays, graph: Callable[[], StageGraph]) -> None:
    self._graph = graph
    self._native: NativeSizes | None = None
    with contextlib.suppress(InPython):
      self._native = NativeSizes(arrays)

  @functools.cached_property
  def _planner(self) -> Planner:
    graph = self._graph()
    return Planner(graph, range(len(graph.inputs)))

  def _ask(self, question: Callable[[NativeSizes | Planner], T]) -> T:
    if self._native is not None:
      try:
        return question(self._native)
      except InPython:
        self._native = None
    return question(self._planner)

  @property
  def tensor_bytes(self) -> int:
    """Of the stage's tensors."""
    return self._ask(lambda sizes: sizes.tensor_bytes)

  def gets_below(self, limit: int, floor: int) -> bool:
    """See `SizeSearch`."""
    if floor == self.tensor_bytes:  # what is found out is remembered
      return self._ask(lambda sizes: sizes.gets_below(limit + 1))
    return self._ask(lambda sizes: sizes.gets_below_tensors(limit, floor))

  def least_bytes(self) -> int:
    """See `SizeSearch`."""
    return self._ask(lambda sizes: sizes.least_peak())

  def smallest_size(self) -> PlanSize:
    """See `SizeSearch`."""
    return self._ask(lambda sizes: sizes.smallest_size())

  def peak_op(self) -> int:
    """The operator during which the smallest plan needs the most."""
    return self._ask(lambda sizes: sizes.peak_op())

  def size_within(self, workspace_limit: int) -> PlanSize | None:
    """A plan of at most this workspace, found without much search; None where that needs more."""
    return self._ask(lambda sizes: sizes.size_within(workspace_limit))

  def smallest(self) -> StagePlan:
    """The smallest plan."""
    if self._native is None:
      return self._planner.smallest()
    return self._planner.plan_of(*self._native.smallest_cuts())
