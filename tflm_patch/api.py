# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Conversion as Python functions: files in, files out."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from tflm_patch.arena import predict
from tflm_patch.conversion import pipeline
from tflm_patch.conversion.collector import without_collector
from tflm_patch.conversion.known import Known
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.conversion.pipeline import Progress
from tflm_patch.conversion.result import SCHEMA_VERSION, ConversionResult, Hop, StockOperator
from tflm_patch.conversion.stage_operator import PlannedStage, stage_macs
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import check_outputs, read_limited, write_atomically
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs

__all__ = [
  'SCHEMA_VERSION',
  'ConversionResult',
  'ConvertOptions',
  'StockOperator',
  'convert',
  'convert_model',
  'default_output',
]


@without_collector()
def convert_model(
  data: bytes,
  options: ConvertOptions = DEFAULT_OPTIONS,
  source: str = '',
  progress: Progress | None = None,
  known: Known | None = None,
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
  known = known or Known()
  return _convert(data, known.parsed(data, source), options, source, progress, known)


@without_collector()
def convert(
  path: str | os.PathLike[str],
  output: str | os.PathLike[str] | None = None,
  options: ConvertOptions = DEFAULT_OPTIONS,
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
  result = _convert(data, model, options, os.fspath(path), progress)
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
  progress: Progress | None,
  known: Known | None = None,
) -> ConversionResult:
  say = progress or _silent
  found = pipeline.plan(original, options, source, say, known)
  # Constants that lie outside the flatbuffer, where TFLM does not look, come inside.
  changed = found.reason is None or bool(original.outside)
  say('Writing the model')
  converted = serialize_model(found.model) if changed else data
  if changed:
    _check_flash(options, converted, source)
  stages = found.stages
  return ConversionResult(
    model=found.model,
    data=converted,
    changed=changed,
    reason=None if changed else found.reason,
    original=original,
    original_arena=found.original_arena,
    converted_arena=found.arena,
    pointer_bytes=options.pointer_bytes,
    original_arena_host=predict(original),
    converted_arena_host=predict(found.model),
    original_bytes=len(data),
    converted_bytes=len(converted),
    original_macs=subgraph_macs(original.main) + stage_macs(original),
    converted_macs=found.macs,
    stages=stages,
    stock_operators=found.stock_operators,
    changes=found.changes,
    notes=found.notes,
    hop=_hop(original, options, stages),
  )


def _hop(original: Model, options: ConvertOptions, stages: Sequence[PlannedStage]) -> Hop | None:
  if options.hop is None:
    return None
  again = sum(op.macs_again for stage in stages for op in stage.plan.graph.ops)
  window = original.main.tensors[original.main.inputs[0]].shape[1]
  return Hop(options.hop, window, again)


def _check_flash(options: ConvertOptions, converted: bytes, source: str) -> None:
  if options.flash_bytes is not None and len(converted) > options.flash_bytes:
    raise TflmPatchError(
      f"{source or 'model'}: the converted model has {len(converted):,} bytes, the target's "
      f'flash {options.flash_bytes:,}; use a smaller model or external flash'
    )
