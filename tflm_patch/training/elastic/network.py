# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The network of a space: [images, table of numbers] -> the outputs of that sub-network."""

from __future__ import annotations

from typing import Any

import keras

from tflm_patch.architecture.network import Fragment, shifted
from tflm_patch.models.builder import BuildOptions, build, layer_name, layer_names
from tflm_patch.models.operators import MAKERS, Maker, norm_name
from tflm_patch.training.elastic.layers import ChannelMask, ElasticBottleneck
from tflm_patch.training.elastic.space import BOTTLENECK, Column, Space, numbers_of


def build_network(space: Space, momentum: float, sliced: bool = False) -> Any:
  """A functional Keras model of two inputs, images and a table without a batch dimension.

  Its layers with weights have the names that `models.build(space.largest)` gives them.

  Args:
    space: Which sub-networks there are.
    momentum: Of batch normalization.
    sliced: See `ElasticBottleneck`.
  """
  network, numbers = numbers_of(space.largest)
  names = layer_names(space.largest)
  # What the plain model normalizes, this one does.
  plain = build(space.largest, BuildOptions(momentum=momentum))
  normalized = {layer.name for layer in plain.layers}
  cells = (cell for group in space.groups for cell in group.cells)
  wide = {cell.block for cell in cells if cell.column is Column.CHANNELS}
  source = keras.Input(network.input.shape[1:], name='input')
  table = keras.Input(batch_shape=numbers.shape, name='sub_network')
  x, count = source, 0
  for number, fragment in enumerate(network.fragments):
    block = space.largest.blocks[number] if number < len(space.largest.blocks) else None
    if block is not None and block.kind == BOTTLENECK:
      made = ElasticBottleneck(
        block,
        number,
        [name for name in names[number] if not name.endswith('_norm')],
        block.skip and fragment.input.shape == fragment.output.shape,
        momentum,
        sliced,
        name=f'bottleneck_{number}',
      )
      x = made([x, table])
    else:
      x = _plain(fragment, count, x, normalized, momentum)
      if number in wide:
        x = ChannelMask(number, name=f'channels_{number}')([x, table])
    count += len(fragment.layers)
  return keras.Model([source, table], x, name='elastic')


def _plain(fragment: Fragment, base: int, x: Any, normalized: set[str], momentum: float) -> Any:
  """The layers that the plain model has for a block."""
  values = [x]
  for k, layer in enumerate(fragment.layers):
    name = layer_name(base + k, shifted(layer, 0, 0))
    norm = momentum if norm_name(name) in normalized else None
    inputs = [values[value] for value in layer.inputs]
    values.append(MAKERS[layer.opcode](Maker(layer, name, norm), inputs))
  return values[fragment.end]


def parts_of(network: Any) -> dict[str, Any]:
  """Layers with weights by their names, those of bottlenecks too."""
  found: dict[str, Any] = {}
  for layer in network.layers:
    if isinstance(layer, ElasticBottleneck):
      found.update(layer.parts)
    else:
      found[layer.name] = layer
  return found
