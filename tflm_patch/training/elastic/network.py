# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A network of which any sub-network runs: [inputs, table of numbers] -> the outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import keras
from keras import ops

from tflm_patch.architecture.layers import Layer, Value
from tflm_patch.architecture.network import Fragment
from tflm_patch.architecture.spec import Activation, Spec
from tflm_patch.models.builder import layer_name, without_normalization
from tflm_patch.models.operators import WEIGHTED, norm_name
from tflm_patch.training.elastic import masks
from tflm_patch.training.elastic.table import (
  POOLS,
  Number,
  core_of,
  pools_whole_map,
  shared_network,
)

ACTIVATIONS: dict[Activation, Callable[[Any], Any]] = {
  Activation.NONE: lambda x: x,
  Activation.RELU: ops.relu,
  Activation.RELU6: ops.relu6,
}


class ElasticNetwork(keras.layers.Layer):
  """The layers of a spec, of which a table says what is used.

  Args:
    largest: The spec of the network that has all weights.
    optional: Numbers of the blocks that may be left out.
    loose: Numbers of the blocks that add their input in some sub-networks only.
    momentum: Of batch normalization.
    sliced: Compute the used part alone; TensorFlow only.

  Attributes:
    parts: Layers of Keras with weights, by the names that `models.build(largest)` gives them.

  Call: [float32[n, rows, columns, channels], table (see `table_of`)]; rows and columns may be
  fewer than the spec's where nothing is flattened.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: its head looks at several maps.
  """

  def __init__(
    self,
    largest: Spec,
    optional: Collection[int] = (),
    loose: Collection[int] = (),
    momentum: float = 0.9,
    sliced: bool = False,
    **kwargs: Any,
  ) -> None:
    super().__init__(**kwargs)
    self.largest = largest
    self._optional, self._loose = frozenset(optional), frozenset(loose)
    self._shared = shared_network(largest)
    self.parts: dict[str, Any] = {}
    self._arithmetic: Any = masks
    if sliced:
      from tflm_patch.training.elastic import slices

      self._arithmetic = slices
    self._add_parts(momentum)
    self.built = True

  @property
  def norms(self) -> list[Any]:
    """The layers of batch normalization, in order."""
    return [
      each for each in self.parts.values() if isinstance(each, keras.layers.BatchNormalization)
    ]

  @contextlib.contextmanager
  def momentum(self, value: float) -> Iterator[None]:
    """Batch normalization has this momentum meanwhile; 0 keeps a batch's statistics, 1 none."""
    before = [norm.momentum for norm in self.norms]
    for norm in self.norms:
      norm.momentum = value
    try:
      yield
    finally:
      for norm, kept in zip(self.norms, before):
        norm.momentum = kept

  @property
  def reads(self) -> tuple[int, ...]:
    """The shape of an input without the batch."""
    return self._shared.input.shape[1:]

  @property
  def outputs(self) -> int:
    """How many values the network gives."""
    return self._shared.values()[self._shared.outputs[0]].channels

  def compute_output_shape(self, shapes: Any) -> Any:
    return (shapes[0][0], self.outputs)

  def _add_parts(self, momentum: float) -> None:
    layers, values = self._shared.layers(), self._shared.values()
    plain = without_normalization(self._shared)
    for number, layer in enumerate(layers):
      if layer.opcode not in WEIGHTED:
        continue
      name = layer_name(number, layer)
      part = WEIGHTED[layer.opcode](layer, name, number in plain)
      self._add(name, part, values[layer.inputs[0]].shape)
      if number not in plain:
        norm = keras.layers.BatchNormalization(momentum=momentum, name=norm_name(name))
        self._add(norm_name(name), norm, layer.output.shape)

  def _add(self, name: str, part: Any, shape: Sequence[int]) -> None:
    part.build((None, *shape[1:]))
    self.parts[name] = part
    setattr(self, f'part_{len(self.parts)}', part)

  def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
    x, table = inputs
    first = 0
    for number, fragment in enumerate(self._shared.fragments):
      if fragment.layers:
        x = self._block(number, fragment, first, x, table, training)
      first += len(fragment.layers)
    return x

  def _block(
    self, number: int, fragment: Fragment, first: int, x: Any, table: Any, training: bool
  ) -> Any:
    blocks = self.largest.blocks
    core = core_of(fragment, blocks[number] if number < len(blocks) else None)
    shapes = [fragment.input, *(layer.output for layer in core.layers)]

    def compute() -> Any:
      values = [x]
      for k, layer in enumerate(core.layers):
        read = [values[value] for value in layer.inputs]
        shape = shapes[layer.inputs[0]]
        values.append(self._layer(first + k, layer, shape, read, table[first + k], training))
      return values[core.end]

    row = table[first]
    active = row[Number.ACTIVE] if number in self._optional else None
    adds = row[Number.ADDS] if number in self._loose and core.may_add else None
    return self._arithmetic.block(x, compute, active, adds, core.adds)

  def _layer(
    self, number: int, layer: Layer, shape: Value, read: list[Any], row: Any, training: bool
  ) -> Any:
    name = layer_name(number, layer)
    if name not in self.parts:
      made = _plain(layer, shape, read)
      return self._arithmetic.finish(made, row) if layer.opcode == 'LOGISTIC' else made
    made = _RUN[layer.opcode](self._arithmetic)(self.parts[name], layer, read[0], row)
    norm = self.parts.get(norm_name(name))
    if norm is not None:
      made = self._arithmetic.normalize(norm, made, row, training)
    return self._arithmetic.finish(ACTIVATIONS[layer.activation](made), row)


def _plain(layer: Layer, shape: Value, read: list[Any]) -> Any:
  """A layer without weights."""
  if layer.opcode in POOLS:
    return _pool(layer, shape, read[0])
  return ACTIVATIONS[layer.activation](_PLAIN[layer.opcode](layer, shape, *read))


def _pool(layer: Layer, shape: Value, x: Any) -> Any:
  average = layer.opcode == 'AVERAGE_POOL_2D'
  if pools_whole_map(layer, shape):
    return (ops.mean if average else ops.max)(x, axis=(1, 2), keepdims=True)
  run = ops.average_pool if average else ops.max_pool
  return run(x, layer.kernel, layer.stride, layer.padding.value, 'channels_last')


def _flattened(layer: Layer, shape: Value, x: Any) -> Any:
  return x[:, 0, 0] if shape.size == (1, 1) else ops.reshape(x, (-1, layer.output.channels))


_PLAIN: dict[str, Callable[..., Any]] = {
  'ADD': lambda layer, shape, x, y: x + y,
  'MUL': lambda layer, shape, x, y: x * y,
  'MEAN': lambda layer, shape, x: ops.mean(x, axis=(1, 2), keepdims=layer.keep_dims),
  'RESHAPE': _flattened,
  'SOFTMAX': lambda layer, shape, x: ops.softmax(x),
  'LOGISTIC': lambda layer, shape, x: ops.sigmoid(x),
  'HARD_SWISH': lambda layer, shape, x: ops.hard_silu(x),
}
_RUN: dict[str, Callable[[Any], Callable[..., Any]]] = {
  'CONV_2D': lambda arithmetic: arithmetic.conv,
  'DEPTHWISE_CONV_2D': lambda arithmetic: arithmetic.depthwise,
  'FULLY_CONNECTED': lambda arithmetic: arithmetic.dense,
}
