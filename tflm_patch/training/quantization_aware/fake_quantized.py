# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The layer that computes what TFLM will compute, with a model's own variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.graph.types import Model
from tflm_patch.quantization.model_io import packed_inputs
from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.options import QuantizeOptions
from tflm_patch.training.quantization_aware.forward import FORWARD, Table
from tflm_patch.training.quantization_aware.grids import Grid, grids
from tflm_patch.training.quantization_aware.options import QuantizationAwareOptions, RangeMode
from tflm_patch.training.quantization_aware.rounding import straight_through
from tflm_patch.training.quantization_aware.tables import ENTRIES, kernel_tables, resize_positions
from tflm_patch.training.quantization_aware.trainable_network import TrainableNetwork

_DIVISORS = (127, 255)


@dataclasses.dataclass(frozen=True)
class _Untracked:
  """Keeps Keras from mixing the metrics of a compiled model with those of the one around."""

  model: Any


_NEVER = (1 << 31) - 1


class FakeQuantized(keras.layers.Layer):
  """A model's network with fake quantization at every tensor.

  Outside training every byte is computed as TFLM's kernels do, in int32 and float32; in
  training with both of TFLM's roundings, in float32, with straight-through gradients that
  are 0 where values are limited. Outputs are real values.

  Attributes:
    network: What the writer makes of it.
    update_statistics: Training steps run the float model, too, so that moving statistics of
      batch normalization follow the weights. Read when Keras traces the step.
  """

  def __init__(
    self, original: Any, network: TrainableNetwork, options: QuantizationAwareOptions
  ) -> None:
    super().__init__(name=f'{original.name}_int8', dtype='float32')
    self._original = _Untracked(original)
    self.parts = list(original.layers)  # their variables are the layer's
    self.network = network
    self.update_statistics = False
    self._options = options
    self._is_input = [
      any(value in network.network.inputs for value in group.members) for group in network.groups
    ]
    self._group_of = {
      value: index for index, group in enumerate(network.groups) for value in group.members
    }
    self._add_variables()

  def _add_variables(self) -> None:
    found = [self.network.range_of(group) for group in self.network.groups]
    start = np.array([(each.low, each.high) for each in found], np.float32)
    learned = self._options.ranges is RangeMode.LEARNED
    self.ranges = self._variable('ranges', start, trainable=learned)
    limit = self._options.freeze_ranges_step
    self.steps_left = self._variable(
      'steps_left', np.array(_NEVER if limit is None else limit, np.int32)
    )
    # Variables, not constants: compilers multiply by reciprocals of constants.
    self._divisors = self._variable('divisors', np.array(_DIVISORS, np.float32))
    graph = self.graph()
    tables = kernel_tables(self.network.network, graph)
    self._positions = resize_positions(self.network.network, graph)
    self._tables = {
      node: Table(
        self._variable(f'table_{k}', np.zeros(ENTRIES, np.int32)),
        self._variable(f'table_{k}_scales', np.zeros(4, np.float32)),
      )
      for k, node in enumerate(tables)
    }
    self.built = True
    self._fill(tables)

  def _variable(self, name: str, values: np.ndarray, trainable: bool = False) -> Any:
    variable = self.add_weight(
      shape=values.shape, dtype=str(values.dtype), name=name, trainable=trainable
    )
    variable.assign(values)
    return variable

  @property
  def original(self) -> Any:
    """The model whose variables these are."""
    return self._original.model

  # What the writer needs.

  def grids(self) -> list[Grid]:
    """Of the network's groups, as the ranges are now."""
    return grids(self.network.groups, ops.convert_to_tensor(self.ranges), self._divisors[1])

  def graph(self, options: QuantizeOptions | None = None) -> Model:
    """The int8 graph, as weights and ranges are now."""
    return self.network.graph(self.grids(), options)

  def refresh(self) -> None:
    """Computes the kernels' tables for the ranges as they are now."""
    self._fill(kernel_tables(self.network.network, self.graph()))

  def _fill(self, tables: dict[Node, np.ndarray]) -> None:
    current = self.grids()
    for node, table in self._tables.items():
      both = [current[self._group_of[value]] for value in (node.input, node.output)]
      scales = [ops.convert_to_numpy(x) for grid in both for x in (grid.scale, grid.zero_point)]
      table.values.assign(tables[node])
      table.scales.assign(np.array(scales, np.float32))

  def freeze_ranges(self) -> None:
    """Averages stop."""
    self.steps_left.assign(0)

  # Keras.

  def compute_output_shape(self, shape: Any) -> Any:
    batch = keras.tree.flatten(shape)[0] if isinstance(shape[0], (list, tuple)) else shape[0]
    shapes = [(batch, *value.shape[1:]) for value in self.network.network.outputs]
    return shapes[0] if len(shapes) == 1 else shapes

  def call(self, inputs: Any, training: bool | None = None) -> Any:
    given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if training and self.update_statistics:
      self._original.model(packed_inputs(self._original.model, given), training=True)
    run = _Run(self, bool(training))
    outputs = run.outputs(given)
    if training and self._options.ranges is RangeMode.AVERAGED:
      self._average(run.seen)
    return outputs[0] if len(outputs) == 1 else outputs

  def _average(self, seen: dict[int, tuple[Any, Any]]) -> None:
    """One step of the moving averages, while they move."""
    ranges, left = ops.convert_to_tensor(self.ranges), ops.convert_to_tensor(self.steps_left)
    now = [
      ops.stack(seen[k]) if k in seen and not self._is_input[k] else ranges[k]
      for k in range(len(self.network.groups))
    ]
    momentum = self._options.momentum
    moved = momentum * ranges + (1 - momentum) * ops.stack(now)
    self.ranges.assign(ops.where(left > 0, moved, ranges))
    self.steps_left.assign(ops.where(left == _NEVER, left, ops.maximum(left - 1, 0)))


