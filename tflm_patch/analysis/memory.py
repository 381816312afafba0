# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Analysis: memory over time before and after, and what bounds the peak."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tflm_patch.analysis.fast_memory import FastMemory, fast_memory_of
from tflm_patch.analysis.speed import PredictedSpeed, speed_of
from tflm_patch.analysis.suggestions import Suggestion, suggest
from tflm_patch.api import ConversionResult, ConvertOptions, convert_model
from tflm_patch.arena import ArenaPrediction, buffers_during, memory_over_time
from tflm_patch.conversion.known import Known
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.types import Operator
from tflm_patch.planner.lowering.operators.macs import operator_macs
from tflm_patch.planner.memory.buffers import fed_maps

SCHEMA_VERSION = 2  # arenas are the target's


@dataclasses.dataclass(frozen=True)
class OperatorMemory:
  """One operator of the original model.

  Attributes:
    live_before: Bytes of activations and scratch alive in the stock model.
    live_after: The same in the converted model while the segment that holds the
      operator runs, the stage's inputs and outputs included.
    schedule: 'layer' or 'stream' in a stage, 'stock' outside, 'folded' when a
      plugin removed it.
    segment: 'stage.segment', '' outside stages.
  """

  index: int
  opcode: str
  output_shape: tuple[int, ...]
  macs: int
  live_before: int
  live_after: int
  schedule: str
  segment: str


@dataclasses.dataclass(frozen=True)
class Bound:
  """What is alive at a peak.

  Attributes:
    where: The operator or segment.
    bytes: Alive at once.
    parts: Name and bytes, the largest first.
  """

  where: str
  bytes: int
  parts: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Analysis:
  """Memory and speed of a model, stock and converted; all are predictions."""

  conversion: ConversionResult
  operators: tuple[OperatorMemory, ...]
  bound_before: Bound
  bound_after: Bound
  suggestions: tuple[Suggestion, ...] = ()
  speed: PredictedSpeed | None = None
  fast_memory: FastMemory | None = None

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      'conversion': self.conversion.to_json(),
      'operators': [dataclasses.asdict(operator) for operator in self.operators],
      'bound': {
        'original': dataclasses.asdict(self.bound_before),
        'converted': dataclasses.asdict(self.bound_after),
      },
      'speed': None if self.speed is None else dataclasses.asdict(self.speed),
      'fast_memory': None if self.fast_memory is None else dataclasses.asdict(self.fast_memory),
      'suggestions': [dataclasses.asdict(suggestion) for suggestion in self.suggestions],
    }


def analyze(
  path: str | os.PathLike[str],
  options: ConvertOptions | None = None,
  progress: Callable[[str], None] | None = None,
  clock_hz: int | None = None,
) -> Analysis:
  """Plans a conversion without writing it and says where the memory goes.

  Args:
    path: The `.tflite` file.
    options: Of the conversion.
    progress: Called with a line of text as the work proceeds.
    clock_hz: Of the chip, for milliseconds.

  Raises:
    TflmPatchError: see `convert`.
  """
  data = read_limited(path)
  options = options or ConvertOptions()
  known = Known()
  result = convert_model(data, options, os.fspath(path), progress, known)
  memories = options.plan.memories
  # With two memories cycles count, not the last bytes of the arena.
  suggestions = () if memories else suggest(data, result, options, progress, known)
  return dataclasses.replace(
    analyze_conversion(result),
    suggestions=suggestions,
    speed=speed_of(result, options.cpu, clock_hz, memories),
    fast_memory=fast_memory_of(result, memories),
  )


def analyze_conversion(result: ConversionResult) -> Analysis:
  """The analysis of a conversion that was made already."""
  graph = result.original.main
  before = memory_over_time(result.original_arena)
  after = _after(result)
  rows = []
  for index, operator in enumerate(graph.operators):
    schedule, segment, live = after.get(
      operator.outputs[0] if operator.outputs else -1, ('folded', '', 0)
    )
    output = graph.tensors[operator.outputs[0]] if operator.outputs else None
    rows.append(
      OperatorMemory(
        index=index,
        opcode=operator.custom_name or operator.opcode,
        output_shape=() if output is None else output.shape,
        macs=operator_macs(graph, operator),
        live_before=before[index],
        live_after=live,
        schedule=schedule,
        segment=segment,
      )
    )
  return Analysis(result, tuple(rows), _bound_before(result), _bound_after(result))


