# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the stages of a model are judged by: the arena of the target, and the work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.arena import ArenaPrediction, peak_operators, predict, stage_operator_bytes
from tflm_patch.arena.structs import FIRMWARE_32, Build
from tflm_patch.conversion.stage_operator import (
  PlannedStage,
  install_stages,
  is_stage,
  with_workspace,
)
from tflm_patch.conversion.stock_work import are_faster
from tflm_patch.cost.memories import Memories
from tflm_patch.graph.types import Model
from tflm_patch.planner.bands import longest_invocation
from tflm_patch.planner.search import work_of
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.work import predict as predict_work
from tflm_patch.planner.work import waiting_cycles

Finish = Callable[[Model], Model]

DEFAULT_CPU = 'cortex-m4'
# A change that lowers the arena by less than this part is not worth a stage.
WORTH = 0.02


@dataclasses.dataclass(frozen=True)
class Goal:
  """Whose arena is meant, and what is fast there.

  Attributes:
    build: TFLM on the target.
    cpu: A core whose cycles, or instructions where it has no timings, are predicted; None
      when kernel calls count.
    balance: The longest invocation counts, before all of them together.
    memories: What accesses to memory cost; None where none waits.
  """

  build: Build = FIRMWARE_32
  cpu: str | None = DEFAULT_CPU
  balance: bool = False
  memories: Memories | None = None

  def work(self, plan: StagePlan) -> tuple[int, int]:
    """What makes a plan slow, to be compared with that of others."""
    if self.cpu is None:
      return work_of(plan)
    if self.balance:
      longest = longest_invocation(plan, self.cpu)
      return longest.longest, longest.total
    waiting = 0 if self.memories is None else waiting_cycles(plan, self.memories)
    return predict_work(plan, self.cpu).work + waiting, plan.dispatches

  def least_gain(self, arena_bytes: int, stages: int = 1) -> int:
    """Bytes that so many stages must save of an arena to be worth making."""
    return max(int(WORTH * arena_bytes), stages * stage_operator_bytes(self.build)) + 1


DEFAULT_GOAL = Goal()


class Judge:
  """Builds models with stages and says what they need.

  Args:
    model: The model that the stages' regions refer to.
    finish: Makes a model with stages installed one that TFLM can run.
    goal: What is wanted of it.
  """

  def __init__(self, model: Model, finish: Finish, goal: Goal) -> None:
    self.goal = goal
    self._model = model
    self._finish = finish

  def build(self, stages: Sequence[PlannedStage], outlines: bool = False) -> Model:
    """The model with these stages, ready for TFLM; with outlines only for predictions."""
    return self._finish(install_stages(self._model, stages, outlines))

  def predict(self, stages: Sequence[PlannedStage]) -> ArenaPrediction:
    """The arena with these stages on the target."""
    return predict(self.build(stages, outlines=True), build=self.goal.build)

  def arena(self, stages: Sequence[PlannedStage]) -> int:
    """Bytes that TFLM reports with these stages."""
    return self.predict(stages).total

  def fits(self, stages: Sequence[PlannedStage], limit: int) -> bool:
    """Whether TFLM can allocate the model in an arena of `limit` bytes."""
    return self.predict(stages).required <= limit

  def work(self, stages: Sequence[PlannedStage]) -> tuple[int, int]:
    """The work of all stages."""
    each = np.array([self.goal.work(stage.plan) for stage in stages], np.int64).reshape(-1, 2)
    first, second = each.sum(axis=0).tolist()
    return first, second

  def are_faster(self, stages: Sequence[PlannedStage]) -> bool:
    """Whether stages take less predicted work than the operators in them."""
    return are_faster(self._model.main, stages, self.goal.cpu)

  def largest_workspace(
    self, stages: Sequence[PlannedStage], stage: PlannedStage, limit: int
  ) -> int:
    """How large the workspace of a stage may be, with the others as they are; a multiple of 16.

    Args:
      stages: All, which fit.
      stage: One of them.
      limit: Bytes of the arena.
    """
    low, high = stage.plan.workspace_bytes // 16, limit // 16
    while low < high:
      middle = (low + high + 1) // 2
      larger = with_workspace(stage, middle * 16)
      if self.fits([larger if other is stage else other for other in stages], limit):
        low = middle
      else:
        high = middle - 1
    return low * 16


def bounding(stages: Sequence[PlannedStage], judge: Judge) -> PlannedStage | None:
  """The stage during which the most memory is alive, None when a stock operator does that."""
  operators = judge.build(stages, outlines=True).main.operators
  for at in peak_operators(judge.predict(stages)):
    if is_stage(operators[at]):
      return stages[sum(is_stage(operator) for operator in operators[:at])]
  return None
