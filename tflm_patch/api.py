# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Conversion as Python functions."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

import converter_plugins
from converter_plugins import Change
from converter_plugins import stage as stage_plugin
from tflm_patch.arena import ArenaPrediction, firmware_build, offline, predict
from tflm_patch.conversion import kept_input
from tflm_patch.conversion.judge import DEFAULT_CPU, Goal
from tflm_patch.conversion.stage_operator import PlannedStage, is_stage
from tflm_patch.conversion.stages import Searches, StageChoice, StageOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.graph.macs import subgraph_macs
from tflm_patch.graph.reader import parse_model, read_model
from tflm_patch.graph.types import DType, Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.options import DEFAULT, PlanOptions

Progress = Callable[[str], None]
_CONVERTED = 'the model is converted already'
_ROUNDING = 15  # bytes that TFLM's alignment may take more than it reports
# 2: arena_total, arena_head and arena_tail are the target's; arena_host is the wheel's.
SCHEMA_VERSION = 2


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
  """What a conversion may do.

  Attributes:
    int8_io: Fold QUANTIZE and DEQUANTIZE at the model's boundary into its inputs
      and outputs, which become int8.
    plugins: Names of plugins to use, or '-name' to leave some out; empty for all.
    keep_input: The application reads its input again after `Invoke()`; stages
      leave its bytes alone.
    force_stage: Make stages even where the arena does not get smaller.
    input_rows: The model takes its input in bands of this many rows, one for each
      `Invoke()`; see docs/firmware.md.
    offline_plan: Tell TFLM where tensors lie, where its own memory planner leaves gaps.
    plan: Budget and objective of the stages' plans.
    flash_bytes: The converted file must not be larger; None for no limit.
    pointer_bytes: Of the target, 4 or 8: every limit and decision is for its arena.
    cpu: A core that there is a cost table for, whose predicted instructions decide which
      plan is the fastest.
  """

  int8_io: bool = False
  plugins: tuple[str, ...] = ()
  keep_input: bool = False
  force_stage: bool = False
  input_rows: int | None = None
  offline_plan: bool = True
  plan: PlanOptions = DEFAULT
  flash_bytes: int | None = None
  pointer_bytes: int = 4
  cpu: str = DEFAULT_CPU


@dataclasses.dataclass(frozen=True)
class StockOperator:
  """An operator of the original model that no stage holds, and why."""

  index: int
  opcode: str
  rule: str
  reason: str


@dataclasses.dataclass(frozen=True)
class ConversionResult:
  """A conversion and what it brought.

  Attributes:
    model: The converted model; the original one when nothing changed.
    data: Its bytes; exactly the original file's when nothing changed.
    changed: Whether `data` differs from the original.
    reason: Why nothing changed, None when something did.
    original: The model that was read.
    original_arena, converted_arena: As TFLM's allocator will report them on the target.
    pointer_bytes: Of the target.
    original_arena_host, converted_arena_host: As its Python interpreter reports them here,
      which has pointers of 8 bytes and keeps records.
    original_bytes, converted_bytes: Of the files.
    original_macs, converted_macs: Per inference.
    stages: What was put into stages, with the plans.
    stock_operators: What was not, with the reasons.
    changes: Rewrites by the other plugins.
  """

  model: Model
  data: bytes
  changed: bool
  reason: str | None
  original: Model
  original_arena: ArenaPrediction
  converted_arena: ArenaPrediction
  pointer_bytes: int
  original_arena_host: ArenaPrediction
  converted_arena_host: ArenaPrediction
  original_bytes: int
  converted_bytes: int
  original_macs: int
  converted_macs: int
  stages: tuple[PlannedStage, ...]
  stock_operators: tuple[StockOperator, ...]
  changes: tuple[Change, ...]

  def to_json(self) -> dict[str, Any]:
    """A summary for machines; arenas are predictions."""
    return {
        'schema_version': SCHEMA_VERSION,
        'changed': self.changed,
        'reason': self.reason,
        'pointer_bytes': self.pointer_bytes,
        'original': _size_json(
            self.original_arena, self.original_arena_host, self.original_bytes
        ),
        'converted': _size_json(
            self.converted_arena, self.converted_arena_host, self.converted_bytes
        ),
        'macs': {'original': self.original_macs, 'converted': self.converted_macs},
        'stages': [_stage_json(stage) for stage in self.stages],
        'stock_operators': [dataclasses.asdict(operator) for operator in self.stock_operators],
        'changes': [dataclasses.asdict(change) for change in self.changes],
    }


def _size_json(
    arena: ArenaPrediction, host: ArenaPrediction, file_bytes: int
) -> dict[str, Any]:
  return {
      'arena_total': arena.total,
      'arena_head': arena.head,
      'arena_tail': arena.tail,
      'arena_required': arena.required,
      'arena_host': host.total,
      'arena_exact': arena.exact,
      'file_bytes': file_bytes,
  }