def _names(result: ConversionResult) -> dict[str, int]:
  return {tensor.name: i for i, tensor in enumerate(result.original.main.tensors)}


def _after(result: ConversionResult) -> dict[int, tuple[str, str, int]]:
  """Output tensor of the original -> schedule, segment, live bytes."""
  names = _names(result)
  found: dict[int, tuple[str, str, int]] = {}
  over_time = memory_over_time(result.converted_arena)
  stages = iter(result.stages)
  number = 0
  for position, operator in enumerate(result.model.main.operators):
    if not is_stage(operator) or not result.changed:
      for t in operator.outputs:
        name = result.model.main.tensors[t].name
        if name in names:
          found[names[name]] = 'stock', '', over_time[position]
      continue
    stage = next(stages)
    outside = over_time[position] - stage.plan.workspace_bytes - stage.plan.tensor_bytes
    graph = stage.plan.graph
    for s, segment in enumerate(stage.plan.segments):
      live = outside + segment.peak.bytes
      for op in graph.ops[segment.first_op : segment.last_op]:
        for m in op.outputs:
          if graph.maps[m].name in names:
            found[names[graph.maps[m].name]] = segment.schedule, f'{number}.{s}', live
    number += 1
  return found


def _bound_before(result: ConversionResult) -> Bound:
  return _bound_of(result.original_arena, result.original.main.operators)


def _bound_of(arena: ArenaPrediction, operators: Sequence[Operator]) -> Bound:
  over_time = memory_over_time(arena)
  if not over_time:
    return Bound('', 0, ())
  at = max(range(len(over_time)), key=over_time.__getitem__)
  alive = buffers_during(arena, at)
  parts = [(f'{buffer.kind} "{buffer.name}"', buffer.size) for buffer in alive]
  name = f'{operators[at].custom_name or operators[at].opcode} {at}'
  return Bound(name, over_time[at], _largest_first(parts))


def _bound_after(result: ConversionResult) -> Bound:
  outer = _bound_of(result.converted_arena, result.model.main.operators)
  over_time = memory_over_time(result.converted_arena)
  at = max(range(len(over_time)), key=over_time.__getitem__, default=-1)
  operators = result.model.main.operators
  if not result.stages or at < 0 or not is_stage(operators[at]):
    return outer
  number = sum(is_stage(operator) for operator in operators[:at])
  return _bound_in_stage(result, number, at, outer.bytes)


def _bound_in_stage(result: ConversionResult, number: int, at: int, total: int) -> Bound:
  """The bound while a stage runs: its tensors as a whole, or the rows that are in use.

  Args:
    result: The conversion.
    number: Of the stage.
    at: Position of its operator.
    total: Bytes that are alive then.
  """
  stage = result.stages[number]
  plan, graph = stage.plan, result.model.main
  inputs, outputs = (
    {graph.tensors[t].name for t in tensors}
    for tensors in (graph.operators[at].inputs, graph.operators[at].outputs)
  )
  reused = {plan.graph.inputs[i] for i in stage.reuse} - fed_maps(plan.graph)
  used = {plan.graph.maps[m].name for m in (*reused, *plan.graph.outputs)}
  own, others = [], []
  for buffer in buffers_during(result.converted_arena, at):
    role = 'input' if buffer.name in inputs else 'output' if buffer.name in outputs else 'tensor'
    if buffer.kind == 'scratch':
      own.append((f'workspace of stage {number}', buffer.size))
    elif buffer.name in used:
      own.append((f'{role} "{buffer.name}"', buffer.size))
    else:
      others.append((f'{role} "{buffer.name}"', buffer.size))
  segment = max(plan.segments, key=lambda segment: segment.peak.bytes)
  if segment.peak.bytes <= plan.tensor_bytes:
    where = f'stage {number}: its inputs and outputs, which TFLM keeps whole while it runs'
    return Bound(where, total, _largest_first([*own, *others]))
  first, last = plan.graph.ops[segment.first_op], plan.graph.ops[segment.last_op - 1]
  where = (
    f'segment {number}.{plan.segments.index(segment)} ({segment.schedule}, {first.name} to '
    f'{last.name}), {plan.graph.ops[segment.peak.op].name} at row {segment.peak.row}'
  )
  parts = [*segment.peak.parts, *others]
  idle = total - sum(size for _, size in parts)
  if idle:
    parts.append(('not in use at that moment', idle))
  return Bound(where, total, _largest_first(parts))


def _largest_first(parts: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
  return tuple(sorted(parts, key=lambda part: -part[1]))
