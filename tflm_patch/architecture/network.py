# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a spec to its layers, block by block.

What a block becomes depends on the block and on the value that it reads alone, so
it is worked out once and shared by all specs in which it occurs.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from tflm_patch.architecture import blocks, heads, text
from tflm_patch.architecture.layers import Layer, LayerBuilder, Value
from tflm_patch.architecture.spec import MAX_BLOCKS, MAX_SIZE, Block, Head, Spec, SpecError


@dataclasses.dataclass(frozen=True, eq=False)
class Fragment:
  """The layers of a block.

  Attributes:
    input: What it reads.
    layers: Their values are numbered from the block's: 0 is what it reads.
    end: The value that it ends with.
  """

  input: Value
  layers: tuple[Layer, ...]
  end: int

  @property
  def output(self) -> Value:
    return self.layers[self.end - 1].output if self.end else self.input


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
  """The layers of a spec.

  Attributes:
    input: The input.
    fragments: Of the blocks, then of a head that looks at the last map alone; each
      reads what the one before it ends with.
    head: The layers of another head, with the network's numbers of values.
    outputs: Values.
  """

  input: Value
  fragments: tuple[Fragment, ...]
  head: tuple[Layer, ...]
  outputs: tuple[int, ...]

  def layers(self) -> list[Layer]:
    """All layers, with the network's numbers of values."""
    found: list[Layer] = []
    x = 0
    for fragment in self.fragments:
      base = len(found)
      found += (shifted(layer, x, base) for layer in fragment.layers)
      x = base + fragment.end if fragment.end else x
    return [*found, *self.head]

  def values(self) -> list[Value]:
    """All values: the input, then what each layer makes."""
    return [self.input, *(layer.output for layer in self.layers())]


def shifted(layer: Layer, x: int, base: int) -> Layer:
  """A layer of a fragment that reads value x, after `base` other layers."""
  return _renumbered(layer, lambda value: base + value if value else x)


def network_of(spec: Spec) -> Network:
  """The layers of a spec.

  Raises:
    SpecError: the spec cannot exist; says which part of it, and why.
  """
  source = _input(spec)
  if len(spec.blocks) > MAX_BLOCKS:
    raise SpecError(f'{len(spec.blocks)} blocks are more than {MAX_BLOCKS}')
  fragments = []
  value, x, count = source, 0, 0
  ends: list[tuple[int, Value]] = []
  for block in spec.blocks:
    found = fragment_of(block, value)
    fragments.append(found)
    x = count + found.end if found.end else x
    count += len(found.layers)
    value = _apart(found.output)
    ends.append((x, value))
  kind = heads.REGISTRY.get(spec.head.kind)
  if kind is None:
    raise text.unknown(spec.head.kind, 'head', heads.REGISTRY)
  head: tuple[Layer, ...] = ()
  if 'scales' in kind.fields:
    head, outputs = _head(spec.head, count, ends or [(0, source)])
  else:
    fragments.append(head_of(spec.head, value))
    outputs = (count + fragments[-1].end if fragments[-1].end else x,)
  if not head and not any(fragment.layers for fragment in fragments):
    raise SpecError(f'"{text.format_spec(spec)}": has neither blocks nor a head with layers')
  return Network(source, tuple(fragments), head, outputs)


def _input(spec: Spec) -> Value:
  rows, cols, channels = spec.input_shape
  for size in spec.input_shape:
    if not 1 <= size <= MAX_SIZE:
      part = text.format_input(spec.input_shape)
      raise SpecError(f'"{part}": {size} is no size, which is from 1 to {MAX_SIZE}')
  if (rows, cols) == (1, 1):
    return Value((1, channels), 'input')
  return Value((1, rows, cols, channels), 'input')


@functools.lru_cache(maxsize=1 << 16)
def fragment_of(block: Block, source: Value) -> Fragment:
  """The layers of a block that reads a value of this shape.

  Raises:
    SpecError: the block cannot be there.
  """
  kind = blocks.REGISTRY.get(block.kind)
  if kind is None:
    raise text.unknown(block.kind, 'block', blocks.REGISTRY)
  builder = LayerBuilder(source.shape)
  builder.values[0] = source
  builder.part = text.format_block(block)
  _check_fields(block, builder)
  if len(source.shape) == 2 and 'kernel' in kind.fields:
    raise builder.error('needs a map of rows and columns, here is a vector')
  end = kind.emit(block, builder, 0)
  return Fragment(source, tuple(builder.layers), end)


def _check_fields(block: Block, builder: LayerBuilder) -> None:
  kind = blocks.REGISTRY[block.kind]
  for field, pair in (('kernel', block.kernel), ('stride', block.stride)):
    for size in pair:
      if not 1 <= size <= MAX_SIZE:
        raise builder.error(f'{field} {size} is not from 1 to {MAX_SIZE}')
  if 'channels' in kind.fields and not 1 <= block.channels <= MAX_SIZE:
    raise builder.error(f'{block.channels} channels; give from 1 to {MAX_SIZE}')
  if not 0 < block.expansion <= MAX_SIZE:
    raise builder.error(f'expansion {block.expansion:g} is not above 0 and up to {MAX_SIZE}')
  if not 0 <= block.squeeze <= MAX_SIZE:
    raise builder.error(f'squeeze {block.squeeze:g} is not from 0 to {MAX_SIZE}')


@functools.lru_cache(maxsize=1 << 12)
def head_of(head: Head, source: Value) -> Fragment:
  """The layers of a head that looks at the last map alone.

  Raises:
    SpecError: the head cannot be there.
  """
  builder = _head_builder(head, [source])
  (end,) = heads.REGISTRY[head.kind].emit(head, builder, [0])
  return Fragment(source, tuple(builder.layers), end)


def _head_builder(head: Head, ends: list[Value]) -> LayerBuilder:
  """A builder that has the ends of the blocks as its first values."""
  builder = LayerBuilder(ends[-1].shape)
  builder.values = ends
  builder.part = text.format_head(head)
  if 'classes' in heads.REGISTRY[head.kind].fields and not 1 <= head.classes <= MAX_SIZE:
    raise builder.error(f'{head.classes} classes; give from 1 to {MAX_SIZE}')
  return builder


def _head(
  head: Head, count: int, ends: Sequence[tuple[int, Value]]
) -> tuple[tuple[Layer, ...], tuple[int, ...]]:
  """The layers of a head that looks at several maps, and the outputs."""
  first = len(ends)
  builder = _head_builder(head, [value for _, value in ends])
  outputs = heads.REGISTRY[head.kind].emit(head, builder, range(first))

  def number(value: int) -> int:
    return ends[value][0] if value < first else count + 1 + value - first

  layers = tuple(_renumbered(layer, number) for layer in builder.layers)
  return layers, tuple(map(number, outputs))


def _apart(value: Value) -> Value:
  """A value as the next block sees it: whose scale it has is of no interest there."""
  return value if value.like is None else dataclasses.replace(value, like=None)


def _renumbered(layer: Layer, number: Callable[[int], int]) -> Layer:
  output = layer.output
  if output.like is not None:
    output = dataclasses.replace(output, like=number(output.like))
  return dataclasses.replace(layer, inputs=tuple(map(number, layer.inputs)), output=output)
