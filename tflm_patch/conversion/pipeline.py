# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a model to its converted form, in steps; no file is read or written here."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from tflm_patch.arena import ArenaPrediction, firmware_build, kernels, offline, predict
from tflm_patch.conversion import (
  hop_budget,
  inner_states,
  kept_input,
  neighbourhoods,
  plugins,
  reasons,
  states,
)
from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.judge import Goal
from tflm_patch.conversion.known import Known
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.conversion.outcome import Conversion, is_no_worse
from tflm_patch.conversion.plugins import Change
from tflm_patch.conversion.result import StockOperator
from tflm_patch.conversion.stage_operator import PlannedStage, is_stage
from tflm_patch.conversion.stages import StageChoice, StageOptions
from tflm_patch.conversion.stock_work import are_faster
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.options import Objective, PlanOptions

Progress = Callable[[str], None]


def plan(
  original: Model,
  options: ConvertOptions = DEFAULT_OPTIONS,
  source: str = '',
  progress: Progress = lambda text: None,
  known: Known | None = None,
) -> Conversion:
  """Converts a model.

  Args:
    original: Is left alone.
    options: See `ConvertOptions`.
    source: The model's name for messages.
    progress: Called with a line of text as the work proceeds.
    known: What conversions of the same model that differ in nothing but `options.plan`
      have found; more is added.

  Raises:
    TflmPatchError: options exclude each other or name something unknown, or no plan fits
      the arena that was asked for.
  """
  selection = plugins.select(options.plugins)
  _check_options(original, options, selection, source)
  if hop_budget.is_wanted(options):
    return hop_budget.least_work(original, options, source, progress, plan)
  progress('Predicting the stock arena')
  build = firmware_build(options.pointer_bytes)
  stock_arena = predict(original, build=build)
  legacy = kernels.legacy_uint8(original)
  if legacy is not None:
    return Conversion(original, original, reasons.no_uint8(legacy), stock_arena, stock_arena)
  known = known or Known()
  convert = functools.partial(_convert, original, options, stock_arena, known, progress)
  if options.inner_states:
    return _with_inner_states(original, convert, selection, source)
  attempt = _with_windows(original, convert, selection)
  found = attempt.conversion
  of_weights = {entry.name for entry in selection.of_weights().rewrites}
  if any(change.plugin in of_weights for change in found.changes):
    # Seldom does it take more than an outline to see that they did no harm.
    plain_selection = selection.without_weights()
    outline = _with_windows(original, functools.partial(convert, outlines=True), plain_selection)
    granted = _granted_bytes(options, stock_arena)
    if not is_no_worse(found, outline.conversion, granted, outlines=True):
      plain = _with_windows(original, convert, plain_selection)
      if not is_no_worse(found, plain.conversion, granted):
        attempt, found = plain, plain.conversion
  if options.plan.arena_bytes is not None:
    reasons.check_budget(options, original, attempt.choice, found.arena, source)
  if options.input_rows is not None:
    return _with_note_on_rows(found, original, options, progress)
  return found


@dataclasses.dataclass(frozen=True)
class _Attempt:
  """A conversion with some of the plugins.

  Attributes:
    conversion: What came of it.
    choice: Its stages, None when none were looked for.
  """

  conversion: Conversion
  choice: StageChoice | None


def _with_note_on_rows(
  found: Conversion, original: Model, options: ConvertOptions, progress: Progress
) -> Conversion:
  """Says so where a model needs no more when it takes its input at once."""
  progress('Planning the stages for the whole input')
  whole_input = dataclasses.replace(options, input_rows=None)
  try:
    total = plan(original, whole_input, progress=lambda text: None).arena.total
  except TflmPatchError:  # a budget that only rows can keep
    return found
  if total > found.arena.total:
    return found
  note = (
    f'with its whole input the model needs {total:,} bytes of arena, in rows '
    f'{found.arena.total:,}; leave --input-rows out'
  )
  return dataclasses.replace(found, notes=(*found.notes, note))


def _with_inner_states(
  original: Model, convert: Callable[..., _Attempt], selection: plugins.Selection, source: str
) -> Conversion:
  """With the states that the application would copy kept by stages."""
  found = convert(selection, inner_states.with_inner_states(original, source)).conversion
  for index, op in enumerate(found.model.main.operators):
    if states.is_window(op):
      name = source or 'model'
      raise TflmPatchError(
        f'{name}: --inner-states: no stage can hold the rows of operator {index}; convert '
        'without it'
      )
  return found


