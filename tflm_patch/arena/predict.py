# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The arena that a model needs in TFLM, without running it."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tflm_patch.arena import greedy, live_ranges
from tflm_patch.arena.structs import FIRMWARE_32, WHEEL_2026_10, Build, align_up
from tflm_patch.arena.tail import BUFFER_ALIGNMENT, Tail
from tflm_patch.graph.types import Model


@dataclasses.dataclass(frozen=True)
class PlannedBuffer:
  """A buffer in the head.

  Attributes:
    name: Of the tensor, or of the operator that a scratch buffer belongs to.
    kind: What it holds.
    size: Bytes, a multiple of 16.
    first_op, last_op: The operators during which it is alive, both included; -1
      when no operator uses it.
    offset: From the start of the arena.
  """

  name: str
  kind: Literal['tensor', 'scratch']
  size: int
  first_op: int
  last_op: int
  offset: int


@dataclasses.dataclass(frozen=True)
class ArenaPrediction:
  """What TFLM's allocator will report for a model.

  Attributes:
    head: Non-persistent bytes: activations and scratch buffers at their peak.
    tail: Persistent bytes.
    total: The sum.
    required: An arena in which TFLM can prepare the model, a multiple of 16. It is
      the smallest one, except for models of a few hundred bytes, where it may be some
      bytes too large. For small models it is more than the total: see `tail`.
    buffers: What lies in the head.
    callers: Of every operator in execution order, the main subgraph's operator that it
      belongs to; those of a called subgraph stand where the call is, after two for the
      call itself.
    unknown_operators: Names of operators whose memory is not known. They are
      counted as if they had none of their own.
    exact: The figures are what TFLM reports, not an estimate.
  """

  head: int
  tail: int
  total: int
  required: int
  buffers: tuple[PlannedBuffer, ...]
  callers: tuple[int, ...]
  unknown_operators: tuple[str, ...]
  exact: bool


def predict(model: Model, pointer_bytes: int = 8, build: Build | None = None) -> ArenaPrediction:
  """Predicts the arena of a model, stock or converted.

  Args:
    model: The model.
    pointer_bytes: 8 for TFLM's Python interpreter of October 2026, whose allocator
      also keeps records; 4 for the interpreter of a firmware with the reference
      kernels. Optimized kernels request scratch buffers of their own: there the
      figures are a lower bound.
    build: Any other build of TFLM; overrides `pointer_bytes`.

  Raises:
    ValueError: pointer_bytes is neither 4 nor 8.
  """
  if build is None:
    if pointer_bytes not in _BUILDS:
      raise ValueError(f'pointer_bytes is {pointer_bytes}, must be 4 or 8')
    build = _BUILDS[pointer_bytes]
  plan, is_plan_valid = live_ranges.offline_plan(model)
  tail = Tail(model, build)
  tail.prepare(plan)
  alive = live_ranges.find(model, tail.scratch, plan)

  requirements = [
    greedy.Requirement(
      align_up(buffer.size, BUFFER_ALIGNMENT), buffer.first, buffer.last, buffer.offset
    )
    for buffer in alive.buffers
  ]
  offsets = greedy.place(requirements)
  head = greedy.peak(requirements, offsets)
  tail.finish(len(requirements), head)
  buffers = tuple(
    _planned(model, buffer, requirement.size, offset)
    for buffer, requirement, offset in zip(alive.buffers, requirements, offsets)
  )
  return ArenaPrediction(
    head=head,
    tail=tail.used,
    total=head + tail.used,
    required=tail.required,
    buffers=buffers,
    callers=alive.callers,
    unknown_operators=tuple(tail.unknown),
    exact=(
      not tail.unknown
      and alive.is_complete
      and is_plan_valid
      and not live_ranges.is_compressed(model)
    ),
  )


_BUILDS = {8: WHEEL_2026_10, 4: FIRMWARE_32}


def memory_over_time(prediction: ArenaPrediction) -> list[int]:
  """Bytes of the head that are alive during each operator of the main subgraph, at the most.

  The greedy planner may leave gaps between them: the head can be larger than the
  largest of these.
  """
  most: dict[int, int] = {}
  for caller, live in zip(prediction.callers, _executed(prediction)):
    most[caller] = max(live, most.get(caller, 0))
  return list(most.values())


def buffers_during(prediction: ArenaPrediction, operator: int) -> list[PlannedBuffer]:
  """What is alive when the most is, while an operator of the main subgraph runs."""
  over_time = _executed(prediction)
  own = (i for i, caller in enumerate(prediction.callers) if caller == operator)
  at = max(own, key=over_time.__getitem__)
  return [buffer for buffer in prediction.buffers if buffer.first_op <= at <= buffer.last_op]


def _executed(prediction: ArenaPrediction) -> list[int]:
  """Bytes that are alive during each operator in execution order."""
  change = [0] * (len(prediction.callers) + 1)
  for buffer in prediction.buffers:
    if buffer.last_op >= 0 and prediction.callers:
      change[buffer.first_op] += buffer.size
      change[buffer.last_op + 1] -= buffer.size
  live, over_time = 0, []
  for delta in change[:-1]:
    live += delta
    over_time.append(live)
  return over_time


def peak_operators(prediction: ArenaPrediction) -> list[int]:
  """Operators of the main subgraph during which the most bytes are alive; none without any."""
  over_time = memory_over_time(prediction)
  return [i for i, live in enumerate(over_time) if live == max(over_time)]


def _planned(model: Model, buffer: live_ranges.LiveRange, size: int, offset: int) -> PlannedBuffer:
  subgraph = model.subgraphs[buffer.subgraph]
  if buffer.tensor is not None:
    name = subgraph.tensors[buffer.tensor].name
  else:
    op = subgraph.operators[buffer.operator or 0]
    name = f'{op.custom_name or op.opcode} {buffer.operator}'
  return PlannedBuffer(
    name=name,
    kind='scratch' if buffer.tensor is None else 'tensor',
    size=size,
    first_op=_operator(buffer.first, buffer.last),
    last_op=_operator(buffer.last, buffer.last),
    offset=offset,
  )


def _operator(scope: int, last: int) -> int:
  """The operator of a scope. Inputs, made before the first operator, count from it on."""
  return live_ranges.NEVER if last == live_ranges.NEVER else max(0, scope - 1)
