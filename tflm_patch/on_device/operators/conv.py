# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, and FULLY_CONNECTED as one of a 1 x 1 window."""

from __future__ import annotations

import functools

import numpy as np

from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import Effort, Places, Results, Values, Wanted
from tflm_patch.on_device.operators.weighted import Geometry, Weighted, windowed


@base.register('CONV_2D', 'FULLY_CONNECTED')
class Conv(Weighted):
  """Every output channel reads every input channel."""

  continues_sums = True

  def refusal(self) -> str | None:
    if not self.view.input(1).is_constant:
      return 'its weights are no constant'
    if self.view.opcode == 'CONV_2D' and self.view.input(1).shape[3] != self.geometry.source[2]:
      return 'its channels are in groups'
    return base.int8_refusal(self.view)

  @functools.cached_property
  def geometry(self) -> Geometry:
    weights = self.view.input(1).shape
    if self.view.opcode == 'FULLY_CONNECTED':
      cells = self.view.input().elements // weights[1]
      return Geometry((1, cells, weights[1]), (1, cells, weights[0]))
    return windowed(self.view, (weights[1], weights[2]))

  @property
  def trained_weights(self) -> int:
    shape = self.geometry
    return shape.target[2] * shape.taps * len(self.channels or ())

  def effort(self, wanted: Wanted) -> Effort:
    shape, chosen = self.geometry, len(self.channels or ())
    parts = [{'clamped': self.view.output().elements}, self.learned, self.weight_effort()]
    if 0 in wanted.inputs:
      parts.append(self._input_effort(shape.source[2]))
      if self.gathered is not None:
        parts.append(self._input_effort(chosen))
    return base.together(*parts)

  def weight_effort(self) -> Effort:
    """Of the gradients of trained weights."""
    shape, chosen = self.geometry, len(self.channels or ())
    macs = shape.cells * shape.taps * shape.target[2] * chosen
    return {'weight_macs' if self.is_pointwise else 'wide_weight_macs': macs}

  def _input_effort(self, channels: int) -> Effort:
    shape = self.geometry
    if not self.is_pointwise:
      return {
        'wide_macs': shape.cells * shape.taps * channels * shape.target[2],
        'wide_taps': shape.source_cells * shape.taps * channels,
      }
    beyond = shape.cells % 4  # cells that are not made four at a time
    return {
      'input_macs': (shape.cells - beyond) * channels * shape.target[2],
      'single_macs': beyond * channels * shape.target[2],
      'input_values': shape.cells * channels,
    }

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    lines = [self.emit_accumulators(at)]
    gradient = at.gradient(self.target)
    if 0 in wanted.inputs:
      result, added = at.gradient(self.source), int(0 in wanted.added)
      start = f'tflm_patch_backward_conv_input({self.emit_geometry(at)}'
      inputs = self.geometry.source[2]
      lines.append(
        f'{start}, {at.frozen_weights()}, {inputs}, NULL, {gradient}, {result}, {added});'
      )
      if self.gathered is not None:
        lines.append(
          f'{start}, {at.parameters()["weights"]}, {len(self.gathered)}, '
          f'{self.emit_channels(at)}, {gradient}, {result}, {added});'
        )
    return [*lines, *self.emit_weights(at), *self.emit_biases(at)]

  @property
  def products(self) -> int:
    return self.geometry.taps * self.geometry.target[2]

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    lines = [self.emit_integer_accumulators(wanted, at)]
    gradient = at.gradient(self.target)
    if 0 in wanted.inputs:
      result = at.gradient(self.source)
      start = f'tflm_patch_integer_conv_input({self.emit_geometry(at)}'
      inputs = self.geometry.source[2]
      lines += [
        clamps.emit_integer_sum(self.view, 0 in wanted.added, at),
        f'{start}, {at.frozen_weights()}, {inputs}, NULL, {gradient}, {result}, &sum);',
      ]
      if self.gathered is not None:
        lines += [
          'const tflm_patch_integer_sum more = tflm_patch_integer_more(&sum);',
          f'{start}, {at.parameters()["weights"]}, {len(self.gathered)}, '
          f'{self.emit_channels(at)}, {gradient}, {result}, &more);',
        ]
    return [*lines, *self.emit_integer_weights(at), *self.emit_integer_biases(at)]

  def emit_integer_weights(self, at: Places) -> list[str]:
    """Statements that train the weights by gradients of integers, if they are."""
    if self.channels is None:
      return []
    values = at.tensor(self.source) if self.gathered is None else at.gathered()
    return [
      f'tflm_patch_integer_conv_weights({self.emit_geometry(at)}, {values}, '
      f'{len(self.channels)}, {at.gradient(self.target)}, *{at.exponent(self.target)}, '
      f'{self.emit_layer(at)}, update);'
    ]

  def emit_weights(self, at: Places) -> list[str]:
    """Statements that train the weights, if they are."""
    if self.channels is None:
      return []
    values = at.tensor(self.source) if self.gathered is None else at.gathered()
    return [
      f'tflm_patch_backward_conv_weights({self.emit_geometry(at)}, {values}, '
      f'{len(self.channels)}, {at.gradient(self.target)}, {self.emit_layer(at)}, update);'
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    if 0 not in wanted.inputs:
      return {}
    accumulators = self.accumulators(gradient, values)
    shape = self.geometry
    weights = values.weights().reshape(shape.target[2], *shape.kernel, shape.source[2])
    result = self.begun(gradient, values)
    for row in range(shape.kernel[0]):
      for col in range(shape.kernel[1]):
        outputs, inputs = shape.overlap((row, col))
        part = result[inputs]
        for o in range(shape.target[2]):
          one = accumulators[outputs][..., o, None]
          part = part + weights[o, row, col].astype(np.float32) * one
        result[inputs] = part
    return {0: result.reshape(gradient.shape[0], *self.view.input().shape[1:])}

  def weight_gradient(self, accumulators: np.ndarray, values: Values) -> np.ndarray:
    shape, x = self.geometry, self.inputs(values)
    chosen = np.array(self.channels or (), np.int64)
    total = np.zeros((shape.target[2], *shape.kernel, chosen.size), np.float32)
    for row in range(shape.kernel[0]):
      for col in range(shape.kernel[1]):
        outputs, inputs = shape.overlap((row, col))
        a = accumulators[outputs].reshape(-1, shape.target[2])
        cells = x[inputs].reshape(-1, shape.source[2])[:, chosen]
        for one, cell in zip(a, cells):
          total[:, row, col] = total[:, row, col] + one[:, None] * cell
    return total.reshape(-1)