def _with_windows(
  original: Model, convert: Callable[..., _Attempt], selection: plugins.Selection
) -> _Attempt:
  """With what variables hold kept by stages, where that needs less."""
  plain = convert(selection)
  windowed = states.with_windows(original) if selection.states else None
  if windowed is None:
    return plain
  attempt = convert(selection, windowed)
  found = attempt.conversion
  if any(states.is_window(op) for op in found.model.main.operators):
    return plain
  return attempt if found.arena.total < plain.conversion.arena.total else plain


def _convert(
  original: Model,
  options: ConvertOptions,
  stock_arena: ArenaPrediction,
  known: Known,
  progress: Progress,
  selection: plugins.Selection,
  windowed: states.Windowed | None = None,
  outlines: bool = False,
) -> _Attempt:
  """A conversion; with outlines for programs only one to be compared."""
  context = plugins.Context(int8_io=options.int8_io)
  source, before = (original, ()) if windowed is None else (windowed.model, (windowed.change,))
  rewriting = known.rewritten(source, selection.rewrites, context, before)
  rewritten, changes = rewriting.model, list(rewriting.changes)
  progress('Planning the stages')
  choice = None
  if selection.stage is not None:
    stage_options = dataclasses.replace(_stage_options(options, stock_arena), outlines=outlines)
    choice = selection.stage.rewrite(rewritten, stage_options, rewriting.searches, progress)
  reason = _why_unchanged(original, choice, changes, stock_arena, options)
  final = original
  stages: tuple[PlannedStage, ...] = ()
  if choice is not None and reason is None:
    final, stages = choice.model, choice.stages
  elif not is_converted(original):
    plain = known.rewritten(original, selection.of_weights().rewrites, context)
    changes = list(plain.changes)
    final, reason = (finish(plain.model), None) if changes else (original, reason)
  changes = changes if reason is None else []
  notes = (*_notes(original, changes), *neighbourhoods.notes(stages))
  if options.keep_input and not is_converted(original):
    final, changes, reason = _keep_input(original, final, changes, reason)
  final, arena, changes, reason = _place_offline(final, options, changes, reason)
  found = Conversion(
    original=original,
    model=final,
    reason=reason,
    original_arena=stock_arena,
    arena=arena,
    stages=stages,
    stock_operators=_stock_operators(rewritten, choice),
    changes=tuple(changes),
    notes=notes,
    hop_level=options.hop_level,
  )
  return _Attempt(found, choice)


def _granted_bytes(options: ConvertOptions, stock: ArenaPrediction) -> int:
  """Of arena that a model may use up."""
  if options.plan.arena_bytes is not None:
    return options.plan.arena_bytes
  may_fill = _may_fill_stock_arena(options.plan) or options.plan.minimize == Objective.CALLS
  return stock.total if may_fill else 0


def is_converted(model: Model) -> bool:
  """Whether a model holds stages already."""
  return any(is_stage(operator) for operator in model.main.operators)


def _check_options(
  original: Model, options: ConvertOptions, selection: plugins.Selection, source: str
) -> None:
  flags = {
    '--input-rows': options.input_rows,
    '--hop': options.hop,
    '--inner-states': options.inner_states or None,
  }
  used = [flag for flag, rows in flags.items() if rows is not None]
  if not used:
    return
  others = [
    *used[1:],
    *(['--plugins=-stage'] if selection.stage is None else []),
    *(['--keep-input'] if options.keep_input else []),
  ]
  if others:
    raise TflmPatchError(f'{used[0]} and {others[0]} exclude each other; leave one of them out')
  if is_converted(original):
    raise TflmPatchError(
      f'{source or "model"}: {reasons.CONVERTED}; {used[0]} needs the original one'
    )


