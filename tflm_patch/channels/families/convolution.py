# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

import numpy as np

from tflm_patch.channels.borders import seen_taps, window_sums
from tflm_patch.channels.family import register
from tflm_patch.channels.ranges import Ranges, Sums
from tflm_patch.channels.site import Site
from tflm_patch.channels.weighted import Weighted, tap_bounds
from tflm_patch.program.fields import stored
from tflm_patch.program.params import ConvParams, Requant


def seen(site: Site) -> list[np.ndarray]:
  """The sets of rows and of columns of the window that lie in the map."""
  assert site.lowered is not None and site.stage_op.window is not None
  source = site.source_map()
  target = site.lowered.maps[site.stage_op.outputs[0]]
  sizes = (source.rows, target.rows), (source.cols, target.cols)
  return [seen_taps(window, *size) for window, size in zip(site.stage_op.window, sizes)]


@register('CONV_2D')
class Convolution(Weighted):
  """Any window; with groups, whose channels hang together, all stay."""

  def follows(self, site: Site) -> bool:
    return self._params(site).groups == 1

  def sums(self, site: Site, source: Ranges) -> Sums:
    params = self._params(site)
    weights = np.moveaxis(stored(params.weights), 0, 2)  # [kernel_h, kernel_w, out, in]
    least, most = tap_bounds(weights, source)
    padding = site.source_map().zero_point * weights.sum(axis=3, dtype=np.int64)
    sets, bias = seen(site), stored(params.bias).astype(np.int64)
    low = window_sums(least, padding, sets).min(axis=0)
    return Sums(low + bias, window_sums(most, padding, sets).max(axis=0) + bias)

  def offsets(self, site: Site, source: Ranges, channels: np.ndarray) -> np.ndarray:
    weights = stored(self._params(site).weights)[..., channels].astype(np.int64)
    added = (source.low[channels] - site.source_map().zero_point) * weights
    outputs, rows, cols, count = added.shape
    taps = np.moveaxis(added, 0, 2).reshape(rows, cols, outputs * count)
    sums = window_sums(taps, np.zeros_like(taps), seen(site))
    return sums.reshape(len(sums), outputs, count)

  def requant(self, site: Site) -> Requant:
    return self._params(site).requant

  @staticmethod
  def _params(site: Site) -> ConvParams:
    params = site.stage_op.params
    assert isinstance(params, ConvParams)
    return params