class _Run:
  """One forward pass; the `Pass` of forward/registry.py."""

  def __init__(self, layer: FakeQuantized, training: bool) -> None:
    self.training = training
    self.per_channel = layer._options.per_channel
    self.seen: dict[int, tuple[Any, Any]] = {}
    self._layer = layer
    self._network: Network = layer.network.network
    current = layer.grids()
    if not (training and layer._options.ranges is RangeMode.LEARNED):
      current = [Grid(*(ops.stop_gradient(x) for x in (g.scale, g.zero_point))) for g in current]
    self._grids = current
    self._known: dict[Value, Any] = {}
    self._memo: dict[int, Any] = {}

  def outputs(self, inputs: Sequence[Any]) -> list[Any]:
    """Real values of the network's outputs."""
    for value, x in zip(self._network.inputs, inputs):
      self._known[value] = self._quantized(value, ops.cast(x, 'float32'))
    for node in self._network.nodes:
      for value in node.inputs:
        if value.constant is not None and value not in self._known:
          constant = self._layer.network.constant(value, self._memo)
          self._known[value] = self._quantized(value, constant)
      self._known[node.output] = FORWARD[type(node.operation)](self, node)
    return [self._known[value] * self.grid(value).scale for value in self._network.outputs]

  def _quantized(self, value: Value, x: Any) -> Any:
    """Steps of real values."""
    grid = self.grid(value)
    exact = x / grid.scale
    if value.constant is not None:
      self.observe(value, exact)
    rounded = ops.minimum(ops.maximum(ops.round(exact), grid.low), grid.high)
    if not self.training:
      return rounded
    return straight_through(rounded, ops.minimum(ops.maximum(exact, grid.low), grid.high))

  # For the functions of nodes.

  def steps(self, value: Value) -> Any:
    return self._known[value]

  def grid(self, value: Value) -> Grid:
    return self._grids[self._layer._group_of[value]]

  def weight(self, node: Node, name: str) -> Any:
    return self._layer.network.weight(node, name, self._memo)

  def divisor(self, value: int) -> Any:
    return self._layer._divisors[_DIVISORS.index(value)]

  def table(self, node: Node) -> Table | None:
    return self._layer._tables.get(node)

  def positions(self, node: Node) -> tuple[np.ndarray, np.ndarray] | None:
    return self._layer._positions.get(node)

  def is_output(self, value: Value) -> bool:
    return any(value is each for each in self._network.outputs)

  def observe(self, value: Value, x: Any) -> None:
    if not self.training or self._layer._options.ranges is not RangeMode.AVERAGED:
      return
    scale = self.grid(value).scale
    x = ops.stop_gradient(x)
    index = self._layer._group_of[value]
    low, high = ops.min(x) * scale, ops.max(x) * scale
    if index in self.seen:
      low = ops.minimum(low, self.seen[index][0])
      high = ops.maximum(high, self.seen[index][1])
    self.seen[index] = low, high
