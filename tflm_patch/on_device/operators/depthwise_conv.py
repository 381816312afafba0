# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D of one output channel an input channel."""

from __future__ import annotations

import functools

import numpy as np

from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import Effort, Places, Results, Values, Wanted
from tflm_patch.on_device.operators.weighted import Geometry, Weighted, windowed


@base.register('DEPTHWISE_CONV_2D')
class DepthwiseConv(Weighted):
  """Channel by channel, so the input's gradient may take the place of the output's."""

  continues_sums = True

  def refusal(self) -> str | None:
    if not self.view.input(1).is_constant:
      return 'its weights are no constant'
    if self.geometry.source[2] != self.geometry.target[2]:
      return 'it makes several output channels of an input channel'
    return base.int8_refusal(self.view)

  @functools.cached_property
  def geometry(self) -> Geometry:
    weights = self.view.input(1).shape
    return windowed(self.view, (weights[1], weights[2]))

  @property
  def trained_weights(self) -> int:
    return self.geometry.taps * len(self.channels or ())

  def in_place(self, wanted: Wanted) -> int | None:
    return 0 if 0 in wanted.inputs and 0 not in wanted.added else None

  def scratch_bytes(self, wanted: Wanted) -> int:
    del wanted
    return base.FLOAT_BYTES * self.geometry.cells

  def effort(self, wanted: Wanted) -> Effort:
    shape = self.geometry
    parts = [{'clamped': self.view.output().elements}, self.learned, self.column_effort()]
    if 0 in wanted.inputs:
      parts.append(self.input_effort())
    return base.together({'columns': shape.cells * shape.target[2]}, *parts)

  def column_effort(self) -> Effort:
    """Of the gradients of trained weights."""
    shape, chosen = self.geometry, len(self.channels or ())
    return {'depthwise_weight_macs': shape.cells * shape.taps * chosen}

  def input_effort(self) -> Effort:
    """Of the input's gradient."""
    shape = self.geometry
    by_one = shape.stride == shape.dilation == (1, 1)
    values = shape.source_cells * shape.source[2]
    return {'depthwise_macs' if by_one else 'strided_macs': values * shape.taps, 'values': values}

  @property
  def products(self) -> int:
    return self.geometry.taps

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    lines = [self.emit_integer_accumulators(wanted, at), *self.emit_integer_biases(at)]
    result, how = 'NULL', 'NULL'
    if 0 in wanted.inputs:
      # The place of the output's gradient may be that of the input's, its exponent is not.
      result, how = at.gradient(self.source), '&sum'
      lines.append(clamps.emit_integer_sum(self.view, 0 in wanted.added, at))
    elif self.channels is None:
      return lines
    layer, values, count = self._emit_trained(at)
    return [
      *lines,
      f'tflm_patch_integer_depthwise({self.emit_geometry(at)}, {at.frozen_weights()}, {values}, '
      f'{self.emit_channels(at)}, {count}, {at.gradient(self.target)}, '
      f'*{at.exponent(self.target)}, {result}, {how}, {at.scratch()}, {layer}, update);',
    ]

  def _emit_trained(self, at: Places) -> tuple[str, str, int]:
    """The layer, the values and how many channels are trained."""
    if self.channels is None:
      return 'NULL', 'NULL', 0
    values = at.tensor(self.source) if self.gathered is None else at.gathered()
    return self.emit_layer(at), values, len(self.channels)

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    """Channel by channel: the accumulators' gradient is copied before it is overwritten."""
    lines = [self.emit_accumulators(at), *self.emit_biases(at)]
    result, added = 'NULL', 0
    if 0 in wanted.inputs:
      result, added = at.gradient(self.source), int(0 in wanted.added)
    elif self.channels is None:
      return lines
    layer, values, count = self._emit_trained(at)
    lines.append(
      f'tflm_patch_backward_depthwise({self.emit_geometry(at)}, {at.frozen_weights()}, {values}, '
      f'{self.emit_channels(at)}, {count}, {at.gradient(self.target)}, {result}, {added}, '
      f'{at.scratch()}, {layer}, update);'
    )
    return lines

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    if 0 not in wanted.inputs:
      return {}
    accumulators = self.accumulators(gradient, values)
    shape = self.geometry
    weights = values.weights().reshape(*shape.kernel, shape.target[2]).astype(np.float32)
    result = self.begun(gradient, values)
    for row in range(shape.kernel[0]):
      for col in range(shape.kernel[1]):
        outputs, inputs = shape.overlap((row, col))
        result[inputs] = result[inputs] + weights[row, col] * accumulators[outputs]
    return {0: result.reshape(gradient.shape[0], *self.view.input().shape[1:])}

  def weight_gradient(self, accumulators: np.ndarray, values: Values) -> np.ndarray:
    shape, x = self.geometry, self.inputs(values)
    chosen = np.array(self.channels or (), np.int64)
    total = np.zeros((*shape.kernel, chosen.size), np.float32)
    for row in range(shape.kernel[0]):
      for col in range(shape.kernel[1]):
        outputs, inputs = shape.overlap((row, col))
        a = accumulators[outputs].reshape(-1, shape.target[2])[:, chosen]
        cells = x[inputs].reshape(-1, shape.source[2])[:, chosen]
        for one, cell in zip(a, cells):
          total[row, col] = total[row, col] + one * cell
    return total.reshape(-1)
