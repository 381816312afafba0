# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.channels.family import Kept, register
from tflm_patch.channels.ranges import Ranges, Sums
from tflm_patch.channels.site import Site
from tflm_patch.channels.weighted import Weighted, tap_bounds
from tflm_patch.channels.weights import add_constant
from tflm_patch.graph.types import Operator
from tflm_patch.program.fields import stored
from tflm_patch.program.params import Requant, TransposeConvParams


@register('TRANSPOSE_CONV')
class TransposeConvolution(Weighted):
  """Output cells meet different sets of taps, so the bias can take the zero point only."""

  source, weights, bias = 2, 1, 3

  def sums(self, site: Site, source: Ranges) -> Sums:
    params = self._params(site)
    bias = stored(params.bias).astype(np.int64)
    low, high = bias.copy(), bias.copy()
    taps, offsets = stored(params.weights), stored(params.offsets)  # [kernel_h, kernel_w, out, in]
    least, most = tap_bounds(taps, source)
    low += np.minimum(least + offsets, 0).sum(axis=(0, 1))
    high += np.maximum(most + offsets, 0).sum(axis=(0, 1))
    return Sums(low, high)

  def offsets(self, site: Site, source: Ranges, channels: np.ndarray) -> np.ndarray:
    weights = self.as_taps(site)[:, :, channels]
    values = source.low[channels] - site.source_map().zero_point
    added = np.abs(values * weights.astype(np.int64)).sum(axis=1)
    return np.stack([np.zeros_like(added), added])

  def requant(self, site: Site) -> Requant:
    return self._params(site).requant

  def keep(self, site: Site, kept: Kept) -> Operator:
    operator = super().keep(site, kept)
    if site.target not in kept.channels:
      return operator
    old = site.view.input(0)
    shape = np.array(site.view.output().shape, '<i4')
    shape[-1] = kept.channels[site.target].size
    sizes = add_constant(site.graph, old, shape.reshape(old.shape), old.quantization)
    return dataclasses.replace(operator, inputs=(sizes, *operator.inputs[1:]))

  @staticmethod
  def _params(site: Site) -> TransposeConvParams:
    params = site.stage_op.params
    assert isinstance(params, TransposeConvParams)
    return params
