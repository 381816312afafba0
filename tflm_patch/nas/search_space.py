# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The first stage of TinyNAS: which resolution and width of a space suit a chip.

Networks by chance of every resolution and width are checked. Of those that keep the limits,
more work tends to mean more accuracy; so the spaces are ranked by it
(arXiv 2007.10319, section 3.1).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tflm_patch.architecture.spaces import TINY_NAS_SIDES, TINY_NAS_WIDTHS
from tflm_patch.conversion.fit import fits_many
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.conversion.space_fit import Distribution
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.checker import Checker
from tflm_patch.nas.costs import PLAIN_COSTS
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.space import SearchSpace, Shape

QUANTILE = 0.8
LEAST_FITTING = 0.1
_NO_LIMIT = (1 << 31) - 1


class SubSpace(Distribution[SearchSpace]):
  """One resolution and one width of a space, and the networks by chance that fit."""

  @property
  def input_shape(self) -> Shape:
    return self.space.inputs[0]

  @property
  def width(self) -> float:
    return self.space.widths[0]

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'input_shape': list(self.input_shape),
      'width': self.width,
      'tried': self.tried,
      'fitting': round(self.fitting, 4),
      'mean_macs': round(self.mean),
      'quantile_macs': self.quantile(QUANTILE),
    }


def sub_spaces(
  space: SearchSpace, shapes: Sequence[Shape] | None = None, widths: Sequence[float] | None = None
) -> list[SearchSpace]:
  """A space for each input shape and width.

  Args:
    space: All other decisions are left.
    shapes: Of inputs; None for the space's own.
    widths: Multipliers; None for the space's own.

  Raises:
    SpecError: its networks cannot read one of the shapes.
  """
  return [
    dataclasses.replace(
      space,
      name=f'{space.name} {shape[0]}x{shape[1]} width {width:g}',
      inputs=(shape,),
      widths=(width,),
    )
    for shape in (space.inputs if shapes is None else shapes)
    for width in (space.widths if widths is None else widths)
  ]


def tiny_nas(space: SearchSpace) -> list[SearchSpace]:
  """TinyNAS' 108 spaces: 12 resolutions and 9 widths of a space of images."""
  channels = space.inputs[0][2]
  shapes = [(side, side, channels) for side in TINY_NAS_SIDES]
  return sub_spaces(space, shapes, TINY_NAS_WIDTHS)


def rank_spaces(
  spaces: Sequence[SearchSpace],
  objectives: Objectives,
  *,
  count: int = 1000,
  seed: int = 0,
  processes: int = 1,
  progress: Callable[[str], None] = lambda text: None,
) -> list[SubSpace]:
  """Spaces, the most promising first: by the mean work of their networks that fit.

  Those of which less than one in ten fits come last: their mean is that of a few, and most of
  what a search would draw there is in vain.

  Args:
    spaces: Each of one input and one width.
    objectives: Whose limits are kept. Arena, flash and MACs are checked quickly, for models
      that take their input whole; with other limits each network is checked as in a search.
    count: Networks of each space, at least 1.
    seed: The same seed draws the same networks.
    processes: That work at the same time, where the check is the quick one.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: count is below 1, or a process ended.
  """
  if count < 1:
    raise TflmPatchError(f'{count} networks of a space say nothing; draw 1 or more')
  if any(name not in PLAIN_COSTS for name in objectives.limits):
    found = _one_by_one(spaces, objectives, count, seed, progress)
  else:
    found = _at_once(spaces, objectives, count, seed, processes, progress)
  return ranked(found)


def ranked(spaces: Iterable[SubSpace]) -> list[SubSpace]:
  """In the order of `rank_spaces`, spaces that were checked at different times, too."""
  return sorted(spaces, key=lambda each: (each.fitting < LEAST_FITTING, -each.mean))


def _one_by_one(
  spaces: Sequence[SearchSpace],
  objectives: Objectives,
  count: int,
  seed: int,
  progress: Callable[[str], None],
) -> list[SubSpace]:
  """By the checks of a search, which know instructions and what is estimated from them."""
  found = []
  for number, space in enumerate(spaces):
    progress(f'Checked {number * count:,} of {len(spaces) * count:,} networks')
    checker = Checker(space, objectives)
    fitting = [picks for picks in space.samples(count, seed) if checker.fits(picks)]
    macs = sorted(checker.needs(picks).macs for picks in fitting)
    found.append(SubSpace(space, count, tuple(macs)))
  return found


def _at_once(
  spaces: Sequence[SearchSpace],
  objectives: Objectives,
  count: int,
  seed: int,
  processes: int,
  progress: Callable[[str], None],
) -> list[SubSpace]:
  """By the constraint engine, in several processes."""
  limits = objectives.limits
  flash = limits.get('flash')
  budget = Budget(int(limits.get('arena', _NO_LIMIT)), None if flash is None else int(flash))
  specs = [space.spec_of(picks) for space in spaces for picks in space.samples(count, seed)]
  answers = fits_many(
    specs,
    budget,
    processes=processes,
    progress=lambda done: progress(f'Checked {done:,} of {len(specs):,} networks'),
  )
  most = limits.get('macs', math.inf)
  found = []
  for k, space in enumerate(spaces):
    part = answers[k * count : (k + 1) * count]
    macs = sorted(answer.macs for answer in part if answer.fits and answer.macs <= most)
    found.append(SubSpace(space, count, tuple(macs)))
  return found
