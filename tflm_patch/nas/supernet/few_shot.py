# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Few-shot supernets: one for each option of a decision (Zhao et al., ICML 2021).

Networks that differ much disturb each other in one supernet. Several that have one option
of a decision each, and begin with the weights of the whole one, rank networks better.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space import SearchSpace
from tflm_patch.nas.supernet.fitness import InheritedAccuracy
from tflm_patch.nas.supernet.shared_space import SharedSpace
from tflm_patch.nas.supernet.supernet import Supernet
from tflm_patch.training.elastic.weights import copy_part

_STAGE = re.compile(r'stage(\d+)\.(depth|width|kernel|expansion)')


def split(supernet: Supernet, decision: str) -> list[Supernet]:
  """A supernet for each option of a decision, with the weights of a trained one.

  Train them with `largest_share=0`: their channels are sorted.

  Args:
    supernet: Trained.
    decision: `width`, `stage0.depth`, `stage0.width`, `stage0.kernel` or
      `stage0.expansion`, of whatever stage; the latter two are those of all its blocks, which
      have one option each then.

  Raises:
    TflmPatchError: the space has no such decision, or it has one option.
  """
  found = []
  for space in _spaces(supernet.space, decision):
    part = Supernet(space, supernet.loss)
    candidate = supernet.shared.find(part.shared.largest)
    copy_part(supernet.network, candidate.spec, candidate.origin, part.network.parts)
    found.append(part)
  return found


def _spaces(space: SearchSpace, decision: str) -> list[SearchSpace]:
  match = _STAGE.fullmatch(decision)
  options: Sequence[Any] = ()
  if decision == 'width':
    options = space.widths
  elif match and int(match[1]) < len(space.stages):
    options = getattr(space.stages[int(match[1])], f'{match[2]}s')
  if len(options) < 2:
    raise TflmPatchError(
      f'space "{space.name}": cannot be split by "{decision}"; choose width, or stage0.depth, '
      '.width, .kernel, .expansion of a stage that has several'
    )
  made = []
  for option in options:
    changed: dict[str, Any] = {'widths': (option,)}
    if match:
      stages = list(space.stages)
      number = int(match[1])
      fields: dict[str, Any] = {f'{match[2]}s': (option,)}
      stages[number] = dataclasses.replace(stages[number], **fields)
      changed = {'stages': tuple(stages)}
    made.append(dataclasses.replace(space, **changed))
  return made


class FewShotAccuracy:
  """Inherited accuracy, of each network in the first supernet that has it.

  Args:
    parts: Of supernets with the same head.
    spaces: Theirs.
  """

  def __init__(self, parts: Sequence[InheritedAccuracy], spaces: Sequence[SharedSpace]) -> None:
    self._parts = list(zip(parts, spaces))

  def evaluate(self, specs: Sequence[Spec], budget: object = None) -> list[float]:
    """See `InheritedAccuracy.evaluate`.

    Raises:
      TflmPatchError: no supernet has a network.
    """
    return [self._of(spec).evaluate([spec], budget)[0] for spec in specs]

  def _of(self, spec: Spec) -> InheritedAccuracy:
    for part, space in self._parts:
      if spec in space:
        return part
    raise TflmPatchError(f'"{format_spec(spec)}": no network of these supernets')
