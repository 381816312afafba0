# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Conversion of a model in memory: bytes in, bytes and figures out."""

from __future__ import annotations

from tflm_patch.arena import predict
from tflm_patch.conversion import pipeline
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.conversion.pipeline import Progress
from tflm_patch.conversion.result import ConversionResult
from tflm_patch.conversion.stages import Searches
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs


def convert_model(
    data: bytes,
    options: ConvertOptions = DEFAULT_OPTIONS,
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
  return convert_parsed(data, parse_model(data, source), options, source, progress, known)


def _silent(text: str) -> None:
  del text


def convert_parsed(
    data: bytes,
    original: Model,
    options: ConvertOptions,
    source: str,
    progress: Progress | None,
    known: Searches | None = None,
) -> ConversionResult:
  """The same for a file that is read already.

  Args:
    data: The file's bytes.
    original: What they are.
    options, source, progress, known: As for `convert_model`.
  """
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
      original_macs=subgraph_macs(original.main),
      converted_macs=sum(stage.plan.macs for stage in stages) + subgraph_macs(found.model.main),
      stages=stages,
      stock_operators=found.stock_operators,
      changes=found.changes,
      notes=found.notes,
  )


def _check_flash(options: ConvertOptions, converted: bytes, source: str) -> None:
  if options.flash_bytes is not None and len(converted) > options.flash_bytes:
    raise TflmPatchError(
        f'{source or "model"}: the converted model has {len(converted):,} bytes, the target\'s '
        f'flash {options.flash_bytes:,}; use a smaller model or external flash'
    )
