# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RNNPool (Saha et al., NeurIPS 2020): a patch of a map becomes one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tflm_patch.models.layers.base import CompositeLayer, composite


@composite
class RNNPool(CompositeLayer):
  """Down-samples a map by recurrent networks over the rows and columns of its patches.

  A first FastGRNN (zeta 1, nu 0) reads each row of a patch from left to right, and each
  column from top to bottom; a second one reads the rows' last states down and up, and the
  columns' right and left. The four last states are the vector of the patch. Neighbouring
  patches share what they have in common: it is all computed as maps, by convolutions of one
  cell, slices and cellwise operators, which stages stream row by row.

  Args:
    units: Of the first network's state.
    summary_units: Of the second one's; the output has four times as many channels.
    size: Rows and columns of a patch.
    strides: From patch to patch, at most the size.

  Call: float32[n, rows, columns, channels] to float32[n, (rows - size) // strides + 1,
  (columns - size) // strides + 1, 4 * summary_units].
  """

  settings = ('units', 'summary_units', 'size', 'strides')

  def __init__(
    self, units: int = 8, summary_units: int = 8, size: int = 6, strides: int = 4, **kwargs: Any
  ) -> None:
    super().__init__(**kwargs)
    if not 1 <= strides <= size:
      raise ValueError(f'patches of {size} with a stride of {strides} leave gaps')
    self.units, self.summary_units = units, summary_units
    self.size, self.strides = size, strides
    self.first = _Cell(units, name='first')
    self.second = _Cell(summary_units, name='second')

  def build(self, shape: Any) -> None:
    for length, what in zip(shape[1:3], ('rows', 'columns')):
      if length is None or length < self.size:
        raise ValueError(f'a map of {length} {what} has no patch of {self.size}')
    self.first.build(shape)
    self.second.build((*shape[:-1], self.units))
    self.built = True

  def call(self, x: Any) -> Any:
    wx = self.first.inputs(x)
    # Last states of the rows of patches, of all rows of the map: [n, rows, patches, units].
    rows = self.second.inputs(self.first.run(self._parts(wx, axis=2)))
    columns = self.second.inputs(self.first.run(self._parts(wx, axis=1)))
    down, right = self._parts(rows, axis=1), self._parts(columns, axis=2)
    runs = [down, down[::-1], right, right[::-1]]
    return ops.concatenate([self.second.run(parts) for parts in runs], axis=-1)

  def _parts(self, x: Any, axis: int) -> list[Any]:
    """The map's cells at each position of a patch along an axis, for all patches."""
    span = (self._count(x.shape[axis]) - 1) * self.strides + 1
    parts = []
    for position in range(self.size):
      part = slice(position, position + span, self.strides)
      parts.append(x[:, part] if axis == 1 else x[:, :, part])
    return parts

  def _count(self, length: int) -> int:
    return (length - self.size) // self.strides + 1

  def compute_output_shape(self, shape: Any) -> Any:
    sizes = tuple(self._count(length) for length in shape[1:3])
    return (shape[0], *sizes, 4 * self.summary_units)


class _Cell(keras.layers.Layer):
  """A FastGRNN over maps, with zeta 1 and nu 0: h' = (1 - z) * c + z * h."""

  def __init__(self, units: int, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.units = units
    self.inputs = keras.layers.Dense(units, use_bias=False, name=f'{self.name}_inputs')
    self.state = keras.layers.Dense(units, name=f'{self.name}_state')

  def build(self, shape: Any) -> None:
    self.inputs.build(shape)
    self.state.build((*shape[:-1], self.units))
    self.gate_bias = self.add_weight(shape=(self.units,), initializer='ones', name='gate_bias')
    self.built = True

  def run(self, parts: list[Any]) -> Any:
    """The last state after W x of each step; the state before the first is 0."""
    state = None
    for wx in parts:
      both = ops.add(wx, self.state.bias if state is None else self.state(state))
      candidate = ops.tanh(both)
      gate = ops.sigmoid(ops.add(both, ops.subtract(self.gate_bias, self.state.bias)))
      if state is None:
        state = ops.subtract(candidate, ops.multiply(gate, candidate))
      else:
        change = ops.multiply(gate, ops.subtract(state, candidate))
        state = ops.add(candidate, change)
    return state
