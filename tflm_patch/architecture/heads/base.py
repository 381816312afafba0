# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a kind of head is, and the registry of them; as for blocks, one a module."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Head

# Appends a head's layers; gets the values that the blocks end with, gives the outputs.
Emit = Callable[[Head, LayerBuilder, Sequence[int]], tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class HeadKind:
  """A kind of head.

  Attributes:
    defaults: A head of this kind.
    fields: Names of the fields of `Head` that it uses.
    emit: Appends its layers.
    summary: One line for the documentation.
  """

  defaults: Head
  fields: frozenset[str]
  emit: Emit
  summary: str

  @property
  def name(self) -> str:
    return self.defaults.kind

  @property
  def leading(self) -> str:
    """The field that a number right after the name says."""
    return 'classes' if 'classes' in self.fields else ''


REGISTRY: dict[str, HeadKind] = {}


def register(defaults: Head, *fields: str) -> Callable[[Emit], Emit]:
  """Registers a kind; the first line of the function's docstring is its summary."""

  def decorate(emit: Emit) -> Emit:
    summary = (emit.__doc__ or '').strip().splitlines()[0]
    REGISTRY[defaults.kind] = HeadKind(defaults, frozenset(fields), emit, summary)
    return emit

  return decorate


def last_of_each_size(builder: LayerBuilder, ends: Sequence[int], count: int) -> list[int]:
  """The last values of the last `count` resolutions, the finest first.

  Raises:
    SpecError: the blocks have fewer resolutions.
  """
  last = {builder.size(x): x for x in ends}
  if count < 1 or count > len(last):
    raise builder.error(f'{count} scales of maps that have {len(last)} resolutions')
  return sorted(last.values())[-count:]