def _stage_options(options: ConvertOptions, stock: ArenaPrediction) -> StageOptions:
  goal = Goal(firmware_build(options.pointer_bytes), options.cpu)
  plan_options = options.plan
  if plan_options.minimize == Objective.CALLS and plan_options.arena_bytes is None:
    # Plans that shall only be fast, still below the stock arena.
    limit = stock.total - goal.least_gain(stock.total)
    plan_options = dataclasses.replace(plan_options, arena_bytes=limit)
    goal = dataclasses.replace(goal, cpu=None)
  elif _may_fill_stock_arena(plan_options):
    # Not above it: what is only faster is worth making, too.
    plan_options = dataclasses.replace(plan_options, arena_bytes=stock.required)
  elif plan_options.arena_bytes is not None and not _is_made_anyway(options):
    # A stage that fills more than the stock arena would not be made.
    is_faster = plan_options.minimize == Objective.CYCLES
    most = stock.required if is_faster else stock.total - goal.least_gain(stock.total)
    limit = min(plan_options.arena_bytes, most)
    plan_options = dataclasses.replace(plan_options, arena_bytes=limit)
  plan_options = dataclasses.replace(plan_options, cpu=options.cpu)
  goal = dataclasses.replace(goal, balance=plan_options.balance, memories=plan_options.memories)
  return StageOptions(
    keep_input=options.keep_input,
    force=options.force_stage,
    input_rows=options.input_rows,
    hop=options.hop,
    hop_level=options.hop_level,
    plan=plan_options,
    goal=goal,
  )


def _may_fill_stock_arena(plan: PlanOptions) -> bool:
  by_cycles = plan.minimize == Objective.CYCLES or plan.balance or plan.memories is not None
  return plan.arena_bytes is None and by_cycles


def _is_made_anyway(options: ConvertOptions) -> bool:
  """Whether stages are made that do not save memory."""
  by_rows = options.input_rows is not None or options.hop is not None
  return options.force_stage or by_rows or bool(options.inner_states)


def _why_unchanged(
  original: Model,
  choice: StageChoice | None,
  changes: Sequence[Change],
  stock: ArenaPrediction,
  options: ConvertOptions,
) -> str | None:
  """Why the model comes back as it is, None when it does not."""
  if is_converted(original):
    return reasons.CONVERTED
  # What was asked for, and what makes the model right, stays without stages, too.
  folded = any(change.plugin == 'boundary_quantize' or change.note for change in changes)
  if choice is None or not (choice.stages or folded):
    return reasons.no_stage(original, choice)
  if folded or _is_made_anyway(options):
    return None
  build = firmware_build(options.pointer_bytes)
  arena = predict(choice.model, build=build)
  if options.keep_input:
    stock = predict(kept_input.keep(original), build=build)
  gain = Goal(build).least_gain(stock.total, len(choice.stages))
  if options.plan.minimize == Objective.CYCLES and arena.total <= stock.total:
    if are_faster(choice.before.main, choice.stages, options.cpu):
      return None
  if arena.total > stock.total - gain:
    return f'the stock arena of {stock.total:,} bytes is hardly beaten by {arena.total:,}'
  return None


def _keep_input(
  original: Model, model: Model, changes: list[Change], reason: str | None
) -> tuple[Model, list[Change], str | None]:
  model = kept_input.keep(model)
  kept = kept_input.names(original, model)
  if not kept:
    return model, changes, reason
  text = f'{", ".join(kept)} in memory of its own, for other operators would overwrite it'
  return model, [*changes, Change('keep_input', text)], None


def _place_offline(
  model: Model, options: ConvertOptions, changes: list[Change], reason: str | None
) -> tuple[Model, ArenaPrediction, list[Change], str | None]:
  """Tells TFLM where tensors lie where that makes the head smaller."""
  build = firmware_build(options.pointer_bytes)
  arena = predict(model, build=build)
  kept = model.main.inputs if options.keep_input else ()
  planned = offline.improve(model, build, kept) if options.offline_plan else model
  if planned is model:
    return model, arena, changes, reason
  before, arena = arena, predict(planned, build=build)
  text = f'tensors placed offline, head {arena.head:,} instead of {before.head:,} bytes'
  return planned, arena, [*changes, Change('offline_plan', text)], None


def _notes(original: Model, changes: Sequence[Change]) -> tuple[str, ...]:
  """What the user must know, each once."""
  notes = [change.note for change in changes if change.note]
  if original.outside:
    notes.insert(0, reasons.outside_note(original, 'the converted file has them inside'))
  return tuple(dict.fromkeys(notes))


def _stock_operators(model: Model, choice: StageChoice | None) -> tuple[StockOperator, ...]:
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
