# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

import functools

import numpy as np

from tflm_patch.on_device import integers
from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import (
  Backward,
  Effort,
  Kept,
  Places,
  Results,
  Values,
  Wanted,
)
from tflm_patch.on_device.operators.weighted import Geometry, windowed


class _Pool(Backward):
  """A window over one channel."""

  def refusal(self) -> str | None:
    return base.int8_refusal(self.view)

  @functools.cached_property
  def geometry(self) -> Geometry:
    """Shapes and window."""
    kernel = (int(self.view.option('filterHeight')), int(self.view.option('filterWidth')))
    return windowed(self.view, kernel)

  def _emit_geometry(self, at: Places) -> str:
    return at.structure('tflm_patch_backward_geometry', 'geometry', self.geometry.fields(0))

  def effort(self, wanted: Wanted) -> Effort:
    del wanted
    shape = self.geometry
    values = shape.source_cells * shape.source[2] * shape.taps
    return {
      'clamped': self.view.output().elements,
      'pool_taps': values,
      'pool_cells': values * shape.taps // (shape.stride[0] * shape.stride[1]),
    }

  @property
  def bits(self) -> int:
    """Of gradients of integers behind the clamp."""
    return integers.bits_of(plain=2 * self.geometry.taps)

  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    gradient, result = at.gradient(self.target), at.gradient(self.source)
    values = at.tensor(self.source) if self.kept(wanted).tensors else 'NULL'
    return [
      clamps.emit_integer(self.view, np.ones(1, np.float32), self.bits, at),
      f'tflm_patch_integer_pool({self._emit_geometry(at)}, {values}, {gradient}, '
      f'*{at.exponent(self.target)}, {result}, {at.exponent(self.source)}, '
      f'{int(0 in wanted.added)});',
    ]

  def _passed(self, gradient: np.ndarray, scale: np.float32, values: Values) -> np.ndarray:
    clamp = clamps.clamp_of(self.view)
    made = clamps.scaled(self.view, clamp, np.array([scale], np.float32), gradient, values)
    return made.reshape(gradient.shape[0], *self.geometry.target)


@base.register('AVERAGE_POOL_2D')
class AveragePool(_Pool):
  """Every value of a window gets the same part."""

  def kept(self, wanted: Wanted) -> Kept:
    del wanted
    return Kept(mask=True)

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    gradient, result = at.gradient(self.target), at.gradient(self.source)
    return [
      clamps.emit_scaled(self.view, np.ones(1, np.float32), at),
      f'tflm_patch_backward_average_pool({self._emit_geometry(at)}, {gradient}, {result}, '
      f'{int(0 in wanted.added)});',
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted
    shape = self.geometry
    passed = self._passed(gradient, np.float32(1), values)
    taps = [(r, c) for r in range(shape.kernel[0]) for c in range(shape.kernel[1])]
    counts = np.zeros(shape.target[:2], np.float32)
    for tap in taps:
      counts[shape.overlap(tap)[0][1:]] += 1
    part = passed / np.maximum(counts, 1)[..., None]
    result = np.zeros((gradient.shape[0], *shape.source), np.float32)
    for tap in taps:
      outputs, inputs = shape.overlap(tap)
      result[inputs] = result[inputs] + part[outputs]
    return {0: result.reshape(gradient.shape[0], *self.view.input().shape[1:])}


@base.register('MAX_POOL_2D')
class MaxPool(_Pool):
  """The first of the greatest values of a window gets all."""

  def kept(self, wanted: Wanted) -> Kept:
    del wanted
    return Kept(tensors=(self.source,), mask=True)

  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    gradient, result = at.gradient(self.target), at.gradient(self.source)
    return [
      clamps.emit_scaled(self.view, np.ones(1, np.float32), at),
      f'tflm_patch_backward_max_pool({self._emit_geometry(at)}, {at.tensor(self.source)}, '
      f'{gradient}, {result}, {int(0 in wanted.added)});',
    ]

  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    del wanted
    shape = self.geometry
    passed = self._passed(gradient, np.float32(1), values)
    batch = gradient.shape[0]
    x = values.tensor(self.source).reshape(batch, *shape.source)
    best = np.full(passed.shape, -1000, np.int64)
    chosen = np.full(passed.shape, -1, np.int64)
    taps = [(r, c) for r in range(shape.kernel[0]) for c in range(shape.kernel[1])]
    for number, tap in enumerate(taps):
      outputs, inputs = shape.overlap(tap)
      value = x[inputs]
      is_more = value > best[outputs]
      best[outputs] = np.where(is_more, value, best[outputs])
      chosen[outputs] = np.where(is_more, number, chosen[outputs])
    result = np.zeros((batch, *shape.source), np.float32)
    for number, tap in enumerate(taps):
      outputs, inputs = shape.overlap(tap)
      source, target = inputs, outputs
      part = np.where(chosen[target] == number, passed[target], np.float32(0))
      result[source] = result[source] + part
    return {0: result.reshape(batch, *self.view.input().shape[1:])}
