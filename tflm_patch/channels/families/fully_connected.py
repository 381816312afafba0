# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED, of vectors or of whole maps."""

from __future__ import annotations

import numpy as np

from tflm_patch.channels.family import register
from tflm_patch.channels.ranges import Ranges, Sums
from tflm_patch.channels.site import Site
from tflm_patch.channels.weighted import Weighted, tap_bounds
from tflm_patch.graph.types import Tensor
from tflm_patch.program.fields import stored
from tflm_patch.program.params import ConvParams, FullyConnectedParams, Requant


@register('FULLY_CONNECTED')
class FullyConnected(Weighted):
  """A weight for each channel of each cell that it reads."""

  def follows(self, site: Site) -> bool:
    channels = site.source_channels(0)
    return channels > 0 and site.view.input(1).shape[1] % channels == 0

  def sums(self, site: Site, source: Ranges) -> Sums:
    weights = site.view.input(1).array()
    low, high = tap_bounds(weights, source.tiled(weights.shape[1] // source.low.size))
    bias = stored(self._params(site).bias).astype(np.int64)
    return Sums(low + bias, high + bias)

  def offsets(self, site: Site, source: Ranges, channels: np.ndarray) -> np.ndarray:
    weights = self.as_taps(site)[:, :, channels].sum(axis=1, dtype=np.int64)
    return ((source.low[channels] - site.source_map().zero_point) * weights)[None]

  def requant(self, site: Site) -> Requant:
    return self._params(site).requant

  def least_channels(self, site: Site) -> int:
    """A scale alone would be one per tensor, which TFLM multiplies in another precision."""
    scales = site.view.input(1).quantization
    return 1 if scales is None or scales.per_tensor else 2

  def kept_shape(self, old: Tensor, values: np.ndarray) -> tuple[int, ...]:
    return values.shape[0], values.shape[1] * values.shape[2]

  @staticmethod
  def _params(site: Site) -> FullyConnectedParams | ConvParams:
    params = site.stage_op.params
    assert isinstance(params, FullyConnectedParams | ConvParams)
    return params
