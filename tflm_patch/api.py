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
from tflm_patch.arena import ArenaPrediction, kernels, offline, predict
from tflm_patch.conversion.stage_operator import PlannedStage, is_stage
from tflm_patch.conversion.stages import Searches
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import check_outputs, read_limited, write_atomically
from tflm_patch.graph.macs import subgraph_macs
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.options import DEFAULT, PlanOptions

Progress = Callable[[str], None]
SCHEMA_VERSION = 1


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
  """

  int8_io: bool = False
  plugins: tuple[str, ...] = ()
  keep_input: bool = False
  force_stage: bool = False
  input_rows: int | None = None
  offline_plan: bool = True
  plan: PlanOptions = DEFAULT
  flash_bytes: int | None = None


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
    original_arena, converted_arena: As TFLM's allocator will report them.
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
  original_bytes: int
  converted_bytes: int
  original_macs: int
  converted_macs: int
  stages: tuple[PlannedStage, ...]
  stock_operators: tuple[StockOperator, ...]
  changes: tuple[Change, ...]

  @property
  def missing_kernels(self) -> dict[str, int]:
    """Operators of the converted model that TFLM has no kernel for, and how many of each."""
    return kernels.missing(self.model)

  @property
  def unknown_memory(self) -> tuple[str, ...]:
    """Operators whose memory is not known: both arenas are lower bounds then."""
    arenas = (self.original_arena, self.converted_arena)
    return tuple(sorted({name for arena in arenas for name in arena.unknown_operators}))

  def to_json(self) -> dict[str, Any]:
    """A summary for machines; arenas are predictions."""
    return {
        'schema_version': SCHEMA_VERSION,
        'changed': self.changed,
        'reason': self.reason,
        'missing_kernels': self.missing_kernels,
        'unknown_memory': list(self.unknown_memory),
        'original': _size_json(self.original_arena, self.original_bytes),
        'converted': _size_json(self.converted_arena, self.converted_bytes),
        'macs': {'original': self.original_macs, 'converted': self.converted_macs},
        'stages': [_stage_json(stage) for stage in self.stages],
        'stock_operators': [dataclasses.asdict(operator) for operator in self.stock_operators],
        'changes': [dataclasses.asdict(change) for change in self.changes],
    }


def _size_json(arena: ArenaPrediction, file_bytes: int) -> dict[str, Any]:
  return {
      'arena_total': arena.total,
      'arena_head': arena.head,
      'arena_tail': arena.tail,
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
  output = default_output(path) if output is None else output
  data = read_limited(path)
  check_outputs([path], [output])
  model = parse_model(data, os.fspath(path))
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
  if options.input_rows is not None:
    if not use_stage or options.keep_input:
      other = '--keep-input' if use_stage else '--plugins=-stage'
      raise TflmPatchError(f'--input-rows and {other} exclude each other; leave one of them out')
    if any(is_stage(operator) for operator in original.main.operators):
      raise TflmPatchError(
          f'{source or "model"}: the model is converted already; --input-rows needs the '
          'original one'
      )
  progress('Predicting the stock arena')
  original_arena = predict(original)
  legacy = kernels.legacy_uint8(original)
  if legacy is not None:
    unrunnable = (
        f'TFLM cannot run this model: it has no UINT8 kernel for {legacy}; quantize the model '
        'again, to int8 (representative_dataset and TFLITE_BUILTINS_INT8)'
    )
    macs = subgraph_macs(original.main)
    return ConversionResult(
        original, data, False, unrunnable, original, original_arena, original_arena, len(data),
        len(data), macs, macs, (), (), (),
    )  # fmt: skip
  context = converter_plugins.Context(int8_io=options.int8_io)
  rewritten, changes = converter_plugins.run_plugins(original, entries, context)
  progress('Planning the stages')
  choice = stage_plugin.rewrite(
      rewritten,
      keep_input=options.keep_input,
      force=options.force_stage,
      input_rows=options.input_rows,
      options=_plan_options(options.plan, original_arena),
      known=known,
  ) if use_stage else None  # fmt: skip
  arena = original_arena
  reason = None
  if any(is_stage(operator) for operator in original.main.operators):
    reason = 'the model is converted already'
  elif choice is None or not choice.stages:
    reason = _why_no_stage(original, choice)
  folded_io = any(change.plugin == 'boundary_quantize' for change in changes)
  if choice is not None and (reason is None or (folded_io and not choice.stages)):
    arena = predict(choice.model)
    wanted = options.force_stage or folded_io or options.input_rows is not None
    if arena.total >= original_arena.total and not wanted:
      reason = f'the stock arena of {original_arena.total} bytes is not beaten by {arena.total}'
    else:
      reason = None
  stock = _stock_operators(rewritten, choice)
  macs = subgraph_macs(original.main)
  stages = choice.stages if choice is not None and reason is None else ()
  final = choice.model if choice is not None and reason is None else original
  changes = changes if reason is None else []
  planned = offline.improve(final) if options.offline_plan else final
  if planned is not final:
    before, arena = predict(final), predict(planned)
    text = f'tensors placed offline, head {arena.head:,} instead of {before.head:,} bytes'
    changes, reason = [*changes, Change('offline_plan', text)], None
  if options.plan.arena_bytes is not None:
    _check_budget(options, original, choice, arena, source)
  if reason is not None:
    return ConversionResult(
        original, data, False, reason, original, original_arena, original_arena, len(data),
        len(data), macs, macs, (), stock, (),
    )  # fmt: skip
  progress('Writing the model')
  converted = serialize_model(planned)
  if options.flash_bytes is not None and len(converted) > options.flash_bytes:
    raise TflmPatchError(
        f'{source or "model"}: the converted model has {len(converted):,} bytes, the target\'s '
        f'flash {options.flash_bytes:,}; use a smaller model or external flash'
    )
  converted_macs = sum(stage.plan.macs for stage in stages)
  converted_macs += subgraph_macs(planned.main)
  return ConversionResult(
      planned, converted, True, None, original, original_arena, arena, len(data),
      len(converted), macs, converted_macs, stages, stock, tuple(changes),
  )  # fmt: skip


def _plan_options(options: PlanOptions, stock: ArenaPrediction) -> PlanOptions:
  """With the stock arena as the limit of plans that shall only be fast."""
  if options.minimize == 'macs' and options.arena_bytes is None:
    return dataclasses.replace(options, arena_bytes=stock.total - 1)
  return options


def _check_budget(
    options: ConvertOptions, original: Model, choice: Any, arena: ArenaPrediction, source: str
) -> None:
  """Raises when the smallest plan exceeds the arena that was asked for."""
  limit = options.plan.arena_bytes
  assert limit is not None
  if arena.total <= limit:
    return
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
          ('--int8-io', options.int8_io or not _has_other_io(original)),
      )
      if not used
  ]
  advice = f'; try {", ".join(hints)} or a larger arena' if hints else '; use a larger arena'
  if not arena.exact:
    advice += f'; the memory of {", ".join(arena.unknown_operators)} is not known and comes on top'
  raise TflmPatchError(
      f'{source or "model"}: no plan fits an arena of {limit:,} bytes: the smallest needs '
      f'{arena.total:,} ({arena.head:,} head + {arena.tail:,} tail){bound}{advice}'
  )


def _has_other_io(model: Model) -> bool:
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
    what = str(violation)
    return f'nothing of it can be in a stage; the first operator, {opcode}: {_lower(what)}'
  return 'the model has no operators'


def _lower(text: str) -> str:
  return text[:1].lower() + text[1:]


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
