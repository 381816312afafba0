# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Does a model or an architecture fit a chip, and by how much?

What a file needs is what its conversion gives: the arena and the converted file. When
that does not fit, options are tried in the order of what they cost, until one does.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

from tflm_patch import architecture, cost, targets
from tflm_patch.architecture import Spec
from tflm_patch.conversion import pipeline, spec_engine
from tflm_patch.conversion.fit_batch import fits_many
from tflm_patch.conversion.fit_types import Budget, Fit, Gear, Verdict, budget_of, speed_of
from tflm_patch.conversion.known import Known
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.conversion.pipeline import Conversion
from tflm_patch.cost.memories import Memories, of_target
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model, read_model
from tflm_patch.graph.types import DType, Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.planner.work import Speed, speed
from tflm_patch.targets import Target

__all__ = ['Budget', 'Fit', 'FitOptions', 'Gear', 'Verdict', 'fit_table', 'fits', 'fits_many']

Subject = Spec | Model | bytes | str | os.PathLike[str]
Progress = Callable[[str], None]
SCHEMA_VERSION = 1
_PLAIN = ConvertOptions()
_SUFFIX = '.tflite'
_Flags = tuple[tuple[str, str], ...]  # options of `convert` and their values


@dataclasses.dataclass(frozen=True)
class FitOptions:
  """What may be done to make it fit.

  Attributes:
    convert: Options of the conversion; its budgets are set from the target.
    reserve_bytes: SRAM that is kept for everything else: stack, heap, drivers.
    exact: Always search the smallest arena, also where a verdict takes less.
    try_options: Look for an option that makes it fit when it does not.
    fast_bytes: What stages may use of the fast memory of chips that have some beside that of
      the arena; None for plans of one memory.
  """

  convert: ConvertOptions = _PLAIN
  reserve_bytes: int = 0
  exact: bool = False
  try_options: bool = False
  fast_bytes: int | None = None


def fits(subject: Subject, target: Target | str, options: FitOptions = FitOptions()) -> Fit:
  """Whether a model or a spec fits a chip.

  Args:
    subject: A spec, its line or its name, a graph, or a `.tflite` file: its bytes or its path.
    target: A chip, its name, or the path of a file that describes one.
    options: See `FitOptions`.

  Raises:
    TflmPatchError: unreadable file, unknown target, a spec that cannot exist.
  """
  chip = target if isinstance(target, Target) else targets.load(target)
  spec = _spec_of(subject)
  is_plain = options.convert == _PLAIN and options.fast_bytes is None
  if spec is not None and not options.try_options and is_plain:
    core = cost.core_of(chip.cpu) if options.exact else None
    budget = budget_of(chip, core, options.reserve_bytes)
    return spec_engine.exactly(spec, budget) if options.exact else spec_engine.decide(spec, budget)
  return fit_table(subject, [chip], options)[0]


def fit_table(
  subject: Subject,
  chips: Sequence[Target],
  options: FitOptions = FitOptions(),
  progress: Progress | None = None,
) -> list[Fit]:
  """What `fits` says of several chips; what they have in common is done once.

  Args:
    subject, options: As for `fits`.
    chips: In the order of the answers.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: as `fits`.
  """
  trial = _Trial(subject, options, progress or _silent)
  return [trial.fit(chip) for chip in chips]


def _silent(text: str) -> None:
  del text


def _spec_of(subject: Subject) -> Spec | None:
  """A spec, from its line or its name, too; None for a graph or a file."""
  if isinstance(subject, Spec):
    return subject
  if not isinstance(subject, str) or subject.lower().endswith(_SUFFIX):
    return None
  is_path = os.sep in subject or pathlib.Path(subject).exists()
  return None if is_path else architecture.load(subject)


@dataclasses.dataclass(frozen=True)
class _Tried:
  """A conversion, and the bytes of its file."""

  conversion: Conversion
  file_bytes: int

  @classmethod
  def of(cls, conversion: Conversion) -> _Tried:
    unchanged = conversion.original.file_bytes if conversion.reason is not None else 0
    return cls(conversion, unchanged or len(serialize_model(conversion.model)))


def _model_of(subject: Subject) -> tuple[Model, str]:
  """A model, and its name for messages."""
  spec = _spec_of(subject)
  if spec is not None:
    return spec_engine.trained_graph(spec), architecture.format_spec(spec)
  if isinstance(subject, Model):
    return subject, subject.source
  if isinstance(subject, bytes):
    return parse_model(subject), ''
  assert not isinstance(subject, Spec)
  return read_model(subject), os.fspath(subject)


