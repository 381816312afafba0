# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Why a model is not converted, or not as asked, and what to do about it."""

from __future__ import annotations

from tflm_patch.arena import ArenaPrediction
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.conversion.stages import StageChoice
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model
from tflm_patch.planner.lowering.operators import OpView

CONVERTED = 'the model is converted already'
_ROUNDING = 15  # bytes that TFLM's alignment may take more than it reports


def no_uint8(opcode: str) -> str:
  """Of a model that TFLM cannot run, as it has no kernel of that type for an operator."""
  return (
    f'TFLM cannot run this model: it has no UINT8 kernel for {opcode}; quantize the model '
    'again, to int8 (representative_dataset and TFLITE_BUILTINS_INT8)'
  )


def no_stage(original: Model, choice: StageChoice | None) -> str:
  """Why there is no stage in the model."""
  if choice is None:
    return 'the stage plugin is switched off'
  if choice.rejected:
    return choice.rejected[0][1]
  if choice.violations:
    index, violation = next(iter(choice.violations.items()))
    opcode = OpView(original, original.main, min(index, len(original.main.operators) - 1)).opcode
    what = str(violation)
    return (
      f'nothing of it can be in a stage; the first operator, {opcode}: {what[:1].lower()}{what[1:]}'
    )
  return 'the model has no operators'


def outside_note(original: Model, then: str) -> str:
  """That TFLM does not find what lies outside the flatbuffer, and what is done about it."""
  return (
    f'TFLM cannot run the original: {original.outside} of its buffers lie outside the '
    'flatbuffer (Buffer.offset), where TFLM does not look, and it would compute with what lies '
    f'in memory instead; {then}'
  )


def has_other_io(model: Model) -> bool:
  """Whether an input or output is not int8 already."""
  main = model.main
  return any(main.tensors[t].dtype != DType.INT8 for t in (*main.inputs, *main.outputs))


def check_budget(
  options: ConvertOptions,
  original: Model,
  choice: StageChoice | None,
  arena: ArenaPrediction,
  source: str,
) -> None:
  """Raises TflmPatchError when the smallest plan exceeds the arena that was asked for."""
  limit = options.plan.arena_bytes
  assert limit is not None
  if arena.required <= limit:
    return
  planning = ''
  if arena.required > arena.total + _ROUNDING:
    planning = ', more while TFLM plans its memory'
  hints = [
    flag
    for flag, used in (
      ('--input-rows 1', options.input_rows is not None or options.hop is not None),
      ('--max-overhead 1.5', options.plan.max_overhead > 1),
      ('--int8-io', options.int8_io or not has_other_io(original)),
    )
    if not used
  ]
  advice = f'; try {", ".join(hints)} or a larger arena' if hints else '; use a larger arena'
  if not arena.exact:
    advice += f'; the memory of {", ".join(arena.unknown_operators)} is not known and comes on top'
  raise TflmPatchError(
    f'{source or "model"}: no plan fits an arena of {limit:,} bytes: the smallest needs '
    f'{arena.required:,} ({arena.head:,} head + {arena.tail:,} tail{planning})'
    f'{_bound(choice)}{advice}'
  )


def _bound(choice: StageChoice | None) -> str:
  if choice is None or not choice.stages:
    return ''
  plan = max(choice.stages, key=lambda stage: stage.plan.workspace_bytes).plan
  segment = max(plan.segments, key=lambda segment: segment.peak.bytes)
  what, size = segment.peak.parts[0]
  return f', bounded by {plan.graph.ops[segment.peak.op].name} ({size:,} bytes {what})'
