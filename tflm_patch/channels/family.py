# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How channels pass through an operator, and what becomes of it when some are removed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site, channels_of
from tflm_patch.graph.types import Operator


@dataclasses.dataclass(frozen=True, eq=False)
class Tie:
  """Channels of two tensors that can only go together.

  Attributes:
    first, second: Tensor indices.
    first_channels, second_channels: Equally many channels of each.
  """

  first: int
  first_channels: np.ndarray
  second: int
  second_channels: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
  """What stays of the tensors' channels.

  Attributes:
    channels: Tensor -> indices of the channels that it keeps, in order.
    live: Tensor -> bool[channels]: the outputs depend on it. The others that are kept fill
      up a width: their values are free, and nobody may read them.
    ranges: Tensor -> of the channels before.
    stands_for: Tensor -> int[channels]: the equal channel that a removed one is read as,
      its own index for others.
  """

  channels: dict[int, np.ndarray]
  live: dict[int, np.ndarray]
  ranges: dict[int, Ranges]
  stands_for: dict[int, np.ndarray]


class Family:
  """Operators that channels pass through one by one; the others override."""

  def follows(self, site: Site) -> bool:
    """Whether the family can say anything of the operator."""
    del site
    return True

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    """Of the output, from those of the inputs that are channels; exact or wider."""
    del site
    return sources[0]

  def ties(self, site: Site) -> Iterator[Tie]:
    """Channels of inputs and outputs that go together; by default those of the same number."""
    for tensor in sources_of(site):
      same = np.arange(site.channels)
      yield Tie(tensor, same, site.target, same)

  def pinned(self, site: Site) -> Iterator[tuple[int, np.ndarray]]:
    """Channels that must stay: (tensor, channels)."""
    del site
    return iter(())

  def reads(self, site: Site, source: Ranges, target: Ranges) -> np.ndarray | None:
    """bool[output channels, input channels] of the first input: what an output channel needs.

    A channel whose constant goes into the bias is not needed, nor any by a constant output.
    None for operators that channels pass through one by one.
    """
    del site, source, target
    return None

  def least_channels(self, site: Site) -> int:
    """How many output channels must stay."""
    del site
    return 1

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    """A key for each output channel; equal keys mean values that are always equal.

    Args:
      site: The operator.
      classes: int[channels] of each followed input: equal numbers, equal values.
    """
    raise NotImplementedError

  def merge(self, site: Site, stands_for: np.ndarray) -> bool:
    """Whether the weights have room to read channels as others that are equal to them."""
    del site, stands_for
    return True

  def keep(self, site: Site, kept: Kept) -> Operator:
    """The operator for the channels that stay; new constants are added to the graph."""
    del kept
    return site.operator


_REGISTRY: dict[str, Family] = {}
_T = TypeVar('_T', bound=type[Family])


def register(*opcodes: str) -> Callable[[_T], _T]:
  """Registers the family of operators."""

  def decorate(cls: _T) -> _T:
    family = cls()
    _REGISTRY.update(dict.fromkeys(opcodes, family))
    return cls

  return decorate


def family_of(site: Site | None) -> Family | None:
  """The family of an operator, None when channels are not followed through it."""
  if site is None:
    return None
  family = _REGISTRY.get(site.operator.opcode)
  return family if family is not None and family.follows(site) else None


def sources_of(site: Site) -> list[int]:
  """The inputs whose channels are followed."""
  tensors = site.graph.tensors
  return [t for t in site.operator.inputs if t >= 0 and channels_of(tensors[t])]
