# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A sub-network as a table of numbers: which part of each layer of the largest network it uses.

Row k is about layer k of the largest network. The centre of a kernel and the first channels
of a layer are used; a block that is not active gives what it reads.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.blocks import REGISTRY
from tflm_patch.architecture.layers import Layer, Value
from tflm_patch.architecture.network import Fragment, Network, network_of
from tflm_patch.architecture.spec import Block, Spec
from tflm_patch.architecture.text import format_block, format_spec
from tflm_patch.errors import TflmPatchError

POOLS = ('AVERAGE_POOL_2D', 'MAX_POOL_2D')


class Number(enum.IntEnum):
  """What a layer is told; of ACTIVE and ADDS the first layer of each block."""

  ROWS = 0  # of the window
  COLUMNS = 1
  CHANNELS = 2  # of the output
  ACTIVE = 3  # 0: the block gives what it reads
  ADDS = 4  # 1: the block adds its input to what it makes


@dataclasses.dataclass(frozen=True, eq=False)
class Core:
  """The layers of a block without the addition of its input.

  Attributes:
    layers: As in a fragment.
    end: The value that they end with.
    adds: Whether the input is added to it.
    may_add: Whether it would be added to a map of the same shape.
  """

  layers: tuple[Layer, ...]
  end: int
  adds: bool
  may_add: bool


def core_of(fragment: Fragment, block: Block | None) -> Core:
  """The core of a block; of a head, for which there is no block, all layers."""
  layers = fragment.layers
  if block is None or 'skip' not in REGISTRY[block.kind].fields or not block.skip:
    return Core(layers, fragment.end, False, False)
  if layers[-1].opcode == 'ADD':
    return Core(layers[:-1], layers[-1].inputs[1], True, True)
  return Core(layers, fragment.end, False, block.stride == (1, 1))


def pools_whole_map(layer: Layer, read: Value) -> bool:
  """Whether a pool has one window, which is its whole input."""
  return layer.opcode in POOLS and layer.kernel == read.size and layer.output.size == (1, 1)


def shared_network(spec: Spec) -> Network:
  """The layers of a spec whose weights can be shared.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: its head looks at several maps.
  """
  network = network_of(spec)
  if not network.head:
    return network
  last = network.fragments[-1] if network.fragments else None
  before = sum(len(each.layers) for each in network.fragments)
  (*others, layer) = network.head
  # Of a head of one scale that is one layer, which reads what the last block ends with.
  if others or last is None or layer.inputs != (before - len(last.layers) + last.end,):
    raise TflmPatchError(
      f'"{format_spec(spec)}": a head that looks at several maps cannot be shared by sub-networks'
    )
  head = Fragment(last.output, (dataclasses.replace(layer, inputs=(0,)),), 1)
  return dataclasses.replace(network, fragments=(*network.fragments, head), head=())


def table_of(largest: Spec, spec: Spec, origin: Sequence[int]) -> np.ndarray:
  """The numbers of a sub-network.

  Args:
    largest: The spec of the network that has all weights.
    spec: Of the sub-network.
    origin: For each of its blocks the number of the largest one's; ascending.

  Returns:
    float32[layers of the largest network, len(Number)].

  Raises:
    SpecError: a spec cannot exist.
    TflmPatchError: a block is no part of the one that it comes from.
  """
  whole, part = shared_network(largest), shared_network(spec)
  rows = np.zeros((sum(len(each.layers) for each in whole.fragments), len(Number)), np.float32)
  pairs = dict(zip((*origin, *range(len(largest.blocks), len(whole.fragments))), part.fragments))
  of_block = dict(zip(origin, spec.blocks))
  first = 0
  for number, fragment in enumerate(whole.fragments):
    block = largest.blocks[number] if number < len(largest.blocks) else None
    used = pairs.get(number)
    core = core_of(fragment, block)
    for row, layer in zip(rows[first:], core.layers):
      row[: Number.ACTIVE] = *layer.kernel, layer.output.channels
    if used is not None and used.layers:
      _use(rows[first:], core, core_of(used, of_block.get(number)), fragment, used, block)
    first += len(fragment.layers)
  return rows


def _use(
  rows: np.ndarray, core: Core, part: Core, fragment: Fragment, used: Fragment, block: Block | None
) -> None:
  """Writes the numbers of a block that is active."""
  name = 'the head' if block is None else f'"{format_block(block)}"'
  if [each.opcode for each in part.layers] != [each.opcode for each in core.layers]:
    raise TflmPatchError(f'{name}: has other layers in a sub-network, which cannot be shared')
  values = [fragment.input, *(layer.output for layer in core.layers)]
  read = [used.input, *(layer.output for layer in part.layers)]
  for row, ours, theirs in zip(rows, core.layers, part.layers):
    problem = _problem(ours, theirs, values[ours.inputs[0]], read[theirs.inputs[0]])
    if problem:
      raise TflmPatchError(f'{name}: {problem} in a sub-network, which cannot be shared')
    row[: Number.ACTIVE] = *theirs.kernel, theirs.output.channels
  rows[0, Number.ACTIVE], rows[0, Number.ADDS] = 1, part.adds


def _problem(ours: Layer, theirs: Layer, read: Value, part: Value) -> str:
  """Why a layer is no part of another; '' where it is."""
  if ours.opcode == 'RESHAPE' and read.shape != part.shape and read.size != (1, 1):
    return 'a flattened map of another shape'
  if ours.opcode in POOLS:
    alike = pools_whole_map(ours, read) and pools_whole_map(theirs, part)
    return '' if alike or _window(ours) == _window(theirs) else 'another window of a pool'
  if (ours.stride, ours.padding, ours.activation) != (
    theirs.stride,
    theirs.padding,
    theirs.activation,
  ):
    return 'another stride, padding or activation'
  if theirs.output.channels > ours.output.channels:
    return 'more channels'
  for have, want, stride in zip(ours.kernel, theirs.kernel, ours.stride):
    # Below the stride, other cells would be at the centre of SAME windows.
    if want != have and (want > have or (have - want) % 2 or want < stride):
      return f'a kernel of {want}, no centre of {have},'
  return ''


def _window(layer: Layer) -> tuple[object, ...]:
  return layer.kernel, layer.stride, layer.padding
