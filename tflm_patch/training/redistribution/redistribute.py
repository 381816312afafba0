# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`redistribute`: the same network with its receptive field elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch import architecture
from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_block
from tflm_patch.conversion.spec_engine import requirements_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.redistribution import candidates, growth
from tflm_patch.training.redistribution.candidates import Choice
from tflm_patch.training.redistribution.figures import (
  Figures,
  figures_of,
  line_buffer_bytes,
  macs_of,
  stage_blocks,
  stage_of,
)
from tflm_patch.training.redistribution.options import DEFAULT, Objective, RedistributionOptions

_ROWS = (
  ('receptive field of the stage', 'receptive_field'),
  ('halo', 'halo'),
  ('patch side on the image', 'patch'),
  ('overhead of the stage', 'stage_overhead'),
  ('overhead of the network', 'network_overhead_exact'),
  ('line buffers', 'line_buffer_bytes'),
  ('arena', 'arena'),
  ('MACs', 'macs'),
)


@dataclasses.dataclass(frozen=True)
class Redistribution:
  """A spec with its receptive field redistributed.

  Attributes:
    spec: The new spec.
    before, after: Figures of the old and the new spec.
    changes: What was done, a line each.
    model: The new Keras model with inherited weights; None where a spec was given.
  """

  spec: Spec
  before: Figures
  after: Figures
  changes: tuple[str, ...]
  model: Any = None

  def __str__(self) -> str:
    """A Markdown table, and the changes.

    The stage's overhead counts equal patches with their padding, the network's leaves out
    what lies outside of the image, as published tables do.
    """
    lines = ['| | before | after |', '|---|---:|---:|']
    for title, field in _ROWS:
      cells = [_shown(getattr(each, field)) for each in (self.before, self.after)]
      lines.append(f'| {title} | {cells[0]} | {cells[1]} |')
    return '\n'.join([*lines, '', *self.changes])

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'spec': architecture.format_spec(self.spec),
      'before': self.before.to_json(),
      'after': self.after.to_json(),
      'changes': list(self.changes),
    }


def redistribute(
  model_or_spec: Any, options: RedistributionOptions = DEFAULT, samples: Any = None
) -> Redistribution:
  """Moves receptive field, and computation, from the patched part of a network to later blocks.

  Kernels of the first blocks become smaller, blocks that keep the shape of their map go, and
  blocks are added after the stage until the MACs are what they were.

  Args:
    model_or_spec: A model that `models.build` made, whose weights the new model inherits; or
      a spec, its line or its name.
    options: See `RedistributionOptions`.
    samples: Inputs of the model, as it is trained with, some hundreds: batch normalization
      of the new model gets its statistics from them, since those of cropped kernels are
      others. Of no use to a spec.

  Raises:
    TflmPatchError: there are samples and no model; or the goal, or the MACs, cannot be
      reached: says what can.
  """
  is_spec = isinstance(model_or_spec, (str, Spec))
  if is_spec and samples is not None:
    raise TflmPatchError('samples are for the weights of a model, and a spec has none')
  spec = _spec_of(model_or_spec)
  blocks = options.blocks
  if blocks is None:
    blocks = stage_blocks(spec, options.grid)
  before = figures_of(spec, blocks, options.grid)
  stage = _smaller_stage(spec, blocks, before.macs, options)
  kept = [k for k, block in enumerate(stage) if block is not None]
  numbers = [*kept, *range(blocks, len(spec.blocks))]
  smaller = _with_stage(spec, blocks, stage)
  chosen = _additions(smaller, len(kept), before.macs, options)
  grown = growth.with_added(smaller, chosen)
  after = figures_of(grown, len(kept), options.grid)
  origins = growth.origins(smaller, chosen)
  origin = [None if number is None else numbers[number] for number in origins]
  model = None
  if not is_spec:
    from tflm_patch.training.redistribution.inherit import inherit

    model = inherit(model_or_spec, spec, grown, origin, samples)
  return Redistribution(grown, before, after, _changes(spec, grown, origin), model)


def _spec_of(subject: Any) -> Spec:
  if isinstance(subject, Spec):
    return subject
  if isinstance(subject, str):
    return architecture.load(subject)
  from tflm_patch.models.builder import spec_of

  return spec_of(subject)


def _with_stage(spec: Spec, blocks: int, stage: Choice) -> Spec:
  kept = tuple(block for block in stage if block is not None)
  return dataclasses.replace(spec, blocks=(*kept, *spec.blocks[blocks:]))


def _smaller_stage(spec: Spec, blocks: int, macs: int, options: RedistributionOptions) -> Choice:
  """The stage that reaches the goal and keeps the most MACs."""
  known: dict[Choice, float] = {}

  def measure(stage: Choice) -> float:
    if stage not in known:
      made, count = _with_stage(spec, blocks, stage), sum(each is not None for each in stage)
      known[stage] = _value(made, count, options)
    return known[stage]

  def keep(stage: Choice) -> float:
    return macs_of(_with_stage(spec, blocks, stage))

  def allowed(stage: Choice) -> bool:
    if options.network_overhead is None:
      return True
    made, count = _with_stage(spec, blocks, stage), sum(each is not None for each in stage)
    alone = stage_of(made, count, options.grid)
    # The network will have its MACs again, or a little less.
    least_macs = (1 - options.macs_tolerance) * macs
    return alone.macs_exact - alone.macs <= options.network_overhead * least_macs

  possible = candidates.choices(spec, blocks, options.least_kernel, options.expansions)
  found = candidates.search(possible, measure, options.goal, keep, allowed)
  if found is None:
    raise TflmPatchError(
      f'{options.objective.value} gets down to {min(known.values()):.4g}, and no stage reaches '
      f'all that is asked for; raise the goal, or let the stage hold fewer blocks'
    )
  return found


def _value(spec: Spec, blocks: int, options: RedistributionOptions) -> float:
  if options.objective is Objective.OVERHEAD:
    return stage_of(spec, blocks, options.grid).stage_overhead(False)
  if options.objective is Objective.LINE_BUFFERS:
    return line_buffer_bytes(spec, blocks)
  return requirements_of(spec).arena.total


def _additions(
  spec: Spec, first: int, macs: int, options: RedistributionOptions
) -> list[growth.Growth]:
  tolerance = int(options.macs_tolerance * macs)
  missing = macs - macs_of(spec)
  chosen = growth.choose(growth.growths(spec, first), missing, options.most_added, tolerance)
  left = missing - sum(each.macs for each in chosen)
  if abs(left) > tolerance:
    raise TflmPatchError(
      f'{abs(left):,} MACs ({abs(left) / macs:.1%}) remain between before and after; allow a '
      'larger tolerance of MACs, or more added blocks'
    )
  return chosen


def _changes(old: Spec, new: Spec, origin: list[int | None]) -> tuple[str, ...]:
  lines = []
  for number, block in enumerate(old.blocks):
    if number not in origin:
      lines.append(f'block {number} left out: {format_block(block)}')
  for was, block in zip(origin, new.blocks):
    if was is not None and block != old.blocks[was]:
      lines.append(f'block {was}: {format_block(old.blocks[was])} -> {format_block(block)}')
  last = -1
  for was, block in zip(origin, new.blocks):
    if was is None:
      lines.append(f'added after block {last}: {format_block(block)}')
    else:
      last = was
  return tuple(lines)


def _shown(value: Any) -> str:
  if isinstance(value, tuple):
    return 'x'.join('whole' if each is None else str(each) for each in value)
  return f'{100 * value:.1f} %' if isinstance(value, float) else f'{value:,}'