def _stage_json(stage: PlannedStage) -> dict[str, Any]:
  graph = stage.plan.graph
  return {
      'operators': len(stage.region),
      'workspace_bytes': stage.plan.workspace_bytes,
      'program_bytes': len(stage.encoded.program),
      'constants_bytes': len(stage.encoded.constants),
      'segments': [
          {
              'schedule': segment.schedule,
              'first_operator': graph.ops[segment.first_op].name,
              'last_operator': graph.ops[segment.last_op - 1].name,
              'operators': segment.last_op - segment.first_op,
              'live_bytes': segment.peak.bytes,
          }
          for segment in stage.plan.segments
      ],
  }


def convert_model(
    data: bytes,
    options: ConvertOptions = ConvertOptions(),
    source: str = '',
    progress: Progress | None = None,
    known: Searches | None = None,
) -> ConversionResult:
  """Converts a model in memory.

  Args:
    data: A `.tflite` file's bytes.
    options: See `ConvertOptions`.
    source: The file's name for messages.
    progress: Called with a line of text as the work proceeds.
    known: What conversions of the same model that differ in nothing but
      `options.plan` have found; more is added.

  Returns:
    The result; `changed` is False when no plan beats the stock arena.

  Raises:
    ModelError: the bytes are no valid model.
    TflmPatchError: an option names something unknown.
  """
  model = parse_model(data, source)
  return _convert(data, model, options, source, progress or _silent, known)


def convert(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    options: ConvertOptions = ConvertOptions(),
    progress: Progress | None = None,
) -> ConversionResult:
  """Converts a file.

  Args:
    path: The `.tflite` file.
    output: Where to write; `<name>_patch.tflite` beside the input by default.
    options, progress: As for `convert_model`.

  Raises:
    TflmPatchError: unreadable input, unwritable output, unknown option.
  """
  model = read_model(path)
  output = default_output(path) if output is None else pathlib.Path(output)
  if output.exists() and output.samefile(path):
    raise TflmPatchError(f'{output}: is the input file; choose another output with -o')
  data = pathlib.Path(path).read_bytes()
  result = _convert(data, model, options, os.fspath(path), progress or _silent)
  write_atomically(output, result.data)
  return result


def default_output(path: str | os.PathLike[str]) -> pathlib.Path:
  """`model.tflite` -> `model_patch.tflite`, in the same folder."""
  path = pathlib.Path(path)
  return path.with_name(f'{path.stem}_patch.tflite')


def _silent(text: str) -> None:
  del text


def _convert(
    data: bytes,
    original: Model,
    options: ConvertOptions,
    source: str,
    progress: Progress,
    known: Searches | None = None,
) -> ConversionResult:
  entries, use_stage = converter_plugins.select(options.plugins)
  _check_options(original, options, use_stage)
  progress('Predicting the stock arena')
  build = firmware_build(options.pointer_bytes)
  stock_arena = predict(original, build=build)
  context = converter_plugins.Context(int8_io=options.int8_io)
  rewritten, changes = converter_plugins.run_plugins(original, entries, context)
  progress('Planning the stages')
  choice = None
  if use_stage:
    stage_options = _stage_options(options, stock_arena)
    choice = stage_plugin.rewrite(rewritten, stage_options, known, progress)
  reason = _why_unchanged(original, choice, changes, stock_arena, options)
  final = original
  if choice is not None and reason is None:
    final = choice.model
  stages = choice.stages if choice is not None and reason is None else ()
  changes = changes if reason is None else []
  if options.keep_input and reason != _CONVERTED:
    final = kept_input.keep(final)
    kept = kept_input.names(original, final)
    if kept:
      text = f'{", ".join(kept)} in memory of its own, for other operators would overwrite it'
      changes, reason = [*changes, Change('keep_input', text)], None
  arena = predict(final, build=build)
  planned = offline.improve(final, build) if options.offline_plan else final
  if planned is not final:
    before, arena = arena, predict(planned, build=build)
    text = f'tensors placed offline, head {arena.head:,} instead of {before.head:,} bytes'
    changes, reason = [*changes, Change('offline_plan', text)], None
  if options.plan.arena_bytes is not None:
    _check_budget(options, original, choice, arena, source)
  progress('Writing the model')
  converted = data if reason is not None else serialize_model(planned)
  if reason is None:
    _check_flash(options, converted, source)
  return ConversionResult(
      model=planned,
      data=converted,
      changed=reason is None,
      reason=reason,
      original=original,
      original_arena=stock_arena,
      converted_arena=arena,
      pointer_bytes=options.pointer_bytes,
      original_arena_host=predict(original),
      converted_arena_host=predict(planned),
      original_bytes=len(data),
      converted_bytes=len(converted),
      original_macs=subgraph_macs(original.main),
      converted_macs=sum(stage.plan.macs for stage in stages) + subgraph_macs(planned.main),
      stages=stages,
      stock_operators=_stock_operators(rewritten, choice),
      changes=tuple(changes),
  )


