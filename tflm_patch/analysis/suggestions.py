# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What would lower the arena further: options that are not used, tried out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model
from tflm_patch.conversion.known import Known
from tflm_patch.conversion.reasons import has_other_io
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.planner.options import Schedule

# A suggestion must lower the arena by at least this part.
_WORTH = 0.01


@dataclasses.dataclass(frozen=True)
class Suggestion:
  """An option that lowers the arena.

  Attributes:
    option: As written on the command line.
    arena_total: The predicted arena with it, in bytes.
    saved_bytes: Less than without it.
    overhead: MACs with it over MACs without.
  """

  option: str
  arena_total: int
  saved_bytes: int
  overhead: float


def _with_plan(options: ConvertOptions, **changes: Any) -> ConvertOptions:
  return dataclasses.replace(options, plan=dataclasses.replace(options.plan, **changes))


def _alternatives(model: Model, options: ConvertOptions) -> Iterator[tuple[str, ConvertOptions]]:
  if options.plan.schedule != Schedule.AUTO:
    yield '--schedule auto', _with_plan(options, schedule=Schedule.AUTO)
    return
  if options.keep_input:
    yield 'without --keep-input', dataclasses.replace(options, keep_input=False)
  other_io = not options.int8_io and has_other_io(model)
  if other_io:
    yield '--int8-io', dataclasses.replace(options, int8_io=True)
  if options.input_rows is None and options.hop is None and not options.keep_input:
    yield '--input-rows 1', dataclasses.replace(options, input_rows=1)
    if other_io:
      yield '--int8-io --input-rows 1', dataclasses.replace(options, int8_io=True, input_rows=1)
  if not options.plan.may_be_slower:
    yield '--allow-slower', _with_plan(options, allow_slower=True)
  for overhead in (1.05, 1.25):
    if options.plan.max_overhead < overhead:
      yield f'--max-overhead {overhead:g}', _with_plan(options, max_overhead=overhead)


def suggest(
  data: bytes,
  result: ConversionResult,
  options: ConvertOptions,
  progress: Callable[[str], None] | None = None,
  known: Known | None = None,
) -> tuple[Suggestion, ...]:
  """Options that would lower the arena of a conversion, the most effective first.

  Args:
    data: The original file's bytes.
    result: Its conversion with `options`.
    options: What was used.
    progress: Called with a line of text for each option that is tried.
    known: What that conversion has found.
  """
  # Layouts that are found in little time are enough to tell what would help.
  options = _with_plan(options, arena_bytes=None, brief=True)
  found = []
  for flag, other in _alternatives(result.original, options):
    if progress is not None:
      progress(f'Trying {flag}')
    same_stages = dataclasses.replace(other, plan=options.plan) == options
    try:
      tried = convert_model(data, other, known=known if same_stages else None)
    except TflmPatchError:
      continue
    saved = result.converted_arena.total - tried.converted_arena.total
    if saved > _WORTH * result.converted_arena.total:
      overhead = tried.converted_macs / max(1, result.converted_macs)
      found.append(Suggestion(flag, tried.converted_arena.total, saved, overhead))
  return tuple(_useful(found))


def _useful(found: list[Suggestion]) -> Iterator[Suggestion]:
  """Drops options of two parts that do no more than one of the parts."""
  single = {suggestion.option: suggestion for suggestion in found}
  for suggestion in sorted(found, key=lambda each: -each.saved_bytes):
    parts = [
      other
      for flag, other in single.items()
      if flag != suggestion.option and flag in suggestion.option
    ]
    if all(part.arena_total > suggestion.arena_total for part in parts):
      yield suggestion
