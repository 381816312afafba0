# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How much the planner looks at, so that no model takes it minutes or gigabytes.

Models are not trusted: a file of a kilobyte can describe maps of 65,535 rows, thousands of
operators or a grid of millions of patches. Models for microcontrollers stay far below
these limits, and nothing changes for them; beyond, the search is coarser, then refused.
"""

from __future__ import annotations

import math

from tflm_patch.planner.ir.stage_graph import NotStageable, StageGraph

# Operators of a stage, patches of one counted each. Tables of segments grow with the square.
MAX_OPS_OF_STAGE = 2048
# Operators that become one stage; a longer run becomes several.
MAX_OPS_OF_REGION = 512
MAX_WORKSPACE = (1 << 31) - 1
# Steps of all operators: rows that are computed one by one.
MAX_STEPS = 400_000
# Up to so many steps the search is exhaustive; beyond, so many are simulated in all.
_EXHAUSTIVE_STEPS = 30_000
_SIMULATED_STEPS = 1_500_000
# Slots of a map that may be torn into two pieces, and slots beyond which fewer orders
# of a layout are tried.
MAX_SLOTS_IN_PIECES = 1024
_EXHAUSTIVE_SLOTS = 8_000


def steps_of(graph: StageGraph) -> int:
  """Steps of all operators of a stage."""
  return sum(op.steps for op in graph.ops)


def is_searched_fully(steps: int) -> bool:
  """Whether all rewrites and segments of a stage of so many steps are tried."""
  return steps <= _EXHAUSTIVE_STEPS


def check_size(ops: int, steps: int) -> None:
  """Refuses a stage that is too much work to plan.

  Args:
    ops: Number of its operators.
    steps: Of all of them.

  Raises:
    NotStageable: there are too many operators or steps; says which.
  """
  if ops > MAX_OPS_OF_STAGE:
    raise NotStageable(f'it would have {ops:,} operators, a stage has at most {MAX_OPS_OF_STAGE:,}')
  check_steps(steps)


def check_steps(steps: int) -> None:
  """Refuses a stage of too many steps.

  Raises:
    NotStageable: says what to do.
  """
  if steps > MAX_STEPS:
    raise NotStageable(
      f'its operators compute more than {MAX_STEPS:,} rows, which takes too long to plan; '
      'use a smaller input'
    )


def check_patches(grid: tuple[int, int], operators: int) -> None:
  """Refuses a grid of too many patches.

  Raises:
    NotStageable: says how many.
  """
  count = grid[0] * grid[1] * operators
  if count > MAX_OPS_OF_STAGE:
    raise NotStageable(
      f'a grid of {grid[0]}x{grid[1]} patches of {operators} operators makes {count:,} '
      f'operators, a stage has at most {MAX_OPS_OF_STAGE:,}; choose a smaller grid'
    )


def check_workspace(size: int) -> None:
  """Refuses a workspace that no arena holds.

  Raises:
    NotStageable: says its size.
  """
  if size > MAX_WORKSPACE:
    raise NotStageable(
      f'its workspace would have {size:,} bytes, more than the {MAX_WORKSPACE:,} that TFLM '
      'can address; use a smaller input'
    )


def regions_of(operators: int) -> int:
  """How many regions of a model of so many operators may become stages.

  Whether one is of use is found out by placing all tensors of the model.
  """
  return max(4, min(256, 40_000_000 // max(1, operators) ** 2))


def longest_segment(steps: int, longest: int) -> int:
  """The most operators of a segment that are simulated: `longest` for any usual stage.

  Args:
    steps: Of all operators of the stage.
    longest: What a program can hold.
  """
  if is_searched_fully(steps):
    return longest
  return max(1, min(longest, math.isqrt(2 * _SIMULATED_STEPS // steps)))


def layout_attempts(attempts: int, slots: int) -> int:
  """Orders that a layout of so many slots tries, of those that it would."""
  if slots <= _EXHAUSTIVE_SLOTS:
    return attempts
  return max(2, attempts * _EXHAUSTIVE_SLOTS**2 // slots**2)