def _check_options(original: Model, options: ConvertOptions, use_stage: bool) -> None:
  if options.input_rows is None:
    return
  if not use_stage or options.keep_input:
    other = '--keep-input' if use_stage else '--plugins=-stage'
    raise TflmPatchError(f'--input-rows and {other} exclude each other; leave one of them out')
  if _is_converted(original):
    raise TflmPatchError(f'{_CONVERTED}; --input-rows needs the original one')


def _is_converted(model: Model) -> bool:
  return any(is_stage(operator) for operator in model.main.operators)


def _stage_options(options: ConvertOptions, stock: ArenaPrediction) -> StageOptions:
  goal = Goal(firmware_build(options.pointer_bytes), options.cpu)
  plan = options.plan
  if plan.minimize == 'macs' and plan.arena_bytes is None:
    # Plans that shall only be fast, still below the stock arena.
    plan = dataclasses.replace(plan, arena_bytes=stock.total - goal.least_gain(stock.total))
    goal = dataclasses.replace(goal, cpu=None)
  return StageOptions(
      keep_input=options.keep_input,
      force=options.force_stage,
      input_rows=options.input_rows,
      plan=plan,
      goal=goal,
  )


def _why_unchanged(
    original: Model,
    choice: StageChoice | None,
    changes: list[Change],
    stock: ArenaPrediction,
    options: ConvertOptions,
) -> str | None:
  """Why the model comes back as it is, None when it does not."""
  if _is_converted(original):
    return _CONVERTED
  folded_io = any(change.plugin == 'boundary_quantize' for change in changes)
  if choice is None or not (choice.stages or folded_io):
    return _why_no_stage(original, choice)
  wanted = options.force_stage or folded_io or options.input_rows is not None
  if wanted:
    return None
  build = firmware_build(options.pointer_bytes)
  arena = predict(choice.model, build=build)
  if options.keep_input:
    stock = predict(kept_input.keep(original), build=build)
  gain = Goal(build).least_gain(stock.total, len(choice.stages))
  if arena.total > stock.total - gain:
    return f'the stock arena of {stock.total:,} bytes is hardly beaten by {arena.total:,}'
  return None


def _check_flash(options: ConvertOptions, converted: bytes, source: str) -> None:
  if options.flash_bytes is not None and len(converted) > options.flash_bytes:
    raise TflmPatchError(
        f'{source or "model"}: the converted model has {len(converted):,} bytes, the target\'s '
        f'flash {options.flash_bytes:,}; use a smaller model or external flash'
    )


def _check_budget(
    options: ConvertOptions, original: Model, choice: Any, arena: ArenaPrediction, source: str
) -> None:
  """Raises when the smallest plan exceeds the arena that was asked for."""
  limit = options.plan.arena_bytes
  assert limit is not None
  if arena.required <= limit:
    return
  planning = ''
  if arena.required > arena.total + _ROUNDING:
    planning = ', more while TFLM plans its memory'
  bound = ''
  if choice is not None and choice.stages:
    plan = max(choice.stages, key=lambda stage: stage.plan.workspace_bytes).plan
    segment = max(plan.segments, key=lambda segment: segment.peak.bytes)
    what, size = segment.peak.parts[0]
    bound = f', bounded by {plan.graph.ops[segment.peak.op].name} ({size:,} bytes {what})'
  hints = [
      flag
      for flag, used in (
          ('--input-rows 1', options.input_rows is not None),
          ('--max-overhead 1.5', options.plan.max_overhead > 1),
          ('--int8-io', options.int8_io or not has_other_io(original)),
      )
      if not used
  ]
  advice = f'; try {", ".join(hints)} or a larger arena' if hints else '; use a larger arena'
  raise TflmPatchError(
      f'{source or "model"}: no plan fits an arena of {limit:,} bytes: the smallest needs '
      f'{arena.required:,} ({arena.head:,} head + {arena.tail:,} tail{planning}){bound}{advice}'
  )


def has_other_io(model: Model) -> bool:
  """Whether an input or output is not int8 already."""
  main = model.main
  return any(main.tensors[t].dtype != DType.INT8 for t in (*main.inputs, *main.outputs))


def _why_no_stage(original: Model, choice: Any) -> str:
  if choice is None:
    return 'the stage plugin is switched off'
  if choice.rejected:
    return choice.rejected[0][1]
  if choice.violations:
    index, violation = next(iter(choice.violations.items()))
    opcode = OpView(original, original.main, min(index, len(original.main.operators) - 1)).opcode
    return f'no operator can be held by a stage; the first, {opcode}: {violation}'
  return 'the model has no operators'


def _stock_operators(model: Model, choice: Any) -> tuple[StockOperator, ...]:
  if choice is None:
    return ()
  found = {}
  for index, violation in choice.violations.items():
    found[index] = violation.rule, str(violation)
  for region, reason in choice.rejected:
    for index in region:
      found[index] = 'gain', reason
  return tuple(
      StockOperator(index, OpView(model, model.main, index).opcode, *found[index])
      for index in sorted(found)
  )