class _Trial:
  """Conversions of one model with several options, each done once."""

  def __init__(self, subject: Subject, options: FitOptions, progress: Progress) -> None:
    self._model, self._source = _model_of(subject)
    self._options = options
    self._progress = progress
    self._done: dict[tuple[_Flags, int | None, Memories | None], _Tried | None] = {}
    self._known: dict[tuple[bool, int | None], Known] = {}

  def fit(self, chip: Target) -> Fit:
    """The answer for a chip."""
    options = self._options
    memories = _memories_of(chip, options.fast_bytes)
    plain = self._convert((), None, memories)
    assert plain is not None
    arena = chip.slow_bytes if memories is not None else None
    limit = (arena or chip.sram_contiguous_bytes) - options.reserve_bytes
    small = _within(plain, limit, chip)
    found = Fit(
      target=chip.name,
      verdict=Verdict.FITS if small else Verdict.TOO_LARGE,
      gear=Gear.FULL,
      arena=plain.conversion.arena.total,
      arena_required=plain.conversion.arena.required,
      arena_limit=limit,
      flash=plain.file_bytes,
      flash_limit=chip.flash_bytes,
      macs=plain.conversion.macs,
      **speed_of(_speed(plain.conversion, chip, memories), chip.clock_hz),
      bound_by=_bound_by(plain.conversion),
      fast=plain.conversion.fast_bytes,
      fast_limit=None if memories is None else memories.fast_bytes,
    )
    if small or limit <= 0:
      return found
    if chip.flash_bytes is not None and plain.file_bytes > chip.flash_bytes:
      return dataclasses.replace(found, bound_by='flash')
    for flags in self._alternatives() if options.try_options else ():
      result = self._convert(flags, limit, memories)
      if result is not None and _within(result, limit, chip):
        budget = f'--arena {limit}' if options.reserve_bytes else f'--target {chip.name}'
        budget += '' if memories is None else f' --fast {memories.fast_bytes}'
        return dataclasses.replace(
          found,
          option=' '.join([budget, *(f'{name} {value}'.strip() for name, value in flags)]),
          option_arena=result.conversion.arena.total,
        )
    return found

  def _alternatives(self) -> Iterator[_Flags]:
    """Options that lower the arena, what costs least first."""
    base = self._options.convert
    main = self._model.main
    is_int8 = all(main.tensors[t].dtype == DType.INT8 for t in (*main.inputs, *main.outputs))
    int8 = () if base.int8_io or is_int8 else (('--int8-io', ''),)
    is_whole = base.input_rows is None and base.hop is None and not base.keep_input
    rows = (('--input-rows', '1'),) if is_whole else ()
    for overhead in ('1.00', '1.05', '1.25'):
      if overhead != '1.00' and float(overhead) <= base.plan.max_overhead:
        continue
      more = () if overhead == '1.00' else (('--max-overhead', overhead),)
      for flags in dict.fromkeys(((), int8, rows, (*int8, *rows))):
        yield (*flags, *more)

  def _convert(
    self, flags: _Flags, arena_bytes: int | None, memories: Memories | None
  ) -> _Tried | None:
    """None where the options are not possible for this model, or it does not fit the arena."""
    key = flags, arena_bytes, memories
    if key not in self._done:
      said = dict(flags)
      base = self._options.convert
      plan = dataclasses.replace(base.plan, arena_bytes=arena_bytes, memories=memories)
      if '--max-overhead' in said:
        plan = dataclasses.replace(plan, max_overhead=float(said['--max-overhead']))
      options = dataclasses.replace(
        base,
        plan=plan,
        flash_bytes=None,
        int8_io=base.int8_io or '--int8-io' in said,
        input_rows=1 if '--input-rows' in said else base.input_rows,
      )
      known = self._known.setdefault((options.int8_io, options.input_rows), Known())
      self._progress(f'Trying {" ".join(said)}' if said else 'Planning')
      try:
        found = pipeline.plan(self._model, options, self._source, known=known)
        self._done[key] = _Tried.of(found)
      except TflmPatchError:
        if arena_bytes is None:
          raise
        self._done[key] = None
    return self._done[key]


def _within(tried: _Tried, limit: int, chip: Target) -> bool:
  is_small = chip.flash_bytes is None or tried.file_bytes <= chip.flash_bytes
  return is_small and tried.conversion.arena.required <= limit


def _memories_of(chip: Target, fast_bytes: int | None) -> Memories | None:
  """As much of a chip's fast memory as it has; None for a chip of one memory."""
  if fast_bytes is None or chip.fast_bytes is None:
    return None
  return of_target(min(fast_bytes, chip.fast_bytes), chip)


def _speed(conversion: Conversion, chip: Target, memories: Memories | None) -> Speed | None:
  """Of the stages, when they are the whole model and the core is known."""
  core = cost.core_of(chip.cpu)
  if core is None or len(conversion.model.main.operators) != len(conversion.stages):
    return None
  return speed((stage.plan for stage in conversion.stages), core, memories)


def _bound_by(conversion: Conversion) -> str:
  if not conversion.stages:
    return conversion.reason or ''
  return spec_engine.bound_of(max((stage.plan for stage in conversion.stages), key=_bytes_of))


def _bytes_of(plan: StagePlan) -> int:
  return plan.bytes
